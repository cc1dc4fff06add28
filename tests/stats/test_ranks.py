"""Ranks by hand: intervals from marks, and means over data sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from milbench.stats.compare import Comparison
from milbench.stats.ranks import mean_ranks, rank_intervals


def compared(a, b, difference, mark):
    """Return a comparison of which only the sign and the mark are read."""
    nan = float("nan")
    return Comparison(
        a=a,
        b=b,
        metric="auroc",
        difference=difference,
        low=nan,
        high=nan,
        p_patient=nan,
        p_patient_holm=nan,
        p_t=nan,
        p_t_holm=nan,
        t_low=nan,
        t_high=nan,
        mark=mark,
        codes=frozenset(),
        minimum_detectable=nan,
    )


def test_marks_narrow_the_range_of_ranks():
    """One beats both others, which are not told apart: 1, and twice 2 to 3."""
    comparisons = [
        compared("best", "b", 0.2, "double-dagger"),
        compared("c", "best", -0.1, "dagger"),
        compared("b", "c", 0.1, ""),
    ]

    found = rank_intervals(["best", "b", "c"], comparisons, greater_is_better=True)

    assert found == {"best": (1, 1), "b": (2, 3), "c": (2, 3)}


def test_a_smaller_loss_ranks_first():
    """The sign of the difference is read by the metric's direction."""
    comparisons = [compared("a", "b", -0.3, "dagger")]

    found = rank_intervals(["a", "b"], comparisons, greater_is_better=False)

    assert found == {"a": (1, 1), "b": (2, 2)}


def test_without_marks_every_rank_is_possible():
    """Not significant is not equal: the whole range stays open."""
    comparisons = [compared("a", "b", 0.5, "")]

    found = rank_intervals(["a", "b"], comparisons, greater_is_better=True)

    assert found == {"a": (1, 2), "b": (1, 2)}


def test_a_method_without_comparisons_keeps_the_whole_range():
    """A method with missing runs is listed and told apart from none."""
    found = rank_intervals(
        ["a", "b", "new"], [compared("a", "b", 1.0, "dagger")], greater_is_better=True
    )

    assert found["new"] == (1, 3)


def test_ties_share_their_ranks():
    """Second and third of three tie on one data set, all are apart on the other."""
    values = np.array([[0.9, 0.8, 0.8], [0.7, 0.6, 0.9]])

    assert mean_ranks(values) == pytest.approx([1.5, 2.75, 1.75])
    assert mean_ranks(-values, greater_is_better=False) == pytest.approx([1.5, 2.75, 1.75])


@given(arrays(float, (3, 5), elements=st.integers(0, 4).map(float)))
def test_mean_ranks_agree_with_scipy(values):
    """Few distinct values, so that most of them tie."""
    expected = stats.rankdata(-values, axis=1).mean(axis=0)

    np.testing.assert_array_equal(mean_ranks(values), expected)


def test_rounding_noise_does_not_break_ties():
    """0.1 + 0.2 is 0.3, whatever the last bit says."""
    assert mean_ranks(np.array([[0.1 + 0.2, 0.3]])) == pytest.approx([1.5, 1.5])


def test_incomplete_data_sets_are_left_out():
    """A missing value has no rank; none is made up."""
    values = np.array([[0.9, np.nan, 0.1], [0.2, 0.3, 0.1]])

    assert mean_ranks(values) == pytest.approx([2.0, 1.0, 3.0])
    assert np.isnan(mean_ranks(values[:1])).all()
