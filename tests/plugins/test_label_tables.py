"""Tables of labels: every cell is text, columns are found by name, a fault names its line."""

import gzip

import openpyxl
import pytest

from milbench.errors import DatasetError
from milbench_datasets.layouts.label_table import Columns, read_table, unique

SLIDES = Columns({"id": ("slide_id", "image id"), "label": ("label",)}, {"site": ("site",)})
PLAIN = "slide_id,label\n0017,1\n17,0\n"


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
        (b"slide_id,label\n\xff,1\n", r"as text in UTF-8"),
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


def test_a_spreadsheet_is_read_by_the_name_of_its_sheet(tmp_path):
    """With the numbers of its rows."""
    path = tmp_path / "labels.xlsx"
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Slides")
    for place, cell in {"A1": "label", "C1": "Image ID", "A2": 1, "C2": "0017", "A5": 0}.items():
        sheet[place] = cell
    sheet["C5"] = 1228
    book.save(path)

    rows = read_table(path, SLIDES, sheet="Slides")

    assert [(row.line, row["id"], row["label"]) for row in rows] == [
        (2, "0017", "1"),
        (5, "1228", "0"),
    ]
