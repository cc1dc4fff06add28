"""The work of others: what to cite for what is shown, and their numbers beside ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.leaderboard.board import Board, Work
    from milbench.leaderboard.table import Section
    from milbench.published import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A published number and ours, of one method on one data set in one view.

    ``value``, ``low`` and ``high`` are ours; NaN where there is no finished run, or no interval.
    """

    entry: Published
    encoder: str
    value: float
    low: float = float("nan")
    high: float = float("nan")


def works_with_results(board: Board, sections: Sequence[Section]) -> tuple[Work, ...]:
    """Return what to cite for the methods, data sets, tilers and encoders that have results."""
    shown = {row.method for s in sections for row in s.rows if row.runs.done}
    shown |= {f"{section.dataset} ({section.encoder})" for section in sections}
    for dataset in board.datasets:
        there = any(s.dataset == dataset.name for s in sections)
        shown |= {f"{dataset.name} ({v})" for v in board.own_views(dataset).values() if there}
    return tuple(
        replace(work, used_by=used)
        for work in board.works
        if (used := tuple(name for name in work.used_by if name in shown))
    )


def beside(board: Board, sections: Sequence[Section]) -> Iterator[Beside]:
    """Yield each published number of a method and data set that have results here, with ours."""
    for section in (section for section in sections if not section.level):
        entries = [entry for entry in board.published if entry.dataset == section.dataset]
        for entry in entries:
            for row in (row for row in section.rows if row.method == entry.method):
                if row.runs.done:
                    ours = row.score(entry.metric)
                    yield Beside(
                        entry=entry,
                        encoder=section.encoder,
                        value=ours.value,
                        low=ours.low,
                        high=ours.high,
                    )
