"""Recompute every number of a stored leaderboard from the stored predictions, and compare.

Nothing of the leaderboard is believed: its files are written again from the run files, with the
settings that it says it was made with, and compared as they stand. The run files are checked too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from milbench.errors import TraceError
from milbench.leaderboard.build import build
from milbench.report.files import texts
from milbench.store import SEAL
from milbench.trace.differences import Difference, differences
from milbench.trace.run_files import Fault, check_run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from milbench.leaderboard.board import Board
    from milbench.leaderboard.table import Leaderboard
    from milbench.store import Record, Store

DOCUMENT = "leaderboard.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one leaderboard.

    Parameters
    ----------
    files
        Compared with what the run files give.
    numbers
        How many numbers stand in them, each counted once a file.
    records, sealed
        Run files read, and those of them that hold a hash of their content.
    differences
        Between the stored leaderboard and the one that the run files give.
    faults
        Of run files: damaged, edited, in the wrong place, of other splits.
    missing
        Planned runs that are not there, one line a method and data set.
    """

    suite: str
    files: tuple[str, ...]
    numbers: int
    records: int
    sealed: int
    differences: tuple[Difference, ...]
    faults: tuple[Fault, ...]
    missing: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether every number is as the runs give it, and every run file is sound."""
        return not self.differences and not self.faults


def verify(folder: Path, store: Store, board_for: Callable[[int | None], Board]) -> Verdict:
    """Compare the leaderboard in ``folder`` with what the run files of ``store`` give.

    Parameters
    ----------
    board_for
        Returns what the suite asks of a leaderboard of its first repeats, all of them for None.

    Raises
    ------
    TraceError
        If the folder holds no leaderboard.
    """
    stored = read_document(folder)
    faults, records = check_run_files(store)
    board = _as_asked(stored, board_for)
    made = build(board, records)
    written = {path.name: text for path, text in texts(made, folder) if path.is_file()}
    found = [
        difference
        for name, text in written.items()
        for difference in differences(name, _read(folder / name), text)
    ]
    return Verdict(
        suite=made.suite,
        files=tuple(written),
        numbers=sum(_numbers(json.loads(t)) for n, t in written.items() if n == DOCUMENT),
        records=len(records),
        sealed=sum(SEAL in record for record in records),
        differences=tuple(found),
        faults=tuple(faults),
        missing=tuple(_missing(board, made, records)),
    )


def read_document(folder: Path) -> dict[str, Any]:
    """Return the stored leaderboard in ``folder`` as a document.

    Raises
    ------
    TraceError
        If there is none, or it is damaged.
    """
    path = folder / DOCUMENT
    if not path.is_file():
        raise TraceError(
            f"{folder}: no {DOCUMENT}; write one: milbench leaderboard SUITE --out {folder.parent}"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found["suite"], found["sections"]
    except (ValueError, KeyError, TypeError) as error:
        raise TraceError(f"{path}: no leaderboard: {error!r}; write it again") from error
    return dict(found)


def _as_asked(stored: dict[str, Any], board_for: Callable[[int | None], Board]) -> Board:
    """Return the board with the options that the stored leaderboard was made with."""
    fine = [section for section in stored["sections"] if not section.get("level")]
    ranked_by = {section["metric"] for section in fine if section["is_exploratory"]}
    board = board_for(_repeats(fine, board_for(None)))
    metric = ranked_by.pop() if len(ranked_by) == 1 else None
    return replace(board, metric=metric, draws=stored.get("draws", board.draws))


def _repeats(sections: Sequence[dict[str, Any]], board: Board) -> int | None:
    """Return how many repeats were planned, read from the counts of planned runs."""
    counts = {int(row["runs"]["planned"]) for section in sections for row in section["rows"]}
    planned = board.cells[0].planned if board.cells else ()
    if len(counts) != 1 or not planned or counts == {len(planned)}:
        return None
    repeats = len({repeat for repeat, _, _ in planned})
    return max(1, counts.pop() * repeats // len(planned))


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _numbers(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_numbers(item) for item in value.values())
    if isinstance(value, list):
        return sum(_numbers(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _missing(board: Board, made: Leaderboard, records: Sequence[Record]) -> list[str]:
    there = {
        (r["dataset"], r["method"], r["repeat"], r["fold"], r["seed"])
        for r in records
        if board.has_settings(r)
    }
    lines = []
    for section in (section for section in made.sections if not section.level):
        dataset = next(d for d in board.datasets if d.name == section.dataset)
        for row in section.rows:
            planned = sorted(board.planned(dataset, row.method))
            lost = [run for run in planned if (section.dataset, row.method, *run) not in there]
            if lost:
                lines.append(f"{section.dataset}, {row.method}: {_listed(lost)}")
    return lines


def _listed(runs: Sequence[tuple[int, int, int]], most: int = 5) -> str:
    named = "; ".join(f"repeat {r}, fold {f}, seed {s}" for r, f, s in runs[:most])
    return named if len(runs) <= most else f"{named}; and {len(runs) - most} more"
