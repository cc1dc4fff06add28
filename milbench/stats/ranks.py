"""Ranks of methods: an interval on one data set, a mean over several, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.metrics.rows import ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats
    from milbench.stats.compare import Comparison

DECIMALS: Final = 10  # rounding noise must not break ties


def rank_intervals(
    names: Sequence[str], comparisons: Iterable[Comparison], *, greater_is_better: bool
) -> dict[str, tuple[int, int]]:
    """Return the ranks each method can have, given which differences are marked.

    The best is 1 plus the number of methods marked as better, the worst is the number of methods
    minus those marked as worse. Methods that nobody is compared with keep the whole range.

    Parameters
    ----------
    greater_is_better
        Whether a larger value of the metric is the better one.
    """
    better = dict.fromkeys(names, 0)
    worse = dict.fromkeys(names, 0)
    for comparison in comparisons:
        if comparison.mark:
            a_wins = (comparison.difference > 0) == greater_is_better
            winner, loser = (comparison.a, comparison.b)[:: 1 if a_wins else -1]
            better[loser] += 1
            worse[winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}


def mean_ranks(values: Floats, *, greater_is_better: bool = True) -> Floats:
    """Return the mean rank of each method over data sets; 1 is best and ties share.

    Parameters
    ----------
    values : (data sets, methods)
        Data sets where any method has NaN are left out, for a missing value has no rank.

    Returns
    -------
    (methods,)
        NaN when no data set is complete.
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64)).round(DECIMALS)
    complete = table[~np.isnan(table).any(axis=1)]
    if not len(complete):
        return np.full(table.shape[1], np.nan)
    ranks = _ranks(-complete if greater_is_better else complete)
    return np.asarray(ranks.mean(axis=0))


def borda(values: Floats, *, greater_is_better: bool = True) -> Floats:
    """Return for each method how many it beats, ties one half, summed over complete data sets.

    Parameters
    ----------
    values : (data sets, methods)
        As for :func:`mean_ranks`.

    Returns
    -------
    (methods,)
        NaN when no data set is complete.
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    complete = int((~np.isnan(table).any(axis=1)).sum())
    places = mean_ranks(table, greater_is_better=greater_is_better)
    return np.asarray(complete * (table.shape[1] - places))


def win_rates(values: Floats) -> Floats:
    """Return the share of data sets on which a method beats another, (m, m), ties one half.

    Parameters
    ----------
    values : (data sets, methods)
        Larger is better; a data set counts for the pairs that are there. NaN on the diagonal.
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64)).round(DECIMALS)
    gaps = table[:, :, None] - table[:, None, :]  # (data sets, m, m)
    there = ~np.isnan(gaps)
    points = np.where(there, (np.sign(gaps) + 1.0) / 2.0, 0.0).sum(axis=0)
    rates = ratio(points, there.sum(axis=0).astype(float))
    np.fill_diagonal(rates, np.nan)
    return rates


def tally(differences: ArrayLike, rope: float) -> tuple[int, int, int]:
    """Return wins, ties and losses; a difference up to ``rope`` is a tie.

    Parameters
    ----------
    differences : (N,)
        The method minus the other, turned so that larger is better.
    """
    gains = np.asarray(differences, dtype=np.float64).round(DECIMALS)
    wins, losses = int((gains > rope).sum()), int((gains < -rope).sum())
    return wins, gains.size - wins - losses, losses


def mean_rank_intervals(
    values: Floats, *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Floats:
    """Return the interval of each mean rank, (methods, 2), over draws of cohorts.

    Parameters
    ----------
    values : (cohorts, methods)
        Larger is better; complete.
    """
    ranks = np.stack([midranks(-row) for row in np.asarray(values).round(DECIMALS)])
    counts = np.random.default_rng(seed).multinomial(
        len(ranks), np.full(len(ranks), 1.0 / len(ranks)), size=draws
    )
    drawn = counts @ ranks / len(ranks)  # (draws, methods)
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    return np.asarray(np.quantile(drawn, tails, axis=0).T)


def midranks(values: Floats) -> Floats:
    """Return the rank of each value, 1 for the smallest; ties share their mean rank.

    Parameters
    ----------
    values : (N,)
        Finite.
    """
    ordered = np.sort(values)
    before = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return np.asarray((before + up_to + 1) / 2.0)


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value in its row, 1 for the smallest; ties share their mean rank."""
    mine, others = values[:, :, None], values[:, None, :]
    before, equal = (others < mine).sum(axis=2), (others == mine).sum(axis=2)
    return np.asarray(before + (equal + 1) / 2.0)
