"""The methods over several data sets: values, mean ranks, wins, and tests from six cohorts on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from milbench.leaderboard.across import across_of, verdict
from milbench.leaderboard.forest import forests_of
from milbench.leaderboard.table import Overall, Standing
from milbench.stats.ranks import mean_ranks
from milbench.stats.signed_rank import FEWEST_COHORTS, fewest_cohorts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.leaderboard.board import Board
    from milbench.leaderboard.table import Across, Row, Section

DECIMALS = 10  # rounding noise must not decide between a tie and a win


def overall_of(board: Board, sections: Sequence[Section]) -> Overall | None:
    """Return the table over the data sets that have a complete method; None for fewer than two.

    Methods that are incomplete anywhere are listed with what they lack, and not ranked.
    """
    used = [s for s in sections if any(_is_ranked(row) for row in s.rows)]
    if len(used) < 2:  # noqa: PLR2004  # one data set is its own table
        return None
    missing = {m.label: tuple(_missing(used, m.label)) for m in board.methods}
    complete = [name for name, lacks in missing.items() if not lacks]
    ranks = _mean_ranks(used, complete)
    reference = None if board.metric is not None else board.reference
    tallies = _tallies(used, complete, reference, board.rope)
    standings = [
        Standing(
            method=method.label,
            control=method.control,
            values=tuple(_value(_row(section, method.label)) for section in used),
            mean_rank=ranks.get(method.label, math.nan),
            tally=tallies.get(method.label),
            missing=missing[method.label],
        )
        for method in board.methods
    ]
    cohorts = len({section.cohort for section in used})
    metrics = tuple(section.metric for section in used)
    across = None
    if len(set(metrics)) == 1:  # a difference in one metric is no larger than one in another
        across = across_of(board, [section.cohort for section in used], _merits(used, complete))
    codes = {"SHARED_COHORT"} if cohorts < len(used) else set()
    codes |= {"MIN_P_UNREACHABLE"} if across is not None and _is_short(across) else set()
    return Overall(
        datasets=tuple(_place(section, used) for section in used),
        metrics=metrics,
        standings=tuple(sorted(standings, key=_order)),
        reference=reference,
        note=_note(cohorts, metrics) if across is None else verdict(across, board.alpha),
        codes=tuple(sorted(codes)),
        across=across,
        forests=forests_of(used, complete, reference),
    )


def _is_ranked(row: Row) -> bool:
    return row.runs.is_complete and not math.isnan(row.primary.value)


def _value(row: Row) -> float:
    return row.primary.value if row.runs.is_complete else math.nan


def _missing(used: Sequence[Section], method: str) -> Iterator[str]:
    for section in used:
        row = _row(section, method)
        if not row.runs.is_complete:
            yield f"{_place(section, used)}: {row.runs.done}/{row.runs.planned}"
        elif not _is_ranked(row):
            yield f"{_place(section, used)}: value undefined"


def _mean_ranks(used: Sequence[Section], methods: Sequence[str]) -> dict[str, float]:
    if not methods:
        return {}
    merits = np.array(list(_merits(used, methods).values())).T  # (data sets, methods)
    return dict(zip(methods, mean_ranks(merits).tolist(), strict=True))


def _merits(used: Sequence[Section], methods: Sequence[str]) -> dict[str, list[float]]:
    """Return the primary values of each method, one a data set, turned so that larger is better."""
    return {name: [_merit(_row(section, name)) for section in used] for name in methods}


def _is_short(across: Across) -> bool:
    return len(across.cohorts) < fewest_cohorts(len(across.ranks))


def _tallies(
    used: Sequence[Section], methods: Sequence[str], reference: str | None, rope: float
) -> dict[str, tuple[int, int, int]]:
    """Return wins, ties and losses of each method against the reference, if that is complete."""
    if reference is None or reference not in methods:
        return {}
    against = [_merit(_row(section, reference)) for section in used]
    tallies = {}
    for name in methods:
        merits = [_merit(_row(section, name)) for section in used]
        gains = [round(m - r, DECIMALS) for m, r in zip(merits, against, strict=True)]
        wins, losses = sum(gain > rope for gain in gains), sum(gain < -rope for gain in gains)
        tallies[name] = (wins, len(gains) - wins - losses, losses)
    return {name: tally for name, tally in tallies.items() if name != reference}


def _merit(row: Row) -> float:
    """Return the primary value, turned so that larger is better."""
    return row.primary.value if row.primary.greater_is_better else -row.primary.value


def _row(section: Section, method: str) -> Row:
    return next(row for row in section.rows if row.method == method)


def _place(section: Section, used: Sequence[Section]) -> str:
    shared = sum(other.dataset == section.dataset for other in used) > 1
    return f"{section.dataset} ({section.encoder})" if shared else section.dataset


def _order(standing: Standing) -> tuple[bool, float, str]:
    is_unranked = math.isnan(standing.mean_rank)
    return is_unranked, 0.0 if is_unranked else standing.mean_rank, standing.method


def _note(cohorts: int, metrics: Sequence[str]) -> str:
    count = "1 cohort" if cohorts == 1 else f"{cohorts} cohorts"
    if cohorts < FEWEST_COHORTS:
        return f"Not tested: a test over data sets needs at least 6 cohorts; here {count}."
    if len(set(metrics)) > 1:
        return "Not tested: the data sets are ranked by different metrics."
    return f"Not tested: mean ranks over {count} are a description."
