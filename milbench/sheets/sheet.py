"""Read a table that another program wrote: delimiter, byte-order mark and compression found out."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

DELIMITERS = ("\t", ";", ",")
BINARY_TABLES = (".xlsx", ".xls", ".ods")


@dataclass(frozen=True)
class Sheet:
    """A table as text: nothing is converted, so that leading zeros stay.

    Parameters
    ----------
    columns
        Names of the first line, without spaces around them; the name of an index column is empty.
    rows
        One tuple a line, as long as ``columns``.
    lines
        Where each row ends in the file, from 1; for messages.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def __getitem__(self, column: str) -> tuple[str, ...]:
        """Return the cells of one column."""
        place = self.columns.index(column)
        return tuple(row[place] for row in self.rows)

    @cached_property
    def by_lower_case(self) -> dict[str, str]:
        """Return the names of the columns by themselves in lower case."""
        return {name.lower(): name for name in self.columns}

    def has(self, *names: str) -> bool:
        """Return whether all ``names`` are columns, in upper or lower case."""
        return set(names) <= set(self.by_lower_case)

    def first_of(self, names: tuple[str, ...]) -> str | None:
        """Return the column that comes first in ``names``, which are lower case, or None."""
        return next(
            (self.by_lower_case[name] for name in names if name in self.by_lower_case), None
        )


def read_sheet(path: Path) -> Sheet:
    """Return the table at ``path``: ``.csv``, ``.tsv`` or ``.txt``, plain or with ``.gz`` behind.

    Raises
    ------
    DatasetError
        If it cannot be read, is empty, names a column twice, or a line has more cells than there
        are columns. A shorter line is filled with empty cells.
    """
    text = read_text(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.partition("\n")[0]))
    try:
        columns = tuple(name.strip() for name in next(lines, ()))
        _check_columns(path, columns)
        rows, numbers = [], []
        for row in lines:
            if any(row):
                rows.append(_filled(path, lines.line_num, row, len(columns)))
                numbers.append(lines.line_num)
    except csv.Error as error:
        raise DatasetError(f"{path}, line {lines.line_num}: not a table: {error}") from error
    return Sheet(path, columns, tuple(rows), tuple(numbers))


def read_head(path: Path) -> Sheet:
    """Return the table at ``path`` without its rows; without columns where it is no table."""
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            first = file.readline()
        columns = next(csv.reader([first], delimiter=_delimiter(first)), [])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        columns = []
    return Sheet(path, tuple(name.strip() for name in columns), (), ())


def read_text(path: Path) -> str:
    """Return the text at ``path``, unpacked where its name ends in ``.gz``.

    Raises
    ------
    DatasetError
        If it is absent, a spreadsheet, damaged, or not UTF-8.
    """
    if path.suffix.lower() in BINARY_TABLES:
        raise DatasetError(f"{path}: a spreadsheet; save it as CSV and name that file instead")
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from error


def is_table(path: Path) -> bool:
    """Return whether the name is that of a table of text."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".csv", ".tsv"))


def _delimiter(first: str) -> str:
    """Return the delimiter that is most frequent in the first line; a comma where none is."""
    return max(DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    if not any(columns):
        raise DatasetError(f"{path}: expected a table with a line of column names, found none")
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise DatasetError(
            f"{path}, line 1: column {twice[0]!r} is there twice; rename one of them"
        )


def _filled(path: Path, line: int, row: list[str], width: int) -> tuple[str, ...]:
    if len(row) > width:
        raise DatasetError(f"{path}, line {line}: {len(row)} cells, but {width} columns")
    return tuple(cell.strip() for cell in row) + ("",) * (width - len(row))
