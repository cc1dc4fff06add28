"""The tests over cohorts as a leaderboard shows them, and what they say in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.leaderboard.table import Across, Between
from milbench.seeds import seed
from milbench.stats.cohorts import over_cohorts
from milbench.stats.question import Question
from milbench.stats.signed_rank import FEWEST_COHORTS, fewest_cohorts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.leaderboard.board import Board
    from milbench.stats.cohorts import CohortPair, OverCohorts


def across_of(
    board: Board, cohorts: Sequence[str], merits: Mapping[str, Sequence[float]]
) -> Across | None:
    """Return the tests over cohorts; None where there are too few, or a metric was not declared.

    Parameters
    ----------
    cohorts : (data sets,)
        Of each data set.
    merits
        By complete method: a value for each data set, larger is better.
    """
    if board.metric is not None or len(set(cohorts)) < FEWEST_COHORTS or len(merits) < 2:  # noqa: PLR2004
        return None
    question = Question(
        rope=board.rope, alpha=board.alpha, draws=board.draws, seed=seed("cohorts", board.suite)
    )
    found = over_cohorts(tuple(merits), cohorts, np.array(list(merits.values())).T, question)
    return Across(
        cohorts=found.cohorts,
        pairs=tuple(_between(pair) for pair in found.pairs),
        ranks=dict(zip(found.names, found.rank, strict=True)),
        letters={name: found.letters[name] for name in found.names},
        mean_ranks={
            name: (mean, low, high)
            for name, mean, (low, high) in zip(
                found.names, found.mean_rank.tolist(), found.rank_spread.tolist(), strict=True
            )
        },
        win_rates={
            name: {
                other: float(found.win_rate[i, j])
                for j, other in enumerate(found.names)
                if other != name
            }
            for i, name in enumerate(found.names)
        },
        points=dict(zip(found.names, found.points.tolist(), strict=True)),
        friedman=_omnibus(found),
    )


def verdict(across: Across, alpha: float) -> str:
    """Return in one sentence which pairs differ over cohorts."""
    better = [
        (pair.a, pair.b) if pair.median > 0 else (pair.b, pair.a)
        for pair in across.pairs
        if pair.differs
    ]
    test = (
        f"Signed-rank test over {len(across.cohorts)} cohorts, Holm over {len(across.pairs)} pairs"
    )
    needed = fewest_cohorts(len(across.ranks), alpha=alpha)
    if len(across.cohorts) < needed:
        return f"{test}: no p can be significant with fewer than {needed} cohorts."
    if not better:
        return f"{test}: no pair differs, which does not mean equal."
    told = "; ".join(f"{winner} is better than {loser}" for winner, loser in better)
    return f"{test}: {told}. All other pairs were not told apart."


def _between(pair: CohortPair) -> Between:
    nan = float("nan")
    reading = pair.reading or (nan, nan, nan)
    return Between(
        a=pair.a,
        b=pair.b,
        median=pair.test.median,
        low=pair.test.low,
        high=pair.test.high,
        p=pair.test.p,
        p_holm=pair.p_holm,
        tally=(pair.wins, pair.ties, pair.losses),
        probability=(reading[0], reading[1], reading[2]),
        differs=pair.differs,
    )


def _omnibus(found: OverCohorts) -> dict[str, float]:
    if found.omnibus is None:
        return {}
    omnibus = found.omnibus
    return {
        "chi2": omnibus.chi2,
        "p": omnibus.p,
        "f": omnibus.f,
        "f_p": omnibus.f_p,
        "kendall_w": omnibus.kendall_w,
    }
