"""One published number beside ours: the same method on the same data set, and how protocols differ.

Ours is the number of a suite's leaderboard, from the runs of one cell. No test compares the two:
the published one comes without predictions, and from other splits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from milbench.errors import TraceError
from milbench.leaderboard import build
from milbench.published import read_published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from milbench.leaderboard.board import Board
    from milbench.leaderboard.table import Row, Score, Section
    from milbench.published import Published
    from milbench.registry import Registry
    from milbench.run import Plan
    from milbench.store import Record
    from milbench.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our number of the cell that a published one is of.

    Parameters
    ----------
    suite, splits
        The suite, and its splits in words.
    score, row
        As a leaderboard has them.
    """

    suite: str
    encoder: str
    splits: str
    score: Score
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """A published number, and ours where there is one; else ``missing`` says why not."""

    entry: Published
    ours: Ours | None
    missing: str = ""

    @property
    def difference(self) -> float | None:
        """Return ours minus theirs; None without ours."""
        return None if self.ours is None else self.ours.score.value - self.entry.value


def find_published(name: str) -> Published:
    """Return the published number called ``name``.

    Raises
    ------
    TraceError
        If there is none; the message names near ones.
    """
    entries = {entry.name: entry for entry in read_published()}
    if name not in entries:
        near = get_close_matches(name, entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise TraceError(f"no published number {name!r}; {hint}See: milbench list published")
    return entries[name]


def why_no_cell(entry: Published, suite: Suite | None, registry: Registry) -> str:
    """Return why there is nothing to run for ``entry``; empty where there is a cell."""
    if suite is None:
        has_data = bool(registry.matching("dataset", entry.dataset))
        has_method = bool(registry.matching("aggregator", entry.method))
        return (
            f"no suite is named for it. Data set {entry.dataset}: {_there(has_data)}; "
            f"method {entry.method}: {_there(has_method)}. With both in a suite of your own: "
            f"milbench reproduce {entry.name} --suite FILE"
        )
    if entry.dataset not in suite.datasets:
        return f"suite {suite.name} has no data set {entry.dataset}: {', '.join(suite.datasets)}"
    labels = [method.row for method in suite.methods]
    if entry.method not in labels:
        return f"suite {suite.name} has no method {entry.method}; it has: {', '.join(labels)}"
    return ""


def only_cell(plan: Plan, entry: Published) -> Plan:
    """Return the plan with the runs of one cell alone; what is prepared and stored stays."""
    jobs = [
        job
        for job in plan.jobs
        if (job.cell.dataset, job.cell.row) == (entry.dataset, entry.method)
    ]
    return replace(plan, jobs=jobs)


def ours_of(entry: Published, board: Board, records: Iterable[Record]) -> Ours | None:
    """Return our number from stored records; None without a finished run."""
    datasets = tuple(d for d in board.datasets if d.name == entry.dataset)
    methods = tuple(m for m in board.methods if m.label == entry.method)
    # A cell alone: no other method, and so no test, is asked about here.
    alone = replace(board, datasets=datasets, methods=methods, reference=None, published=(entry,))
    for section in build(alone, records).sections:
        row = _finished(section)
        if row is not None and not section.level:
            return Ours(
                suite=board.suite,
                encoder=section.encoder,
                splits=board.splits,
                score=row.score(entry.metric),
                row=row,
            )
    return None


def _finished(section: Section) -> Row | None:
    return next((row for row in section.rows if row.runs.done), None)


def _there(is_there: bool) -> str:
    return "here" if is_there else "not here"
