"""Spreadsheets are read as what they show: openpyxl and pandas write them, milbench reads them."""

import datetime as dt
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.sheets.sheet import is_table, read_head, read_sheet


def book(path: Path, rows: dict[str, dict[str, object]]) -> openpyxl.Workbook:
    """Write sheets of cells by their references; return the workbook to change it."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, cells in rows.items():
        sheet = made.create_sheet(name)
        for place, value in cells.items():
            sheet[place] = value
    made.save(path)
    return made


# The parts of a workbook as ECMA-376 (part 1, sections 12 and 18) has them, with shared texts.
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SCHEMAS = "http://schemas.openxmlformats.org"
OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{SCHEMAS}/package/2006/content-types">'
    f'<Override PartName="/xl/workbook.xml" ContentType="{OFFICE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{OFFICE}.sharedStrings+xml"/>'
    "</Types>",
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{SCHEMAS}/officeDocument/2006/relationships">'
    '<sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{SCHEMAS}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{SCHEMAS}/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>label</t></si>"
    "<si><r><t>sli</t></r><r><t>de_id</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si></sst>",
    "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>"
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    '<row r="2"><c r="A2" t="str"><v>x</v></c><c r="B2" t="inlineStr"><is><t>0017</t></is></c>'
    "</row></sheetData></worksheet>",
}


def zipped(path: Path, parts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_cells_are_text_with_the_numbers_of_their_rows(tmp_path: Path) -> None:
    """Gaps between rows and cells stay, and columns beyond Z are counted: AB is the 28th."""
    path = tmp_path / "t.xlsx"
    cells = {"A1": "slide", "AB1": "label", "A2": "0017", "AB2": 1, "A5": " a & b ", "AB5": 1228}
    book(path, {"Sheet": cells})

    sheet = read_sheet(path)

    assert sheet.columns == ("slide", *("",) * 26, "label")
    assert (sheet["slide"], sheet["label"]) == (("0017", "a & b"), ("1", "1228"))
    assert sheet.lines == (2, 5)
    assert sheet.ragged == {}
    assert read_head(path).columns == sheet.columns


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        ("0017", "General", "0017"),
        (17, "0000", "0017"),
        (17.0, "0000", "0017"),
        (17, "General", "17"),
        (17.0, "General", "17"),
        (0.5, "0.00", "0.5"),
        (True, "General", "TRUE"),
        ("=1/0", "General", ""),  # nothing has computed it
        (dt.date(2020, 2, 1), "yyyy-mm-dd", "2020-02-01 00:00:00"),
    ],
)
def test_a_cell_is_what_the_sheet_shows(
    tmp_path: Path, value: object, form: str, shown: str
) -> None:
    """An id keeps its zeros whether it is text, or a number that is formatted with them."""
    path = tmp_path / "t.xlsx"
    made = book(path, {"Sheet": {"A1": "id", "B1": "label", "B2": "x"}})
    cell = made["Sheet"]["A2"]
    cell.value, cell.number_format = value, form
    made.save(path)

    assert read_sheet(path)["id"] == (shown,)


def test_a_sheet_is_found_by_its_name_else_the_first_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(path, {"First": {"A1": "a"}, "Slides": {"A1": "b"}})

    found = [read_sheet(path, name).columns for name in ("Slides", "", "absent")]

    assert found == [("b",), ("a",), ("a",)]


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    """With its index: the field's scripts write tables so."""
    table = pd.DataFrame({"slide_id": ["007", "8"], "label": [0.0, 1.0], "site": ["x", None]})
    table.to_excel(tmp_path / "t.xlsx")

    sheet = read_sheet(tmp_path / "t.xlsx")

    assert sheet.columns == ("", "slide_id", "label", "site")
    assert sheet.rows == (("0", "007", "0", "x"), ("1", "8", "1", ""))


def test_a_wrong_statement_of_size_hides_nothing(tmp_path: Path) -> None:
    """Other programs write A1 where the table is larger."""
    name = "xl/worksheets/sheet1.xml"
    stated = PARTS[name].replace("<sheetData>", '<dimension ref="A1"/><sheetData>')

    assert read_sheet(zipped(tmp_path / "t.xlsx", PARTS | {name: stated})).rows == (("x", "0017"),)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "t.xlsx"
    book(path, {"Sheet": {"A1": "a", "A2": "b"}})
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])

    with pytest.raises(DatasetError, match=r"t\.xlsx: expected a whole XLSX file"):
        read_sheet(path)
    assert read_head(path).columns == ()


def test_shared_texts_are_put_in_their_places(tmp_path: Path) -> None:
    """Rich text is joined, and phonetic hints are no part of it."""
    sheet = read_sheet(zipped(tmp_path / "t.xlsx", PARTS))

    assert (sheet.columns, sheet.rows) == (("label", "slide_id"), (("x", "0017"),))


@pytest.mark.parametrize(
    ("member", "old", "new"),
    [
        ("xl/workbook.xml", "<sheets>", "<shee"),
        ("xl/workbook.xml", "rId1", "rId2"),
        ("xl/worksheets/sheet1.xml", "</sheetData>", ""),
        ("xl/worksheets/sheet1.xml", "<v>1</v>", "<v>99</v>"),
        ("xl/worksheets/sheet1.xml", "<v>1</v>", "<v>y</v>"),
        ("xl/worksheets/sheet1.xml", f"<worksheet {MAIN}>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&d;'),
        ("xl/_rels/workbook.xml.rels", "sheet1", "sheet9"),
        ("[Content_Types].xml", "sheet.main+xml", "nothing+xml"),
    ],
)
def test_a_workbook_that_contradicts_itself_is_refused(
    tmp_path: Path, member: str, old: str, new: str
) -> None:
    """Broken XML, a text, sheet or part that is not there, an unknown entity: one line each."""
    parts = PARTS | {member: PARTS[member].replace(old, new)}
    assert parts != PARTS

    with pytest.raises(DatasetError, match=r"t\.xlsx: expected a whole XLSX file"):
        read_sheet(zipped(tmp_path / "t.xlsx", parts))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """300 MB of zeros are 300 kB of ZIP."""
    path = tmp_path / "t.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sharedStrings.xml", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))

    with pytest.raises(DatasetError, match=r"more than the 268435456 that are read"):
        read_sheet(path)


def test_without_openpyxl_the_line_to_type_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data set whose table cannot be read for want of a package is absent, and not broken."""
    path = tmp_path / "t.xlsx"
    book(path, {"Sheet": {"A1": "a"}})
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(MissingDataError, match=r"pip install 'milbench\[excel\]', or save"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", True),
        ("a.TSV.gz", True),
        ("a.xlsx", True),
        ("~$a.xlsx", False),  # beside a file that is open in Excel
        ("a.xls", False),
        ("a.h5", False),
    ],
)
def test_tables_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_table(Path(name)) is expected
