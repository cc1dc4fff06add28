"""Print a leaderboard on the terminal with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from milbench.report import footnotes
from milbench.report.format import printable
from milbench.report.grids import class_grids, overall_grid, section_grid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from milbench.leaderboard.table import Leaderboard
    from milbench.report.grids import Cell, Grid


def print_terminal(leaderboard: Leaderboard, console: Console, *, per_class: bool = False) -> None:
    """Print every table of ``leaderboard``, each with its notes, on ``console``.

    Names are shown as they are: nothing in them is taken for markup.
    """
    for section in leaderboard.sections:
        _print_grid(console, section_grid(section))
        _print_lines(console, footnotes.section_notes(section))
        if per_class:
            for grid in class_grids(section):
                _print_grid(console, grid)
            _print_lines(console, [footnotes.class_note()])
    if leaderboard.overall is not None:
        _print_grid(console, overall_grid(leaderboard.overall))
        _print_lines(console, footnotes.overall_notes(leaderboard))
    _print_lines(console, footnotes.skipped_notes(leaderboard))
    _print_lines(console, footnotes.legend(leaderboard))


def _print_grid(console: Console, grid: Grid) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=_text(grid.title, "bold"), title_justify="left")
    for position, header in enumerate(grid.headers):
        justify = "left" if position in grid.left else "right"
        table.add_column(_text(header), justify=justify, overflow="fold")  # type: ignore[arg-type]  # a Literal
    for row in grid.rows:
        table.add_row(*(_cell(cell) for cell in row))
    console.print(table)


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(_text(line, "dim"))
    console.print()


def _cell(cell: Cell) -> Text:
    return _text(cell.text, "bold" if cell.is_bold else "")


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)
