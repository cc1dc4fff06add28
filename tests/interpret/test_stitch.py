"""The attention of a bag on the picture that it was cut from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.errors import ShapeError
from milbench.interpret.stitch import attention_map, stitched


def test_grid_by_hand():
    """Four instances of 2 x 2 pixels; the largest weight is 1, and the last row of pixels bare."""
    corners = [(0, 0), (2, 0), (0, 2), (2, 2)]

    found = attention_map([0.1, 0.2, 0.3, 0.4], corners, 2, (5, 4))

    np.testing.assert_allclose(
        found,
        [
            [0.25, 0.25, 0.5, 0.5],
            [0.25, 0.25, 0.5, 0.5],
            [0.75, 0.75, 1.0, 1.0],
            [0.75, 0.75, 1.0, 1.0],
            [0.0, 0.0, 0.0, 0.0],
        ],
    )


def test_overlaps_take_the_larger_and_borders_cut():
    """Corners may lie outside the picture, and between pixels."""
    found = attention_map([1.0, 0.5, 0.25], [(-1, 0), (0.9, 0), (3, -5)], 2, (1, 4))

    np.testing.assert_array_equal(found, [[1.0, 0.5, 0.0, 0.0]])


@given(st.lists(st.just(0.0) | st.floats(1e-30, 1), min_size=1, max_size=9), st.floats(0.1, 10))
def test_only_ratios_matter(weights, factor):
    """The map does not change with the unit of the weights, and lies between 0 and 1."""
    corners = np.array([(3 * n, 0) for n in range(len(weights))])
    shape = (3, 3 * len(weights))

    found = attention_map(weights, corners, 3, shape)

    assert found.min() >= 0
    assert found.max() == (1 if max(weights) > 0 else 0)
    other = attention_map(factor * np.array(weights), corners, 3, shape)
    np.testing.assert_allclose(other, found, rtol=1e-12)


def test_stitched_picture_by_hand():
    """Pixels times attention, rounded."""
    picture = np.array([[[200, 100, 50], [10, 20, 30]]], dtype=np.uint8)

    found = stitched(picture, np.array([[0.5, 1.0]]))

    np.testing.assert_array_equal(found, [[[100, 50, 25], [10, 20, 30]]])


@pytest.mark.parametrize(
    ("attention", "corners", "message"),
    [
        ([0.5, 0.5], [(0, 0)], r"\(2,\) and corners of shape \(1, 2\)"),
        ([], np.zeros((0, 2)), "N >= 1"),
        ([0.5, -0.1], [(0, 0), (1, 1)], "negative"),
        ([0.5, np.nan], [(0, 0), (1, 1)], "not finite"),
    ],
)
def test_what_is_no_attention_is_refused(attention, corners, message):
    """Logits have no place on a map from 0 to 1."""
    with pytest.raises(ShapeError, match=message):
        attention_map(attention, corners, 2, (4, 4))


def test_a_map_of_another_picture_is_refused():
    """Both shapes are named."""
    with pytest.raises(ShapeError, match=r"\(2, 3, 3\).*\(3, 2\)"):
        stitched(np.zeros((2, 3, 3), dtype=np.uint8), np.zeros((3, 2)))
