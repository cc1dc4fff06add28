"""How probable it is that one method is better, and that both are practically equal.

The region of practical equivalence (ROPE) is fixed before the run. On one data set the posterior
is Student's t with the mean and error of T (Corani and Benavoli 2015); over cohorts it is the
Bayesian signed-rank test (Benavoli et al. 2014, 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import stdtr

from milbench.errors import StatisticsError
from milbench.stats.ranks import DECIMALS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from milbench.stats.corrected_t import TTest

PRIOR: Final = 0.5  # strength of the prior observation, at a difference of 0
BLOCK: Final = 2_000_000  # weights held at once


class Reading(NamedTuple):
    """Three probabilities that sum to 1; NaN where the test was refused."""

    first_better: float
    equal: float
    second_better: float


def correlated_posterior(found: TTest, rope: float) -> Reading:
    """Return the posterior of a corrected t-test, the first method minus the second.

    Raises
    ------
    StatisticsError
        If ``rope`` is negative.
    """
    _check(rope)
    if found.p == 1.0 and found.se == 0.0:  # the methods never differ
        return Reading(0.0, 1.0, 0.0)
    first = float(stdtr(found.df, (found.mean - rope) / found.se))
    second = float(stdtr(found.df, (-rope - found.mean) / found.se))
    return Reading(first, 1.0 - first - second, second)


def bayesian_signed_rank(
    differences: ArrayLike, rope: float, *, draws: int = 50_000, seed: int = 0
) -> Reading:
    """Return how often each region holds most pairs of cohorts, over draws of their weights.

    A pair whose mean is the ROPE itself, to ten decimals, lies outside it.

    Parameters
    ----------
    differences : (N,)
        One a cohort, the first method minus the second.
    draws
        From the Dirichlet posterior; the error of a probability is at most 0.5 / sqrt(draws).

    Raises
    ------
    StatisticsError
        If there is no difference, one is not finite, or ``rope`` is negative.
    """
    _check(rope)
    values = np.asarray(differences, dtype=np.float64).round(DECIMALS).ravel()
    if not values.size or not np.isfinite(values).all():
        raise StatisticsError(
            f"Bayesian signed-rank test on {values.tolist()}: expected finite differences"
        )
    values = np.concatenate([[0.0], values])  # (n,), the prior observation first
    sums = (values[:, None] + values).round(DECIMALS)  # (n, n)
    # Without a region, only pairs of mean 0 are equal.
    edge = round(2.0 * rope, DECIMALS) or 10.0**-DECIMALS
    first, second = (sums >= edge).astype(float), (sums <= -edge).astype(float)
    strength = np.ones(values.size)
    strength[0] = PRIOR
    generator = np.random.default_rng(seed)
    counts, width = np.zeros(3), max(1, BLOCK // values.size)
    for start in range(0, draws, width):
        weight = generator.dirichlet(strength, size=min(width, draws - start))  # (b, n)
        for_first = ((weight @ first) * weight).sum(axis=1)  # (b,)
        for_second = ((weight @ second) * weight).sum(axis=1)
        shares = np.stack([for_first, 1.0 - for_first - for_second, for_second])  # (3, b)
        counts += np.bincount(shares.argmax(axis=0), minlength=3)
    return Reading(*(counts / draws).tolist())


def _check(rope: float) -> None:
    if not rope >= 0:
        raise StatisticsError(f"ROPE {rope}: expected 0 or more, in units of the metric")
