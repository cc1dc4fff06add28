"""Read the cells of one sheet of an XLSX file, as text.

An XLSX file is a ZIP archive of XML documents (ECMA-376, part 1, sections 12 and 18), so nothing
but the standard library is needed for the tables of labels that come in this form.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.layouts.markup import parse_xml

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LARGEST = 1 << 28  # bytes of one document: 256 MB of labels is no table of labels


def read_sheet(path: Path, sheet: str = "") -> list[tuple[int, list[str]]]:
    """Return each row that has a cell, with its number in the sheet, from 1.

    Parameters
    ----------
    sheet
        Its name; the first one where the file has none of this name, or the name is empty.

    Returns
    -------
    list of (number, cells)
        Cells as the file has them: text without blanks at its ends, numbers as written, dates as
        days since 1899-12-30; empty cells, left of the last one, are empty text.

    Raises
    ------
    DatasetError
        If the file is no XLSX file or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            strings = _shared_strings(path, archive)
            content = _member(path, archive, _sheet_member(path, archive, sheet))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, RuntimeError) as error:
        raise DatasetError(
            f"{path}: expected a whole XLSX file, found something else ({error}); get it again, or "
            "save the sheet as CSV beside it"
        ) from error
    rows = parse_xml(content, path).iterfind(f"{MAIN}sheetData/{MAIN}row")
    numbered = ((int(row.get("r", n)), _cells(path, row, strings)) for n, row in enumerate(rows, 1))
    return [(number, cells) for number, cells in numbered if any(cells)]


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise DatasetError(f"{path}: {name} is larger than {LARGEST} bytes; not read")
    return archive.read(name)


def _sheet_member(path: Path, archive: zipfile.ZipFile, wanted: str) -> str:
    """Return where the archive keeps the sheet of a name, else the first one."""
    book = parse_xml(_member(path, archive, "xl/workbook.xml"), path)
    links = {one.get("name", ""): one.get(LINK, "") for one in book.iter(f"{MAIN}sheet")}
    if not links:
        raise DatasetError(f"{path}: an XLSX file without sheets; get it again")
    relations = parse_xml(_member(path, archive, "xl/_rels/workbook.xml.rels"), path)
    targets = {one.get("Id", ""): one.get("Target", "") for one in relations}
    target = targets[links.get(wanted, next(iter(links.values())))]
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _shared_strings(path: Path, archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    root = parse_xml(_member(path, archive, "xl/sharedStrings.xml"), path)
    return [_text(item) for item in root.iterfind(f"{MAIN}si")]


def _text(item: Element) -> str:
    """Return plain text, or the runs of rich text joined, without phonetic hints."""
    own = item.iterfind(f"{MAIN}t")
    runs = item.iterfind(f"{MAIN}r/{MAIN}t")
    return "".join(part.text or "" for part in (*own, *runs))


def _cells(path: Path, row: Element, strings: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iterfind(f"{MAIN}c"):
        column = _column(cell.get("r", ""), len(cells))
        cells += [""] * (column - len(cells))
        cells.append(_value(path, cell, strings).strip())
    return cells


def _column(reference: str, following: int) -> int:
    """Return the column, from 0, of a reference such as ``AB12``; ``following`` where none is."""
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        return following
    number = 0
    for letter in letters[0]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(path: Path, cell: Element, strings: list[str]) -> str:
    inline = cell.find(f"{MAIN}is")
    if inline is not None:
        return _text(inline)
    value = cell.findtext(f"{MAIN}v", "")
    if cell.get("t") != "s" or not value:
        return value
    try:
        return strings[int(value)]
    except (IndexError, ValueError):
        place = f"{path}, cell {cell.get('r', '?')}"
        raise DatasetError(f"{place}: text number {value!r} is not there; get it again") from None
