"""A table is read as text, whatever its delimiter, and each line that cannot be used is told."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench.errors import DatasetError
from milbench.own_data import OwnData
from milbench.tables.lines import Line, read_table

OWN = OwnData(name="x", bags="b", features="f")
ids = st.text("0123456789abcXYZ-_ .", min_size=1, max_size=12).filter(
    lambda text: text.strip() == text and text.strip(".") and not text.endswith(".")
)


def read(tmp_path, text, encoding="utf-8", **said):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding=encoding, newline="")
    return read_table(path, OWN.model_copy(update=said))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_marks_and_line_ends_make_no_difference(tmp_path, delimiter, encoding, end):
    rows = [
        ["slide_id", "case_id", "label"],
        ["001.svs", "0007", "0"],
        ["", "", ""],
        ["002", "0007", "1"],
    ]
    text = end.join(delimiter.join(row) for row in rows)

    table = read(tmp_path, text, encoding)

    assert table.lines == (Line(2, "001", "0", "0007"), Line(4, "002", "1", "0007"))
    assert table.left_out == ()


@given(names=st.lists(ids, min_size=1, max_size=6, unique=True), delimiter=st.sampled_from(",;\t"))
def test_ids_are_text_and_stay_as_they_are(tmp_path_factory, names, delimiter):
    """No id becomes a number, is rounded or loses a zero."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(
        [["slide_id", "patient", "label"], *([name, name, "a"] for name in names)]
    )

    table = read(tmp_path_factory.mktemp("table"), buffer.getvalue())

    assert [(line.slide, line.patient) for line in table.lines] == [(name, name) for name in names]


def reasons(table):
    return [
        (one.place.rpartition("labels.csv, ")[2], one.slide, one.reason) for one in table.left_out
    ]


def test_lines_that_cannot_be_used_are_told_together(tmp_path):
    """The other lines are used all the same."""
    text = (
        "slide_id,case_id,label,split\n"
        "a,p1,x,train\n"
        "b,p2,,train\n"
        "c,,x,train\n"
        "d,p4,x,sometimes\n"
        "../../e,p5,x,test\n"
        "f,p6,x\n"
        "a,p1,x,train\n"
        "g,p7,x,test\n"
        "g,p7,y,test\n"
    )

    table = read(tmp_path, text)

    assert [line.slide for line in table.lines] == ["a"]
    assert reasons(table) == [
        ("line 3", "b", "no label in column 'label'"),
        ("line 4", "c", "no patient in column 'case_id'"),
        ("line 5", "d", "part 'sometimes' in column 'split'; expected train, val or test"),
        ("line 6", "../../e", reasons(table)[3][2]),
        ("line 7", "f", "3 values for 4 columns; is a comma inside quoted?"),
        ("line 8", "a", "listed in line 2 already; counted once"),
        ("lines 9 and 10", "g", "listed twice, with label 'x' and 'y'; none is used"),
    ]
    assert "leads out of its folder" in reasons(table)[3][2]


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("Training", "train"),
        ("val", "val"),
        ("VALIDATION", "val"),
        ("dev", "val"),
        ("test", "test"),
    ],
)
def test_official_parts_have_several_names(tmp_path, said, part):
    assert read(tmp_path, f"slide,label,split\na,x,{said}\n").lines[0].part == part


@pytest.mark.parametrize(
    "text", ["", "\n\n", "slide_id,label\n", "slide_id,label\na,\n", "a\0b,c\n1,2\n"]
)
def test_a_table_without_a_label_is_refused(tmp_path, text):
    with pytest.raises(DatasetError, match=r"labels\.csv"):
        read(tmp_path, text)


def test_a_table_that_is_not_utf8_says_so(tmp_path):
    with pytest.raises(DatasetError, match="UTF-8"):
        read(tmp_path, "slide_id,label\n\xe9,a\n", "latin-1")


def test_empty_values_behind_a_line_are_no_fault(tmp_path):
    """Spreadsheets write them where a column once was."""
    assert read(tmp_path, "slide_id,label\na,x,,\n").lines == (Line(2, "a", "x"),)


def test_a_quoted_comma_is_part_of_its_value(tmp_path):
    assert read(tmp_path, 'slide_id,label\na,"x, or y"\n').lines[0].label == "x, or y"
