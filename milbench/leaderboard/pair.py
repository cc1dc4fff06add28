"""Two methods of a suite in full, from its stored records: each data set, then all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import StatisticsError
from milbench.leaderboard.forest import combined
from milbench.leaderboard.select import select
from milbench.metrics.definitions import find
from milbench.seeds import seed
from milbench.stats.cohorts import over_cohorts
from milbench.stats.pair import study_pair
from milbench.stats.protocol import over_cohorts as allowed_over
from milbench.stats.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from milbench.leaderboard.board import Board, DatasetInfo
    from milbench.metrics import Predictions
    from milbench.stats.cohorts import CohortPair
    from milbench.stats.pair import Pair
    from milbench.stats.protocol import Procedure
    from milbench.stats.random_effects import Forest


@dataclass(frozen=True, slots=True, eq=False)
class PairBoard:
    """Two methods of a suite, the first minus the second.

    Parameters
    ----------
    studies
        ``(data set, encoder, pair)`` where both are complete.
    left_out
        ``(data set, why)`` of the others.
    forest, tested, allowed
        Over cohorts: the mean over these, the signed-rank test, and what may be said. The first
        two are None where there are fewer than two cohorts with one metric, or errors of 0.
    """

    suite: str
    a: str
    b: str
    question: Question
    studies: tuple[tuple[str, str, Pair], ...]
    left_out: tuple[tuple[str, str], ...]
    forest: Forest | None
    tested: CohortPair | None
    allowed: Procedure


def compare_pair(
    board: Board, records: Iterable[Mapping[str, Any]], a: str, b: str, dataset: str | None = None
) -> PairBoard:
    """Compare two methods of a suite from its records.

    Parameters
    ----------
    dataset
        Only this one; all if None.

    Raises
    ------
    StatisticsError
        If a name is not in the suite, both are the same, or they are complete together nowhere.
    """
    _check(board, a, b, dataset)
    stored, studies, left_out, cohorts = list(records), [], [], []
    for info in board.datasets:
        if dataset in (None, info.name):
            methods, lacks = _complete(board, info, stored, (a, b))
            if lacks:
                left_out.append((info.name, lacks))
                continue
            pair = _studied(board, info, methods)
            studies.append((info.name, info.encoder, pair))
            cohorts.append(info.cohort or info.name)
    if not studies:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out)
        raise StatisticsError(
            f"{a} and {b} are complete together on no data set ({reasons}); "
            f"run: milbench run --suite {board.suite}"
        )
    question = Question(rope=board.rope, alpha=board.alpha, draws=board.draws)
    pairs = [pair for _, _, pair in studies]
    return PairBoard(
        suite=board.suite,
        a=a,
        b=b,
        question=question,
        studies=tuple(studies),
        left_out=tuple(left_out),
        forest=_forest(cohorts, pairs),
        tested=_tested(cohorts, pairs, question),
        allowed=allowed_over(len(set(cohorts)), 2),
    )


def _check(board: Board, a: str, b: str, dataset: str | None) -> None:
    labels = [method.label for method in board.methods]
    for name in (a, b):
        if name not in labels:
            raise StatisticsError(
                f"suite {board.suite} has no method {name!r}; it has: {', '.join(labels)}"
            )
    names = list(dict.fromkeys(info.name for info in board.datasets))
    if dataset is not None and dataset not in names:
        raise StatisticsError(
            f"suite {board.suite} has no data set {dataset!r}; it has: {', '.join(names)}"
        )
    if a == b:
        raise StatisticsError(f"{a} against itself: expected two methods of {', '.join(labels)}")


def _complete(
    board: Board, info: DatasetInfo, records: Sequence[Mapping[str, Any]], names: tuple[str, str]
) -> tuple[dict[str, Predictions], str]:
    """Return the rows of both methods, and what they lack, which is empty if nothing."""
    found = select(board, info, records).methods
    lacks = [
        f"{name} has {found[name].runs.done} of {found[name].runs.planned} runs"
        for name in names
        if not found[name].runs.is_complete
    ]
    if lacks:
        return {}, " and ".join(lacks)
    rows = {name: found[name].predictions(info) for name in names}
    return {name: p for name, p in rows.items() if p is not None}, ""


def _studied(board: Board, info: DatasetInfo, methods: Mapping[str, Predictions]) -> Pair:
    """Return the pair on one data set; with the draws that the leaderboard has."""
    metric = board.metric or info.primary_metric
    question = Question(
        rope=board.rope,
        alpha=board.alpha,
        draws=board.draws,
        seed=seed("bootstrap", info.name, info.encoder, metric),
    )
    return study_pair(metric, methods, question)


def _forest(cohorts: Sequence[str], pairs: Sequence[Pair]) -> Forest | None:
    metrics = [pair.metric for pair in pairs]
    differences = [pair.patient.difference for pair in pairs]
    return combined(cohorts, metrics, differences, [pair.se for pair in pairs])


def _tested(cohorts: Sequence[str], pairs: Sequence[Pair], question: Question) -> CohortPair | None:
    values = np.array([pair.values for pair in pairs])  # (data sets, 2)
    if len(set(cohorts)) < 2 or not _is_one_metric(pairs) or np.isnan(values).any():  # noqa: PLR2004
        return None
    merits = values if find(pairs[0].metric).greater_is_better else -values
    return over_cohorts((pairs[0].a, pairs[0].b), cohorts, merits, question).pairs[0]


def _is_one_metric(pairs: Sequence[Pair]) -> bool:
    return len({pair.metric for pair in pairs}) == 1
