"""Read tables of labels: CSV, TSV or XLSX, with named columns, every cell as text.

A cell is never turned into a number, so an id keeps its leading zeros. Columns are found by name,
whatever their order, capitals, blanks, hyphens and underscores: ``WSI Filename`` is
``wsi_filename``. A fault names the file and the line.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from milbench.errors import DatasetError
from milbench_datasets.layouts.spreadsheet import read_sheet
from milbench_datasets.layouts.text import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Numbered = tuple[int, list[str]]

SEPARATORS = ",;\t"


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
        ``.xlsx``; else text in UTF-8, plain or gzipped, with commas, semicolons or tabs.
    sheet
        Of an XLSX file.

    Raises
    ------
    DatasetError
        If the file is no table, a needed column is absent, or a line lacks a needed cell.
    """
    numbered = read_sheet(path, sheet) if path.suffix == ".xlsx" else _read_text(path)
    if len(numbered) < 2:  # noqa: PLR2004  # a heading and one line
        raise DatasetError(f"{path}: expected a heading and lines below it; get the file again")
    (_, heading), *lines = numbered
    places = columns.places(path, heading)
    return [_row(path, line, cells, (columns, places)) for line, cells in lines]


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


def _read_text(path: Path) -> list[Numbered]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: expected text in UTF-8, found other bytes ({error})") from None
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: not a table: {error}") from error


def _row(path: Path, line: int, cells: list[str], wanted: tuple[Columns, dict[str, int]]) -> Row:
    columns, places = wanted
    given = {name: cells[place] for name, place in places.items() if place < len(cells)}
    row = Row(path, line, dict.fromkeys(columns.optional, "") | given)
    for name in columns.needed:
        if not row.cells.get(name):
            row.fail(f"no {name}; expected text in column {' or '.join(columns.needed[name])}")
    return row
