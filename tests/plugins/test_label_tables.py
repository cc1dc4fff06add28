"""Tables of labels: every cell is text, columns are found by name, a fault names its line."""

import gzip
import zipfile
from xml.sax.saxutils import escape

import pytest

from milbench.errors import DatasetError
from milbench_datasets.layouts.label_table import Columns, read_table, unique

SLIDES = Columns({"id": ("slide_id", "image id"), "label": ("label",)}, {"site": ("site",)})
PLAIN = "slide_id,label\n0017,1\n17,0\n"

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    "{rows}</sheetData></worksheet>"
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="First" sheetId="1" r:id="rId1"/><sheet name="Slides" sheetId="2" r:id="rId2"/>'
    "</sheets></workbook>"
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>'
)
STRINGS = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<si><t>label</t></si><si><r><t>sli</t></r><r><t>de_id</t></r></si></sst>"
)


def read(path):
    """Return the cells of a table, line by line."""
    return [(row.line, row["id"], row["label"], row["site"]) for row in read_table(path, SLIDES)]


def write(tmp_path, text, name="labels.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        'Slide ID, LABEL \n"0017",1\n\n17,0\n',
        "label,other,slide-id\n1,x,0017\n0,y,17\n",
    ],
)
def test_forms_of_one_table_are_the_same(tmp_path, content):
    """Separators, line ends, byte-order mark, quotes, blanks, capitals, and order of columns."""
    rows = read(write(tmp_path, content))

    assert [row[1:] for row in rows] == [("0017", "1", ""), ("17", "0", "")]


def test_gzipped_tables_are_read(tmp_path):
    """Unpacked in the memory."""
    path = write(tmp_path, gzip.compress(PLAIN.encode()), "labels.csv.gz")

    assert read(path) == [(2, "0017", "1", ""), (3, "17", "0", "")]


def test_an_optional_column_may_have_gaps(tmp_path):
    """It is empty text where a line has none."""
    path = write(tmp_path, "slide_id,label,site\na,0,x\nb,1\n")

    assert [row[3] for row in read(path)] == ["x", ""]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("slide,label\na,1\n", r"line 1: no column slide_id or image id; found slide, label"),
        ("slide_id,image_id,label\na,b,1\n", r"columns 'slide_id' and 'image_id' both give the id"),
        ("slide_id,label\na,1\nb,\n", r"line 3: no label"),
        ("slide_id,label\na,1\nb\n", r"line 3: no label"),
        ("slide_id,label\n", r"expected a heading and lines below it"),
        (b"slide_id,label\n\xff,1\n", r"expected text in UTF-8"),
        ('slide_id,label\n"a,1\n', r"line 2: not a table"),
    ],
)
def test_faults_name_the_line(tmp_path, content, fault):
    with pytest.raises(DatasetError, match=fault):
        read(write(tmp_path, content))


def test_an_id_that_is_there_twice_is_refused(tmp_path):
    """With both lines."""
    path = write(tmp_path, "slide_id,label\na,1\nb,0\na,1\n")

    with pytest.raises(DatasetError, match=r"line 4: id 'a' stands in line 2 already"):
        unique(read_table(path, SLIDES))


def write_xlsx(path, rows, **members):
    """Write a workbook whose second sheet, ``Slides``, has the given rows."""
    content = {
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/sharedStrings.xml": STRINGS,
        "xl/worksheets/sheet1.xml": SHEET.format(rows="<row><c><v>1</v></c></row>"),
        "xl/worksheets/sheet2.xml": SHEET.format(rows=rows),
    } | members
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            if text:
                archive.writestr(name, text)


HEADING = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'


def test_a_spreadsheet_is_read_by_the_name_of_its_sheet(tmp_path):
    """Shared, rich and inline text, numbers as written, and gaps between columns and rows."""
    path = tmp_path / "labels.xlsx"
    body = (
        '<row r="2"><c r="A2"><v>1</v></c><c r="C2" t="inlineStr"><is><t>0017</t></is></c></row>'
        '<row r="3"/><row r="5"><c r="A5" t="str"><v>0</v></c><c r="C5"><v>1228</v></c></row>'
    )
    write_xlsx(path, HEADING + body)

    rows = read_table(path, SLIDES, sheet="Slides")

    assert [(row.line, row["id"], row["label"]) for row in rows] == [
        (2, "0017", "1"),
        (5, "1228", "0"),
    ]


def test_columns_beyond_z_are_counted(tmp_path):
    """AB is the 28th column."""
    path = tmp_path / "labels.xlsx"
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    rows = "".join(
        f'<row r="{n}">{cell.format(f"A{n}", a)}{cell.format(f"AB{n}", escape(b))}</row>'
        for n, a, b in [(1, "slide_id", "label"), (2, "a & b".replace("&", "&amp;"), "1")]
    )
    write_xlsx(path, rows)

    (row,) = read_table(path, SLIDES, sheet="Slides")

    assert (row["id"], row["label"]) == ("a & b", "1")


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"xl/workbook.xml": ""}, "expected a whole XLSX file"),
        ({"xl/sharedStrings.xml": ""}, r"cell A1: text number '0' is not there"),
        ({"xl/worksheets/sheet2.xml": "<worksheet"}, "expected XML"),
        (
            {"xl/worksheets/sheet2.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'},
            "declares a document type",
        ),
    ],
)
def test_damaged_spreadsheets_are_refused(tmp_path, members, fault):
    path = tmp_path / "labels.xlsx"
    write_xlsx(path, HEADING, **members)

    with pytest.raises(DatasetError, match=fault):
        read_table(path, SLIDES, sheet="Slides")


def test_a_file_that_is_no_spreadsheet_is_refused(tmp_path):
    """Saved as CSV it would have been read."""
    with pytest.raises(DatasetError, match=r"labels\.xlsx: expected a whole XLSX file"):
        read(write(tmp_path, PLAIN, "labels.xlsx"))
