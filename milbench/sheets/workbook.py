"""Read one sheet of an XLSX file as text, with openpyxl, which is an extra."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from milbench.errors import DatasetError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.sheets.text import Line

WORKBOOKS: Final = (".xlsx", ".xlsm")
LARGEST: Final = 1 << 28  # bytes unpacked: 256 MB of labels is no table of labels
ZEROS: Final = re.compile("0+")  # the format that shows 17 as 0017

# What openpyxl raises for files that are damaged, or are something else.
DAMAGED: Final = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, SyntaxError),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError),
)


def workbook_lines(path: Path, sheet: str = "", *, most: int | None = None) -> list[Line]:
    """Return the number in the sheet and the cells of each row that has one, the heading first.

    Cells are what the sheet shows of them: text, numbers without a trailing ``.0``, the zeros
    before a number of the format ``0000``, the stored results of formulas. Rows are as long as the
    heading; what stands beside the table is left out.

    Parameters
    ----------
    sheet
        Its name; the first one where the file has none of this name, or the name is empty.
    most
        Rows that are read; all when None.

    Raises
    ------
    MissingDataError
        If openpyxl is not installed.
    DatasetError
        If the file is no XLSX file, or is damaged.
    """
    try:
        import openpyxl  # noqa: PLC0415  # an extra
    except ImportError:
        raise MissingDataError(
            f"{path}: a spreadsheet, which needs openpyxl; run: pip install 'milbench[excel]', or "
            "save the sheet as CSV"
        ) from None
    if not path.exists():
        raise DatasetError(f"{path}: no such file")
    try:
        _check_size(path)
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of styles, which say nothing here
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            return _fitted(_rows(book, sheet), most)
    except DAMAGED as error:
        raise DatasetError(
            f"{path}: expected a whole XLSX file, found something else ({error}); get it again, or "
            "save the sheet as CSV"
        ) from error


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST:
        raise ValueError(f"{size} bytes, more than the {LARGEST} that are read")


def _rows(book: Any, name: str) -> Iterator[Line]:
    """Yield each row that has a cell."""
    found = book[name] if name in book.sheetnames else book.worksheets[0]
    found.reset_dimensions()  # what files say about their size is often wrong
    for number, row in enumerate(found.iter_rows(), start=1):
        cells = tuple(_text(cell) for cell in row)
        if any(cells):
            yield number, cells


def _fitted(rows: Iterator[Line], most: int | None) -> list[Line]:
    fitted: list[Line] = []
    for number, cells in rows:
        width = len(fitted[0][1]) if fitted else len(cells)
        fitted.append((number, (*cells, *("",) * width)[:width]))
        if len(fitted) == most:
            break
    return fitted


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and ZEROS.fullmatch(cell.number_format):
        return str(value).zfill(len(cell.number_format))
    return str(value).strip()
