"""A table that another program wrote, by the names of its columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.sheets.names import plain
from milbench.sheets.text import text_lines
from milbench.sheets.workbook import WORKBOOKS, workbook_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Sheet:
    """A table as text: nothing is converted, so that leading zeros stay.

    Parameters
    ----------
    columns
        Names of the first line, without spaces around them; the name of an index column is empty.
    rows
        One tuple a line, as long as ``columns``: a shorter line is filled with empty cells, a
        longer one is cut.
    lines
        Where each row ends in the file, from 1; for messages.
    ragged
        Cells of the lines that were filled or cut, by ``lines``. Empty ones at the end of a line,
        which spreadsheets write, are not counted.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[int, ...] = ()
    ragged: Mapping[int, int] = field(default_factory=dict)

    def __getitem__(self, column: str) -> tuple[str, ...]:
        """Return the cells of one column."""
        place = self.columns.index(column)
        return tuple(row[place] for row in self.rows)

    @cached_property
    def by_plain_name(self) -> dict[str, str]:
        """Return the names of the columns by themselves as they are compared."""
        return {plain(name): name for name in self.columns}

    def has(self, *names: str) -> bool:
        """Return whether all ``names``, which are plain, are columns."""
        return set(names) <= set(self.by_plain_name)

    def first_of(self, names: tuple[str, ...]) -> str | None:
        """Return the column that comes first in ``names``, which are plain, or None."""
        return next(
            (self.by_plain_name[name] for name in names if name in self.by_plain_name), None
        )

    def whole(self) -> Sheet:
        """Return the table itself, once nothing of it was found to be ambiguous.

        Raises
        ------
        DatasetError
            If a column is named twice, or a line has more cells than there are columns.
        """
        twice = [name for name, count in Counter(self.columns).items() if count > 1 and name]
        if twice:
            raise DatasetError(
                f"{self.path}, line 1: column {twice[0]!r} is there twice; rename one of them"
            )
        for line, count in self.ragged.items():
            if count > len(self.columns):
                raise DatasetError(
                    f"{self.path}, line {line}: {count} cells, but {len(self.columns)} columns; "
                    "is a comma inside quoted?"
                )
        return self


def read_sheet(path: Path, sheet: str = "") -> Sheet:
    """Return the table at ``path``: ``.xlsx``, else text, plain or with ``.gz`` behind.

    Parameters
    ----------
    sheet
        Of a spreadsheet: its name; the first one where the file has none of this name.

    Raises
    ------
    DatasetError
        If it cannot be read, or has no line of column names.
    """
    lines = iter(workbook_lines(path, sheet) if _is_workbook(path) else text_lines(path))
    _, columns = next(lines, (0, ()))
    if not columns:
        raise DatasetError(f"{path}: expected a table with a line of column names, found none")
    width, rows, numbers, ragged = len(columns), [], [], {}
    for number, cells in lines:
        count = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
        count = max(count, min(len(cells), width))
        if count != width:
            ragged[number] = count
        rows.append((*cells, *("",) * width)[:width])
        numbers.append(number)
    return Sheet(path, columns, tuple(rows), tuple(numbers), ragged)


def read_head(path: Path) -> Sheet:
    """Return the table at ``path`` without its rows; without columns where it is no table."""
    try:
        lines = workbook_lines(path, most=1) if _is_workbook(path) else text_lines(path)
        _, columns = next(iter(lines), (0, ()))
    except DatasetError:
        columns = ()
    return Sheet(path, columns)


def is_table(path: Path) -> bool:
    """Return whether the name is that of a table, and not of the lock beside an open one."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".csv", ".tsv", *WORKBOOKS)) and not name.startswith("~$")


def _is_workbook(path: Path) -> bool:
    return path.suffix.lower() in WORKBOOKS
