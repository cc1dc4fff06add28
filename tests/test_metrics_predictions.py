"""The test rows of a method are checked once, when they are put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from milbench.errors import ScoreError
from milbench.metrics import Predictions
from milbench.metrics.predictions import grouped, joined


def binary(positive):
    """Return scores of both classes from those of class 1."""
    positive = np.asarray(positive, dtype=float)
    return np.column_stack([1.0 - positive, positive])


def table(**columns):
    """Return six correct rows of three bags in two repeats, with some columns replaced."""
    rows = {
        "bag": ["a", "b", "c"] * 2,
        "patient": ["p", "p", "q"] * 2,
        "label": [0, 1, 1] * 2,
        "score": binary([0.2, 0.6, 0.9, 0.3, 0.4, 0.8]),
        "repeat": [0, 0, 0, 1, 1, 1],
        "fold": [0, 1, 1, 0, 0, 1],
        "seed": [7] * 6,
        "threshold": [0.5] * 6,
        "classes": ("benign", "tumour"),
    }
    return Predictions(**(rows | columns))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"score": binary([0.1, np.nan, 0.9, 0.1, np.inf, 0.9])}, "bags 'b' have a NaN"),
        ({"score": np.full((6, 3), 1 / 3)}, r"shape \(6, 3\): expected \(6, 2\)"),
        ({"seed": [7]}, r"column seed: shape \(1,\), expected \(6,\)"),
        ({"label": [0, 1, 2] * 2}, "bags 'c' have labels outside 0 to 1"),
        ({"fold": [0] * 6, "repeat": [0] * 6}, "bags 'a', 'b', 'c' occur more than once"),
        ({"label": [0, 1, 1, 0, 1, 0]}, "bags 'c' have more than one label"),
        ({"patient": ["p", "p", "q", "q", "p", "q"]}, "bags 'a' have more than one patient"),
        ({"classes": ("tumour",)}, "expected at least two"),
    ],
)
def test_impossible_predictions_are_refused(columns, message):
    """Each fault is found when the rows are put together, and names the bags."""
    with pytest.raises(ScoreError, match=message):
        table(**columns)


def test_a_long_list_of_bags_is_cut():
    """Five bags are named, the rest are counted."""
    with pytest.raises(ScoreError, match=r"'b0', 'b1', 'b2', 'b3', 'b4' and 2 more have a NaN"):
        Predictions(
            bag=[f"b{i}" for i in range(7)],
            patient=["p"] * 7,
            label=[0] * 7,
            score=np.full((7, 2), np.nan),
            repeat=[0] * 7,
            fold=[0] * 7,
            seed=[0] * 7,
            threshold=[0.5] * 7,
            classes=("a", "b"),
        )


def test_runs_come_in_order_with_their_rows():
    """Rows may be stored in any order; a run is found whole."""
    order = np.array([5, 3, 1, 0, 4, 2])

    runs = [
        (repeat, fold, seed, sorted(table().take(order).bag[positions]))
        for repeat, fold, seed, positions in table().take(order).runs()
    ]

    assert runs == [
        (0, 0, 7, ["a"]),
        (0, 1, 7, ["b", "c"]),
        (1, 0, 7, ["a", "b"]),
        (1, 1, 7, ["c"]),
    ]


@given(arrays(np.int64, (9, 3), elements=st.integers(-(2**62), 2**62) | st.integers(0, 2)))
def test_joined_columns_are_equal_where_rows_are(rows):
    """Numpy's unique of whole rows, also where products of the numbers would overflow."""
    expected = np.unique(rows, axis=0, return_inverse=True)[1].ravel()

    found = joined(*rows.T)

    np.testing.assert_array_equal(found, expected)
    places = [positions.tolist() for positions in grouped(found)]
    assert places == [np.flatnonzero(expected == key).tolist() for key in range(len(places))]


def test_predictions_normalise_rows_that_nearly_sum_to_one():
    """Rounded probabilities become exact ones."""
    predictions = table(score=binary([0.2, 0.6, 0.9, 0.3, 0.4, 0.8]) * 1.0005)

    assert predictions.is_probability
    np.testing.assert_allclose(predictions.score.sum(axis=1), 1.0, atol=1e-15)


def test_predictions_keep_scores_that_are_no_probabilities():
    """Logits are kept as they are and marked."""
    predictions = table(score=binary([0.2, 0.6, 0.9, 0.3, 0.4, 0.8]) - 3.0)

    assert not predictions.is_probability
    assert predictions.score[0, 1] == pytest.approx(-2.8)
