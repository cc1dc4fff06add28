"""Write the bibliography of a leaderboard: exactly the works that are behind what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.report.bibliography import Entry, entries_of, known
from milbench.report.format import printable
from milbench.report.procedures import procedures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.board import Work
    from milbench.leaderboard.table import Leaderboard

TITLES = {
    "method": "Methods",
    "dataset": "Data sets",
    "encoder": "Encoders",
    "tiler": "Tilers",
}


def to_bibtex(leaderboard: Leaderboard) -> str:
    """Return BibTeX entries of the methods, data sets, encoders, tilers and tests that were used.

    Each work stands once. A comment says what each of the suite's names is cited by.
    """
    entries: dict[str, Entry] = {}
    lines = [f"% Works behind the leaderboard of suite {printable(leaderboard.suite)}."]
    for kind, title in TITLES.items():
        works = [work for work in leaderboard.works if work.kind == kind]
        lines += [f"%\n% {title}:"] * bool(works)
        for work in works:
            found = entries_of(work.name, work.paper)
            entries |= {entry.key: entry for entry in found}
            lines.append(f"%   {_cited(work, found)}")
    tests = [(name, [known(key) for key in keys]) for name, keys in procedures(leaderboard)]
    lines += ["%\n% Statistics:"] * bool(tests)
    for name, found in tests:
        entries |= {entry.key: entry for entry in found}
        lines.append(f"%   {name}: {_cite(found)}")
    software = _software(leaderboard)
    return "\n\n".join(["\n".join(lines), *(e.text for e in entries.values()), *software]) + "\n"


def _cited(work: Work, entries: list[Entry]) -> str:
    rows = [name for name in work.used_by if name != work.name and work.kind == "method"]
    as_rows = f" ({', '.join(map(printable, rows))})" if rows else ""
    return f"{printable(work.name)}{as_rows}: {_cite(entries)}"


def _cite(entries: list[Entry]) -> str:
    return f"\\cite{{{','.join(entry.key for entry in entries)}}}" if entries else "no paper"


def _software(leaderboard: Leaderboard) -> Iterator[str]:
    version = dict(leaderboard.versions).get("milbench")
    if version is not None:
        yield (
            "@misc{milbench,\n"
            "  author = {{The milbench authors}},\n"
            "  title = {milbench: a benchmark harness for multiple-instance learning},\n"
            f"  note = {{Version {printable(version)}}}\n"
            "}"
        )
