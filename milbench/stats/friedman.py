"""Friedman's test and its F form over cohorts: a description of whether methods differ at all.

It decides nothing about a pair: with many methods it may find a difference between two of the
worst. Pairs are decided by the signed-rank test with Holm's correction, whose verdict does not
depend on which other methods are there (Benavoli, Corani and Mangili, JMLR 17, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, fdtrc

from milbench.errors import StatisticsError
from milbench.stats.ranks import DECIMALS, midranks

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats


@dataclass(frozen=True, slots=True)
class Friedman:
    """The outcome over N cohorts and m methods.

    Parameters
    ----------
    mean_ranks : (m,)
        1 is best.
    chi2, p
        Friedman's statistic, corrected for ties, with m - 1 degrees of freedom.
    f, f_p
        Iman and Davenport's form (1980). Where all cohorts agree f is infinite, and its p is that
        of such agreement by chance, m! to the power 1 - N.
    kendall_w
        Agreement of the cohorts, from 0 to 1.
    codes
        ``DEGENERATE_VARIANCE`` where all methods tie everywhere.
    """

    mean_ranks: tuple[float, ...]
    chi2: float
    p: float
    f: float
    f_p: float
    kendall_w: float
    codes: frozenset[str] = frozenset()


def friedman(values: Floats) -> Friedman:
    """Describe whether methods differ over cohorts.

    Parameters
    ----------
    values : (cohorts, methods)
        Larger is better; complete.

    Raises
    ------
    StatisticsError
        If there are fewer than three methods or two cohorts, or a value is missing.
    """
    table = np.asarray(values, dtype=np.float64).round(DECIMALS)
    if table.ndim != 2 or min(table.shape[0] + 1, table.shape[1]) < 3:  # noqa: PLR2004  # 2 x 3
        raise StatisticsError(
            f"Friedman's test on a table of shape {table.shape}: expected two cohorts and three "
            "methods or more; for two methods use the signed-rank test"
        )
    if np.isnan(table).any():
        raise StatisticsError(
            "Friedman's test on a table with gaps: leave out the methods that are incomplete "
            "(INCOMPLETE_GRID); a missing value has no rank"
        )
    return _tested(np.stack([midranks(-row) for row in table]), _ties(table))


def _tested(ranks: Floats, ties: float) -> Friedman:
    n, m = ranks.shape
    means = ranks.mean(axis=0)  # (m,)
    room = 1.0 - ties / (n * m * (m**2 - 1))  # 0 when all methods tie everywhere
    named = tuple(means.tolist())
    if room <= 0.0:
        nan = float("nan")
        return Friedman(named, nan, nan, nan, nan, nan, frozenset({"DEGENERATE_VARIANCE"}))
    plain = 12.0 * n / (m * (m + 1)) * float(((means - (m + 1) / 2.0) ** 2).sum())
    chi2 = plain / room
    left = n * (m - 1) - chi2
    agrees = left <= 1e-9 * n * m  # all cohorts rank alike, but for rounding
    f = float("inf") if agrees else (n - 1) * chi2 / left
    f_p = factorial(m) ** (1.0 - n) if agrees else float(fdtrc(m - 1, (m - 1) * (n - 1), f))
    return Friedman(named, chi2, float(chdtrc(m - 1, chi2)), f, f_p, chi2 / (n * (m - 1)))


def _ties(table: Floats) -> float:
    """Return the sum of t^3 - t over all groups of t equal values of a row."""
    groups = [np.unique(row, return_counts=True)[1] for row in table]
    return float(sum((size**3 - size).sum() for size in groups))
