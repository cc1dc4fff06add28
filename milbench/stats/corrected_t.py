"""T: the corrected resampled t-test on differences of test folds (Nadeau and Bengio 2003).

The training sets of folds overlap, so plain t-tests over folds reject a true null far too often.
The correction adds n_test / n_train to 1 / m in the variance; validation bags count as training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import stdtr, stdtrit

from milbench.errors import StatisticsError
from milbench.stats.design import ENOUGH_FOLDS

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats
    from milbench.stats.codes import Code

ROUNDING: Final = 1e-12  # differences this close are equal but for rounding


@dataclass(frozen=True, slots=True)
class TTest:
    """The outcome of T; NaN where the test is refused, and ``codes`` says why.

    Parameters
    ----------
    mean, se
        Mean difference and its corrected standard error.
    t, df, p
        Statistic, degrees of freedom and two-sided p.
    low, high
        Confidence interval of level 1 - alpha.
    minimum_detectable
        Smallest mean difference that would reach p < alpha with this spread.
    """

    mean: float
    se: float
    t: float
    df: int
    p: float
    low: float
    high: float
    minimum_detectable: float
    codes: frozenset[str]


def corrected_ttest(differences: Floats, *, test_share: float, alpha: float = 0.05) -> TTest:
    """Test whether the mean difference of two methods over test folds is 0.

    Parameters
    ----------
    differences : (repeats, folds)
        Differences, averaged over seeds first. All of them must be defined.
    test_share
        n_test / n_train, which is 1 / (k - 1) for k folds.
    alpha
        For the interval and the minimum detectable difference.

    Raises
    ------
    StatisticsError
        If ``test_share`` is not positive or there are no differences.
    """
    values = np.asarray(differences, dtype=np.float64).ravel()  # (m,)
    if not values.size or not test_share > 0:
        raise StatisticsError(
            f"corrected t-test on {values.size} differences with test share {test_share}: "
            "expected at least one difference and a positive n_test / n_train"
        )
    mean, codes = float(values.mean()), _codes(values)
    if np.isnan(mean) or values.size == 1:
        return _refused(mean, values.size - 1, codes)
    if np.ptp(values) <= ROUNDING:
        return _constant(mean, values.size - 1, codes)
    se = float(values.std(ddof=1) * np.sqrt(1.0 / values.size + test_share))
    df = values.size - 1
    half = float(stdtrit(df, 1.0 - alpha / 2.0)) * se
    p = 2.0 * float(stdtr(df, -abs(mean / se)))  # the lower tail, where no digits are lost
    return TTest(mean, se, mean / se, df, p, mean - half, mean + half, half, codes)


def _codes(values: Floats) -> frozenset[Code]:
    codes: set[Code] = set()
    if values.size < ENOUGH_FOLDS:
        codes.add("TOO_FEW_FOLDS")
    if np.isnan(values).any():
        codes.add("FOLD_MISSING_CLASS")
    return frozenset(codes)


def _refused(mean: float, df: int, codes: frozenset[Code]) -> TTest:
    nan = float("nan")
    return TTest(mean, nan, nan, df, nan, nan, nan, nan, codes)


def _constant(mean: float, df: int, codes: frozenset[Code]) -> TTest:
    """Call equal methods equal; refuse a constant difference, whose spread cannot be known."""
    if abs(mean) <= ROUNDING:
        return TTest(mean, 0.0, 0.0, df, 1.0, 0.0, 0.0, 0.0, codes)
    return _refused(mean, df, codes | {"DEGENERATE_VARIANCE"})
