"""Methods over cohorts: every pair by the exact signed-rank test with Holm's correction.

The cohort is the unit. Data sets that share patients, and encoders of one data set, are averaged
first; a method that lacks a cohort is left out, for a missing value cannot be made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import StatisticsError
from milbench.stats.bayes import Reading, bayesian_signed_rank
from milbench.stats.friedman import Friedman, friedman
from milbench.stats.holm import holm
from milbench.stats.letters import compact_letters
from milbench.stats.ranks import borda, mean_rank_intervals, mean_ranks, tally, win_rates
from milbench.stats.signed_rank import FEWEST_COHORTS, SignedRank, fewest_cohorts, signed_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.metrics.rows import Floats
    from milbench.stats.question import Question


@dataclass(frozen=True, slots=True)
class CohortPair:
    """Two methods over cohorts, a minus b.

    Parameters
    ----------
    test
        Its p is that of this pair alone.
    p_holm
        Within the family of all pairs; NaN where the test is refused.
    wins, ties, losses
        Of a; a difference up to the ROPE is a tie.
    reading
        Probabilities that a is better, both are equal, b is better; None where refused.
    differs
        Whether the pair is called different.
    """

    a: str
    b: str
    test: SignedRank
    p_holm: float
    wins: int
    ties: int
    losses: int
    reading: Reading | None
    differs: bool


@dataclass(frozen=True, slots=True, eq=False)
class OverCohorts:
    """All complete methods over all cohorts.

    Parameters
    ----------
    values : (cohorts, methods)
        Larger is better.
    mean_rank, points : (methods,)
        1 is best; Borda's count of methods beaten.
    rank_spread : (methods, 2)
        Interval of the mean rank over draws of cohorts.
    rank : (methods,) of pairs
        First and last rank that the tests leave open.
    win_rate : (methods, methods)
        Share of cohorts on which the row beats the column.
    omnibus
        Friedman's description; None below two cohorts or three methods.
    codes
        ``MIN_P_UNREACHABLE``, ``SHARED_COHORT``, ``INCOMPLETE_GRID``.
    """

    names: tuple[str, ...]
    cohorts: tuple[str, ...]
    values: Floats
    mean_rank: Floats
    rank_spread: Floats
    points: Floats
    win_rate: Floats
    rank: tuple[tuple[int, int], ...]
    letters: dict[str, str]
    pairs: tuple[CohortPair, ...]
    omnibus: Friedman | None
    left_out: tuple[str, ...]
    codes: frozenset[str]


def over_cohorts(
    names: Sequence[str],
    cohort: Sequence[str],
    values: Floats,
    question: Question,
) -> OverCohorts:
    """Compare methods over cohorts.

    Parameters
    ----------
    cohort : (data sets,)
        Which cohort each data set belongs to.
    values : (data sets, methods)
        Turned so that larger is better; NaN where a method is incomplete.

    Raises
    ------
    StatisticsError
        If shapes do not fit, or fewer than two methods are complete.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(cohort), len(names)):
        raise StatisticsError(
            f"values of shape {table.shape} for {len(cohort)} data sets and {len(names)} methods: "
            "expected (data sets, methods)"
        )
    complete = np.asarray(~np.isnan(table).any(axis=0))  # (methods,)
    kept = [name for name, there in zip(names, complete.tolist(), strict=True) if there]
    if len(kept) < 2:  # noqa: PLR2004  # a pair
        raise StatisticsError(
            f"INCOMPLETE_GRID: {len(kept)} of {len(names)} methods are complete on all data sets; "
            "finish the missing runs, or leave out a data set"
        )
    units = tuple(dict.fromkeys(cohort))
    means = _per_cohort(units, cohort, table[:, complete])  # (N, m)
    pairs = _pairs(kept, means, question)
    ranks = mean_ranks(means)
    return OverCohorts(
        names=tuple(kept),
        cohorts=units,
        values=means,
        mean_rank=ranks,
        rank_spread=mean_rank_intervals(means, draws=question.draws, seed=question.seed),
        points=borda(means),
        win_rate=win_rates(means),
        rank=_open_ranks(kept, pairs),
        letters=_letters(kept, ranks, pairs),
        pairs=pairs,
        omnibus=friedman(means) if len(units) > 1 and len(kept) > 2 else None,  # noqa: PLR2004
        left_out=tuple(name for name in names if name not in kept),
        codes=_codes(len(units), len(cohort), len(kept), len(names), question.alpha),
    )


def _per_cohort(units: Sequence[str], cohort: Sequence[str], table: Floats) -> Floats:
    named = np.array(list(cohort))
    return np.stack([table[named == unit].mean(axis=0) for unit in units])


def _pairs(names: Sequence[str], means: Floats, question: Question) -> tuple[CohortPair, ...]:
    chosen = list(combinations(range(len(names)), 2))
    gaps = [means[:, i] - means[:, j] for i, j in chosen]
    tests = [signed_rank(gap, alpha=question.alpha) for gap in gaps]
    is_tested = len(means) >= FEWEST_COHORTS
    adjusted = holm([test.p if is_tested else np.nan for test in tests]).tolist()
    return tuple(
        CohortPair(
            a=names[i],
            b=names[j],
            test=test,
            p_holm=p,
            **dict(zip(("wins", "ties", "losses"), tally(gap, question.rope), strict=True)),
            reading=_reading(gap, question) if is_tested else None,
            differs=p < question.alpha,
        )
        for (i, j), gap, test, p in zip(chosen, gaps, tests, adjusted, strict=True)
    )


def _reading(gap: Floats, question: Question) -> Reading:
    return bayesian_signed_rank(gap, question.rope, draws=question.draws, seed=question.seed)


def _open_ranks(names: Sequence[str], pairs: Sequence[CohortPair]) -> tuple[tuple[int, int], ...]:
    beaten, beats = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for pair in pairs:
        if pair.differs:
            a_wins = pair.test.rank_biserial > 0
            winner, loser = (pair.a, pair.b)[:: 1 if a_wins else -1]
            beats[winner] += 1
            beaten[loser] += 1
    return tuple((1 + beaten[name], len(names) - beats[name]) for name in names)


def _letters(names: Sequence[str], ranks: Floats, pairs: Sequence[CohortPair]) -> dict[str, str]:
    best_first = [names[i] for i in np.argsort(ranks, kind="stable")]
    place = {name: i for i, name in enumerate(best_first)}
    differs = np.zeros((len(names), len(names)), dtype=bool)
    for pair in pairs:
        i, j = place[pair.a], place[pair.b]
        differs[i, j] = differs[j, i] = pair.differs
    return compact_letters(best_first, differs)


def _codes(
    cohorts: int, data_sets: int, complete: int, methods: int, alpha: float
) -> frozenset[str]:
    codes = set()
    if cohorts < max(FEWEST_COHORTS, fewest_cohorts(complete, alpha=alpha)):
        codes.add("MIN_P_UNREACHABLE")
    if cohorts < data_sets:
        codes.add("SHARED_COHORT")
    if complete < methods:
        codes.add("INCOMPLETE_GRID")
    return frozenset(codes)
