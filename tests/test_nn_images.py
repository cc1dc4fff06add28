"""What methods on images share: the shape of an image, and bytes as floats."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from milbench.errors import ShapeError
from milbench.nn.images import as_pixels, centre_crop, image_shape


@given(st.sampled_from([1, 3]), st.integers(1, 3000))
def test_squares_need_no_shape(channels, side):
    """No count of values is a square of one channel and of three, since three is no square."""
    assert image_shape(channels * side * side) == (channels, side, side)


def test_a_shape_is_taken_as_it_is_given():
    """As the list of a suite file, in the order channels, rows, columns."""
    assert image_shape(24, [2, 3, 4]) == (2, 3, 4)


@pytest.mark.parametrize(
    ("in_dim", "image", "message"),
    [
        (24, None, "24 values and no square of 3 channels or of 1; set image"),
        (24, [2, 3, 5], r"24 values and image = \(2, 3, 5\)"),
        (24, [4, 6], r"image = \(4, 6\)"),
        (24, [-2, -3, 4], r"image = \(-2, -3, 4\)"),
        (75, None, "5 x 5 pixels; this network needs 6 x 5 or more"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(in_dim, image, message):
    """The message names what was found and the next step."""
    with pytest.raises(ShapeError, match=message):
        image_shape(in_dim, image, smallest=(6, 5))


def test_bytes_become_shares_of_white_and_floats_stay():
    """0, 51 and 255 are 0, 0.2 and 1; rows are laid out channel by channel."""
    rows = torch.tensor([[0, 51, 255, 0]])
    expected = torch.tensor([[[[0.0, 0.2]], [[1.0, 0.0]]]])

    assert_close(as_pixels(rows.byte(), (2, 1, 2)), expected)
    assert_close(as_pixels(rows.byte().reshape(1, 2, 1, 2), (2, 1, 2)), expected)
    assert_close(as_pixels(rows.float(), (2, 1, 2)), 255 * expected)


@pytest.mark.parametrize("shape", [(4, 1, 2), (1, 2, 2, 1), (0, 2, 1, 2), (0, 4), (1, 5), (4,)])
def test_other_bags_are_refused(shape):
    """One image without its axis, another shape, no image at all."""
    with pytest.raises(ShapeError, match=r"expected \(N, 2, 1, 2\) with N >= 1"):
        as_pixels(torch.zeros(shape), (2, 1, 2))


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (2, 2, [[6, 7], [11, 12]]),  # of 4 x 5: one column more is left on the right
        (4, 1, [[2], [7], [12], [17]]),
        (9, 3, [[1, 2, 3], [6, 7, 8], [11, 12, 13], [16, 17, 18]]),
    ],
)
def test_the_middle_of_an_image(rows, columns, expected):
    """Counted by hand; what is smaller stays whole."""
    image = torch.arange(20).reshape(4, 5)

    assert centre_crop(image, rows, columns).tolist() == expected
