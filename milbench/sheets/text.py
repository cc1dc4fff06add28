"""Read text that another program wrote: delimiter, byte-order mark and compression found out."""

from __future__ import annotations

import csv
import gzip
import zlib
from contextlib import contextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING, Final

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DELIMITERS: Final = ("\t", ";", ",")
NO_TEXT: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers")

Line = tuple[int, tuple[str, ...]]  # where it ends in the file, from 1, and its cells


def read_text(path: Path) -> str:
    """Return the text at ``path``, unpacked where its name ends in ``.gz``.

    Raises
    ------
    DatasetError
        If it is absent, a spreadsheet, damaged, or not UTF-8.
    """
    with _opened(path) as file:
        return file.read()


def text_lines(path: Path) -> Iterator[Line]:
    """Yield each line of a table that has text in a cell, the heading first.

    The delimiter is the comma, semicolon or tab that is most frequent in the heading. Cells have
    no spaces around them.

    Raises
    ------
    DatasetError
        If the file is absent, a spreadsheet, damaged, not UTF-8 or not CSV.
    """
    with _opened(path) as file:
        first = _until_text(file)
        heading = first[-1] if first else ""
        if "\0" in heading:
            raise DatasetError(f"{path}: no table of text; save it as CSV in UTF-8")
        reader = csv.reader(chain(first, file), delimiter=_delimiter(heading), strict=True)
        try:
            for row in reader:
                cells = tuple(cell.strip() for cell in row)
                if any(cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            place = f"{path}, line {reader.line_num}"
            raise DatasetError(f"{place}: not a table: {error}; is a quote open?") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Give the text at ``path``; what goes wrong while it is read names the file."""
    if path.suffix.lower() in NO_TEXT:
        raise DatasetError(
            f"{path}: a spreadsheet; save it as CSV or XLSX, and name that file instead"
        )
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: cannot be read as text in UTF-8 ({error}); get it again, or save it as CSV "
            "in UTF-8"
        ) from error


def _until_text(file: IO[str]) -> list[str]:
    """Return the lines up to the first that is not blank."""
    lines = []
    for line in file:
        lines.append(line)
        if line.strip():
            break
    return lines


def _delimiter(first: str) -> str:
    """Return the delimiter that is most frequent in the first line; a comma where none is."""
    return max(DELIMITERS, key=lambda mark: (first.count(mark), mark == ","))
