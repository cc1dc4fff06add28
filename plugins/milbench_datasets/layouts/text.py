"""Read tables of numbers from plain or gzipped text; faults name their line and column."""

from __future__ import annotations

import gzip
import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def find(folder: Path, name: str) -> Path | None:
    """Return the file ``name`` of ``folder``, or else ``name.gz``, or None."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    return None


def read_bytes(path: Path) -> bytes:
    """Return the content of a plain or gzipped file.

    Raises
    ------
    DatasetError
        If the gzip stream is damaged or cut short.
    """
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetError(
            f"{path}: expected a whole gzip file, found a damaged one ({error}); get it again"
        ) from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a plain or gzipped text file, without blank lines at its end.

    Raises
    ------
    DatasetError
        If the file is empty, damaged or not text.
    """
    try:
        lines = read_bytes(path).decode("utf-8").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}: expected text in UTF-8, found other bytes ({error})"
        ) from error
    if not lines:
        raise DatasetError(
            f"{path}: expected a table of numbers, found an empty file; get it again"
        )
    return lines


def read_numbers(path: Path, separator: str) -> NDArray[np.float64]:
    """Read a table of finite numbers, as many in every line.

    Returns
    -------
    (lines, columns)

    Raises
    ------
    DatasetError
        For a line of another length, a cell that is no number, NaN or infinity.
    """
    rows = [
        parse_row(path, line, text.split(separator))
        for line, text in enumerate(read_lines(path), start=1)
    ]
    check_widths(path, rows)
    return np.stack(rows)


def check_widths(path: Path, rows: list[NDArray[np.float64]]) -> None:
    """Refuse a line that has more or fewer cells than the first.

    Raises
    ------
    DatasetError
        Naming the line.
    """
    for line, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DatasetError(
                f"{path}, line {line}: found {len(row)} columns, expected {len(rows[0])} "
                "as in line 1; get the file again"
            )


def parse_row(path: Path, line: int, cells: list[str], first: int = 1) -> NDArray[np.float64]:
    """Parse the cells of one line; ``first`` is the column number of the first cell.

    Raises
    ------
    DatasetError
        Naming line and column of the first cell that is not a finite number.
    """
    try:
        row = np.array(cells, dtype=np.float64)
    except ValueError:
        row = None
    if row is not None and np.isfinite(row).all():
        return row
    column = next(i for i, cell in enumerate(cells) if not is_finite(cell))
    raise DatasetError(
        f"{path}, line {line}, column {first + column}: found {cells[column]!r}, "
        "expected a finite number"
    )


def is_finite(cell: str) -> bool:
    """Tell whether the text of a cell is a finite number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
