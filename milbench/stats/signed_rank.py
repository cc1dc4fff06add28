"""The exact Wilcoxon signed-rank test over cohorts, with its Hodges-Lehmann difference.

The cohort is the unit: patients of two cohorts are independent, two folds of one are not. Zeros
are dropped and ties share their ranks (Wilcoxon 1945); p follows from the distribution over all
signs of the ranks at hand, so it is exact with ties too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.errors import StatisticsError
from milbench.stats.ranks import DECIMALS, midranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats

FEWEST_COHORTS: Final = 6  # two-sided exact p cannot go below 2 / 2**N


@dataclass(frozen=True, slots=True)
class SignedRank:
    """The outcome of the test.

    Parameters
    ----------
    cohorts, nonzero
        All differences, and those that are not 0.
    statistic
        Sum of the ranks of the positive differences.
    p
        Two-sided and exact; 1 where every difference is 0.
    rank_biserial
        Ranks for the first method minus those for the second, over all ranks; from -1 to 1.
    median, low, high
        Hodges-Lehmann: the median of the means of all pairs of differences (each with itself
        too), and its exact interval; NaN where no interval of that level exists. Zeros count.
    codes
        ``MIN_P_UNREACHABLE`` where no differences of so many cohorts could have p < alpha.
    """

    cohorts: int
    nonzero: int
    statistic: float
    p: float
    rank_biserial: float
    median: float
    low: float
    high: float
    codes: frozenset[str]


def signed_rank(differences: ArrayLike, *, alpha: float = 0.05) -> SignedRank:
    """Test whether the differences of two methods over cohorts are symmetric about 0.

    Parameters
    ----------
    differences : (N,)
        One a cohort; read to ten decimals, for rounding noise must not break ties.
    alpha
        For the interval, and for whether a p below it could be reached.

    Raises
    ------
    StatisticsError
        If there is no difference, or one is not finite.
    """
    values = np.asarray(differences, dtype=np.float64).round(DECIMALS).ravel()
    if not values.size or not np.isfinite(values).all():
        raise StatisticsError(
            f"signed-rank test on differences {values.tolist()}: expected one finite difference a "
            "cohort; leave out cohorts on which a method is incomplete, for both methods"
        )
    low, high = _interval(values, alpha)
    positive, p, biserial = _tested(values[values != 0.0])
    unreachable = smallest_p(values.size) >= alpha
    return SignedRank(
        cohorts=values.size,
        nonzero=int((values != 0.0).sum()),
        statistic=positive,
        p=p,
        rank_biserial=biserial,
        median=float(np.median(_walsh(values))),
        low=low,
        high=high,
        codes=frozenset({"MIN_P_UNREACHABLE"} if unreachable else ()),
    )


def smallest_p(cohorts: int) -> float:
    """Return the smallest two-sided p that so many cohorts can give."""
    return float(min(1.0, 2.0 ** (1 - cohorts)))


def fewest_cohorts(methods: int, *, versus_control: bool = False, alpha: float = 0.05) -> int:
    """Return from how many cohorts on Holm's first step can be reached.

    Parameters
    ----------
    versus_control
        Whether each method is compared with one declared control, and not with each other.
    """
    pairs = methods - 1 if versus_control else methods * (methods - 1) // 2
    cohorts = 1
    while smallest_p(cohorts) * pairs > alpha:
        cohorts += 1
    return cohorts


def _tested(values: Floats) -> tuple[float, float, float]:
    """Return the sum of positive ranks, p, and the rank-biserial correlation, without zeros."""
    if not values.size:
        return 0.0, 1.0, 0.0
    ranks = midranks(np.abs(values))  # (n,)
    positive = float(ranks[values > 0].sum())
    chance = _distribution(ranks)  # (2 * sum + 1,), of twice the sum, for midranks have halves
    at = round(2.0 * positive)
    tail = min(float(chance[: at + 1].sum()), float(chance[at:].sum()))
    total = float(ranks.sum())
    return positive, min(1.0, 2.0 * tail), (2.0 * positive - total) / total


def _distribution(ranks: Floats) -> Floats:
    """Return how probable each value of twice the sum of the positive ranks is."""
    steps = np.rint(2.0 * ranks).astype(int)
    chance = np.zeros(steps.sum() + 1)
    chance[0] = 1.0
    for step in steps:
        moved = np.zeros_like(chance)
        moved[step:] = chance[:-step]
        chance = (chance + moved) / 2.0
    return chance


def _walsh(values: Floats) -> Floats:
    """Return the means of all pairs, each value with itself too, ascending."""
    first, second = np.triu_indices(values.size)
    return np.sort((values[first] + values[second]) / 2.0)


def _interval(values: Floats, alpha: float) -> tuple[float, float]:
    """Return the pair means between which the untied test would not reject (Hollander, Wolfe)."""
    pairs = _walsh(values)
    below = np.cumsum(_distribution(np.arange(1.0, values.size + 1))[::2])  # P(W <= w)
    outside = int((below < alpha / 2.0).sum())  # values of W that are rejected on one side
    if not outside:
        return float("nan"), float("nan")
    return float(pairs[outside - 1]), float(pairs[pairs.size - outside])
