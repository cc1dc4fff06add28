"""Write a leaderboard as Markdown that GitHub and GitLab draw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabulate import tabulate

from milbench.leaderboard.diagram import overall_diagram, section_diagram
from milbench.report import footnotes
from milbench.report.format import printable
from milbench.report.grids import class_grids, overall_grid, section_grid
from milbench.report.rank_text import rank_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milbench.leaderboard.diagram import RankDiagram
    from milbench.leaderboard.table import Leaderboard
    from milbench.report.grids import Cell, Grid

# An underscore inside a word and a bracket that opens no link mean nothing: left readable.
_SPECIAL = re.compile(r"[\\`*<>|#~$&]|(?<!\w)_|_(?!\w)|\](?=[(\[:])")


def to_markdown(leaderboard: Leaderboard, *, per_class: bool = False, ranks: bool = False) -> str:
    """Return ``leaderboard`` as one Markdown document.

    Parameters
    ----------
    per_class, ranks
        Add the tables per class, and the rank diagrams.
    """
    return "\n\n".join(_blocks(leaderboard, per_class=per_class, ranks=ranks)) + "\n"


def escape(text: str) -> str:
    """Return ``text`` so that Markdown shows it as it is, in a table cell too."""
    return _SPECIAL.sub(r"\\\g<0>", printable(text))


def _blocks(leaderboard: Leaderboard, *, per_class: bool, ranks: bool) -> Iterator[str]:
    yield f"# Leaderboard: {escape(leaderboard.suite)}"
    if leaderboard.overall is not None:
        yield from _table(overall_grid(leaderboard.overall))
        yield _items(footnotes.overall_notes(leaderboard))
        if ranks:
            yield from _diagram(overall_diagram(leaderboard.overall))
    for section in leaderboard.sections:
        yield from _table(section_grid(section))
        notes = footnotes.section_notes(section)
        yield _items([*notes, *footnotes.published_notes(leaderboard, section)])
        if per_class:
            for grid in class_grids(section):
                yield from _table(grid, level=3)
            yield _items([footnotes.class_note(section)])
        if ranks:
            yield from _diagram(section_diagram(section))
    if leaderboard.skipped:
        yield "## Skipped"
        yield _items(footnotes.skipped_notes(leaderboard))
    yield "## How to read this"
    yield _items(footnotes.legend(leaderboard))


def _table(grid: Grid, level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {escape(grid.title)}"
    yield tabulate(
        [[_cell(cell) for cell in row] for row in grid.rows],
        headers=[escape(header) for header in grid.headers],
        tablefmt="pipe",
        colalign=["left" if i in grid.left else "right" for i in range(len(grid.headers))],
        disable_numparse=True,
    )


def _diagram(diagram: RankDiagram | None) -> Iterator[str]:
    if diagram is not None:
        lines = "\n".join(rank_lines(diagram))
        longest = max(map(len, re.findall("`+", lines)), default=0)  # a name may hold a fence
        fence = "`" * max(3, longest + 1)
        yield f"{fence}text\n{lines}\n{fence}"
        yield _items([diagram.note])


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return f"**{text}**" if cell.is_bold and text else text
