"""Find what a data set needs in the named columns of its tables of labels.

Columns are found by name,
whatever their order, capitals, blanks, hyphens and underscores: ``WSI Filename`` is
``wsi_filename``. A fault names the file and the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from milbench import read_sheet
from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Parameters
    ----------
    path, line
        Where it stands; the heading is line 1.
    cells
        Text by the names that were asked for; optional columns that are not there are empty.
    """

    path: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells[name]

    def choice(self, name: str, choices: Mapping[str, int]) -> int:
        """Return the value that ``choices`` has for a cell.

        Raises
        ------
        DatasetError
            If the cell holds something else.
        """
        found = self.cells[name]
        if found not in choices:
            self.fail(f"{name} is {found!r}; expected one of {', '.join(choices)}")
        return choices[found]

    def fail(self, fault: str) -> NoReturn:
        """Raise a DatasetError that names the line."""
        raise DatasetError(f"{self.path}, line {self.line}: {fault}")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table: a name of ours, and the headings that it may have.

    Parameters
    ----------
    needed
        Columns that must be there, with text in every line.
    optional
        Columns that may be absent or empty.
    """

    needed: Mapping[str, Sequence[str]]
    optional: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def places(self, path: Path, heading: Sequence[str]) -> dict[str, int]:
        """Return the position of each column in ``heading``.

        Raises
        ------
        DatasetError
            If a needed one is absent, or two headings fit one column.
        """
        found: dict[str, int] = {}
        for name, accepted in (*self.needed.items(), *self.optional.items()):
            wanted = {_plain(one) for one in accepted}
            fitting = [place for place, one in enumerate(heading) if _plain(one) in wanted]
            if len(fitting) > 1:
                both = " and ".join(repr(heading[place]) for place in fitting)
                raise DatasetError(f"{path}, line 1: columns {both} both give the {name}; keep one")
            if not fitting and name in self.needed:
                raise DatasetError(
                    f"{path}, line 1: no column {' or '.join(accepted)}; found {', '.join(heading)}"
                )
            if fitting:
                found[name] = fitting[0]
        return found


def read_table(path: Path, columns: Columns, sheet: str = "") -> list[Row]:
    """Return the lines of a table.

    Parameters
    ----------
    path
        As :func:`milbench.read_sheet` reads it.
    sheet
        Of an XLSX file.

    Raises
    ------
    DatasetError
        If the file is no table, a needed column is absent, or a line lacks a needed cell.
    """
    table = read_sheet(path, sheet)
    if not table.rows:
        raise DatasetError(f"{path}: expected a heading and lines below it; get the file again")
    wanted = columns, columns.places(path, table.columns)
    lines = zip(table.lines, table.rows, strict=True)
    return [_row(path, line, cells, wanted) for line, cells in lines]


def unique(rows: Iterable[Row], name: str = "id") -> dict[str, Row]:
    """Return ``rows`` by the text of a column.

    Raises
    ------
    DatasetError
        If two lines have the same.
    """
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(row[name], row)
        if first is not row:
            row.fail(f"{name} {row[name]!r} stands in line {first.line} already; keep one")
    return found


def _plain(heading: str) -> str:
    return re.sub(r"[\s_-]", "", heading).casefold()


def _row(
    path: Path, line: int, cells: Sequence[str], wanted: tuple[Columns, dict[str, int]]
) -> Row:
    columns, places = wanted
    given = {name: cells[place] for name, place in places.items()}
    row = Row(path, line, dict.fromkeys(columns.optional, "") | given)
    for name in columns.needed:
        if not row.cells[name]:
            row.fail(f"no {name}; expected text in column {' or '.join(columns.needed[name])}")
    return row
