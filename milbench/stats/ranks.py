"""Ranks of methods: an interval on one data set, and a mean over several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value in its row, 1 for the smallest; ties share their mean rank."""
    mine, others = values[:, :, None], values[:, None, :]
    before, equal = (others < mine).sum(axis=2), (others == mine).sum(axis=2)
    return np.asarray(before + (equal + 1) / 2.0)
