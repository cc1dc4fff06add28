"""A table of the page: heads, rows and cells as the template draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.report.grids import Cell, Grid
    from milbench.report.html.drawing import Bar, GroupCell, Scale

Kind = Literal["text", "number", "name", "value", "codes", "bar", "groups"]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; ``scale`` stands over bars."""

    text: str
    kind: Kind = "number"
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One cell: its text, or a drawing whose text says the same."""

    text: str
    is_bold: bool = False
    drawing: Bar | GroupCell | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row; ``control`` if it is about one, ``anchor`` where a link leads to it, or empty."""

    cells: tuple[Field, ...]
    control: bool = False
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption, which also names its box for those who cannot see it."""

    caption: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]


def from_grid(grid: Grid, controls: Sequence[bool]) -> Table:
    """Return the table of a grid; ``controls`` says of each row whether it is about one."""
    kinds = [_kind(grid, column) for column in range(len(grid.headers))]
    lines = tuple(
        Line(tuple(_field(cell) for cell in row), control)
        for row, control in zip(grid.rows, controls, strict=True)
    )
    return Table(grid.title, tuple(map(Head, grid.headers, kinds)), lines)


def with_column(table: Table, after: int, head: Head, fields: Sequence[Field]) -> Table:
    """Return the table with one more column behind the position ``after``."""
    cut = after + 1
    lines = tuple(
        Line((*line.cells[:cut], field, *line.cells[cut:]), line.control, line.anchor)
        for line, field in zip(table.lines, fields, strict=True)
    )
    return Table(table.caption, (*table.heads[:cut], head, *table.heads[cut:]), lines)


def _kind(grid: Grid, column: int) -> Kind:
    if column == grid.name:
        return "name"
    if grid.headers[column] == "Codes":
        return "codes"
    if "[95% CI]" in grid.headers[column]:
        return "value"
    return "text" if column in grid.left else "number"


def _field(cell: Cell) -> Field:
    return Field(cell.text, cell.is_bold)
