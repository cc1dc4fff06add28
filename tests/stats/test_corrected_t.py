"""The corrected resampled t-test against correctR, baycomp and tabled t quantiles."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from milbench.errors import StatisticsError
from milbench.stats.corrected_t import corrected_ttest


def test_five_folds_agree_with_correctr_and_baycomp():
    """Case ``corrected_t.folds_1x5``: correctR 0.3.1 repkfold_ttest, baycomp two_on_single."""
    a = np.array([[0.8561, 0.8759, 0.8665, 0.8882, 0.8747]])
    b = np.array([[0.8456, 0.8323, 0.8408, 0.8717, 0.8613]])

    found = corrected_ttest(a - b, test_share=1 / 4)

    assert found.mean == pytest.approx(0.02194, abs=1e-12)
    assert found.se == pytest.approx(0.00897930119775475, abs=1e-12)
    assert (found.t, found.df) == (pytest.approx(2.44339726631356, abs=1e-9), 4)
    assert found.p == pytest.approx(0.0709481130509087, abs=1e-9)
    assert (found.low, found.high) == pytest.approx((-0.0029905368586, 0.0468705368586), abs=1e-9)
    assert not found.codes


@pytest.mark.parametrize(
    ("folds", "repeats", "ratio"),
    [(5, 1, 1.8625), (10, 1, 1.0394), (5, 3, 1.2069), (5, 5, 1.1114), (10, 10, 0.6905)],
)
def test_minimum_detectable_difference_is_the_tabled_multiple_of_the_sd(folds, repeats, ratio):
    """By hand for 1 x 5: the t quantile 2.7764 of 4 df, times sqrt(1/5 + 1/4)."""
    values = np.random.default_rng(5).normal(size=(repeats, folds))

    found = corrected_ttest(values, test_share=1 / (folds - 1))

    assert found.minimum_detectable / values.std(ddof=1) == pytest.approx(ratio, abs=5e-5)


def test_a_mean_of_the_minimum_detectable_size_has_p_alpha():
    """Shifted to that mean, the same spread is just significant."""
    values = np.random.default_rng(6).normal(size=(3, 5))
    least = corrected_ttest(values, test_share=0.25, alpha=0.01).minimum_detectable

    shifted = corrected_ttest(values - values.mean() + least, test_share=0.25, alpha=0.01)

    assert shifted.p == pytest.approx(0.01)
    assert shifted.low == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("size", [2, 5, 100])
@pytest.mark.parametrize("shift", [0.0, 0.5, 30.0])
def test_p_and_interval_agree_with_scipy(size, shift):
    """Also far out, where 1 minus the distribution function would be 0."""
    values = np.random.default_rng(size).normal(loc=shift, size=(1, size))

    found = corrected_ttest(values, test_share=0.25, alpha=0.01)

    student = stats.t(df=size - 1)
    assert found.p == pytest.approx(2 * student.sf(abs(found.t)), rel=1e-9)
    assert (found.high - found.mean) / found.se == pytest.approx(student.ppf(0.995), rel=1e-9)


def test_equal_methods_have_p_one():
    """No difference anywhere: t 0, p 1, and nothing is called degenerate."""
    found = corrected_ttest(np.zeros((1, 5)), test_share=0.25)

    assert (found.t, found.p, found.low, found.high) == (0.0, 1.0, 0.0, 0.0)
    assert not found.codes


def test_a_constant_difference_is_refused():
    """0.01 in every fold, but for the last bit: scipy would give a p of next to 0."""
    a, b = np.array([[0.02, 0.85, 0.91, 0.77, 0.62]]), np.array([[0.01, 0.84, 0.90, 0.76, 0.61]])

    found = corrected_ttest(a - b, test_share=0.25)

    assert np.isnan(found.p)
    assert found.codes == {"DEGENERATE_VARIANCE"}


def test_an_undefined_fold_refuses_the_test():
    """A fold without a class is not dropped."""
    found = corrected_ttest(np.array([[0.1, np.nan, 0.2, 0.1, 0.3]]), test_share=0.25)

    assert np.isnan([found.mean, found.p, found.minimum_detectable]).all()
    assert found.codes == {"FOLD_MISSING_CLASS"}


def test_one_difference_has_no_spread():
    """The mean is given, p is not."""
    found = corrected_ttest(np.array([[0.1]]), test_share=0.25)

    assert found.mean == 0.1
    assert np.isnan(found.p)
    assert found.codes == {"TOO_FEW_FOLDS"}


def test_four_folds_are_too_few_to_claim():
    """There is a p, with the code that forbids a mark."""
    found = corrected_ttest(np.array([[0.1, 0.2], [0.1, 0.3]]), test_share=1.0)

    assert 0.0 < found.p < 1.0
    assert found.codes == {"TOO_FEW_FOLDS"}


@pytest.mark.parametrize(("values", "share"), [([], 0.25), ([0.1, 0.2], 0.0)])
def test_impossible_input_is_refused(values, share):
    """No differences, or a test set of no size."""
    with pytest.raises(StatisticsError, match="expected at least one difference and a positive"):
        corrected_ttest(np.array(values), test_share=share)


@given(arrays(float, (2, 4), elements=st.floats(-1, 1, width=16)))
def test_exchanging_the_methods_mirrors_the_result(values):
    """The other way round has the same p and the mirrored interval."""
    assume(np.ptp(values) > 0)

    found = corrected_ttest(values, test_share=1 / 3)
    mirrored = corrected_ttest(-values, test_share=1 / 3)

    assert mirrored.p == pytest.approx(found.p)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
