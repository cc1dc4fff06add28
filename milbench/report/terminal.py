"""Print a leaderboard on the terminal with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from milbench.leaderboard.diagram import overall_diagram, section_diagram
from milbench.report import footnotes
from milbench.report.format import printable
from milbench.report.grids import Grid, class_grids, overall_grid, section_grid, split
from milbench.report.rank_text import rank_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, JustifyMethod

    from milbench.leaderboard.diagram import RankDiagram
    from milbench.leaderboard.table import Leaderboard
    from milbench.report.grids import Cell


# Between two columns: a space on each side of a line that this box leaves blank.
GAP = 3


def print_terminal(
    leaderboard: Leaderboard, console: Console, *, per_class: bool = False, ranks: bool = False
) -> None:
    """Print every table of ``leaderboard``, each with its notes, on ``console``.

    Names are shown as they are: nothing in them is taken for markup.

    Parameters
    ----------
    per_class, ranks
        Add the tables per class, and the rank diagrams.
    """
    for section in leaderboard.sections:
        _print_grid(console, section_grid(section))
        notes = footnotes.section_notes(section)
        _print_lines(console, [*notes, *footnotes.published_notes(leaderboard, section)])
        if per_class:
            for grid in class_grids(section):
                _print_grid(console, grid)
            _print_lines(console, [footnotes.class_note(section)])
        if ranks:
            _print_diagram(console, section_diagram(section))
    if leaderboard.overall is not None:
        _print_grid(console, overall_grid(leaderboard.overall))
        _print_lines(console, footnotes.overall_notes(leaderboard))
        if ranks:
            _print_diagram(console, overall_diagram(leaderboard.overall))
    _print_lines(console, footnotes.skipped_notes(leaderboard))
    _print_lines(console, footnotes.legend(leaderboard))


def _print_grid(console: Console, grid: Grid) -> None:
    """Print a table, as several below each other where the terminal is too narrow for one."""
    console.print(_text(grid.title, "bold"))
    widths = [width + GAP for width in _widths(grid)]
    for part in split(grid, widths, console.width):
        console.print(_table(part))


def _print_diagram(console: Console, diagram: RankDiagram | None) -> None:
    """Print one line a method; a terminal too narrow for a line cuts it, for it has no folds."""
    if diagram is not None:
        for line in rank_lines(diagram):
            console.print(_text(line), no_wrap=True, overflow="crop")
        _print_lines(console, [diagram.note])


def _table(grid: Grid) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for position, (header, width) in enumerate(zip(grid.headers, _widths(grid), strict=True)):
        justify: JustifyMethod = "left" if position in grid.left else "right"
        table.add_column(_text(header), justify=justify, overflow="fold", max_width=width)
    for row in grid.rows:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _widths(grid: Grid) -> list[int]:
    """Return the width of each column: its widest cell, or the longest word of its header."""
    columns = zip(*grid.rows, strict=True) if grid.rows else [()] * len(grid.headers)
    return [
        max(cell_len(text) for text in (*header.split(), *(printable(c.text) for c in cells)))
        for header, cells in zip(map(printable, grid.headers), columns, strict=True)
    ]


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    texts = [_text(line, "dim") for line in lines]
    for text in texts:
        console.print(text)
    if texts:
        console.print()


def _cell(cell: Cell) -> Text:
    return _text(cell.text, "bold" if cell.is_bold else "")


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)
