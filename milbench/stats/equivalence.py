"""Are two methods practically equal? Two one-sided t-tests against a margin (Schuirmann 1987).

That no difference was found is no evidence of equality. Here a claim of equality needs both "not
worse by the margin" and "not better by it", with the corrected error of T.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scipy.special import stdtr, stdtrit

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from milbench.stats.corrected_t import TTest


class Equivalence(NamedTuple):
    """The outcome of the two tests.

    Parameters
    ----------
    p_lower, p_upper
        Of "the difference is at most minus the margin", and of "at least the margin".
    p
        The larger one: below alpha, the methods are equal within the margin.
    low, high
        Interval of level 1 - 2 alpha; it lies inside the margin exactly when p is below alpha.
    """

    margin: float
    p_lower: float
    p_upper: float
    p: float
    low: float
    high: float


def tost(found: TTest, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """Test whether the difference behind a corrected t-test lies within ``margin`` of 0.

    NaN where the t-test was refused. Methods that never differ are equal, with p = 0.

    Raises
    ------
    StatisticsError
        If the margin is not positive.
    """
    if not margin > 0:
        raise StatisticsError(f"equivalence margin {margin}: expected a positive one, the ROPE")
    if found.p == 1.0 and found.se == 0.0:
        return Equivalence(margin, 0.0, 0.0, 0.0, 0.0, 0.0)
    lower = float(stdtr(found.df, -(found.mean + margin) / found.se))
    upper = float(stdtr(found.df, (found.mean - margin) / found.se))
    half = float(stdtrit(found.df, 1.0 - alpha)) * found.se
    low, high = found.mean - half, found.mean + half
    return Equivalence(margin, lower, upper, max(lower, upper), low, high)
