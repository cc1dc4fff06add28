"""Tables of other tools are read as text, whatever their delimiter, mark and compression."""

import gzip
from pathlib import Path

import pytest

from milbench.errors import DatasetError
from milbench.sheets.sheet import read_head, read_sheet

ROWS = (("007", "a b"), ("8", ""))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_delimiter_and_mark_are_found_out(tmp_path: Path, delimiter: str, mark: str) -> None:
    """Leading zeros stay, and spaces around a cell go."""
    path = tmp_path / "t.csv"
    path.write_text(f"slide{delimiter} label\n007{delimiter}a b\n8{delimiter}\n", encoding=mark)

    sheet = read_sheet(path)

    assert (sheet.columns, sheet.rows, sheet.lines) == (("slide", "label"), ROWS, (2, 3))
    assert read_head(path).columns == sheet.columns


def test_a_packed_table_is_read(tmp_path: Path) -> None:
    """TITAN's tables come as .csv.gz."""
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"slide,label\n007,a b\n8\n"))

    assert read_sheet(path).rows == ROWS
    assert read_head(path).columns == ("slide", "label")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", r"expected a table with a line of column names"),
        ("t.csv", b"\xff\xfe\x00", r"cannot be read as text"),
        ("t.csv.gz", gzip.compress(b"a,b\n" * 99)[:-20], r"cannot be read as text"),
        ("t.xls", b"\xd0\xcf", r"a spreadsheet; save it as CSV or XLSX"),
        ("t.csv", b'a,b\n1,"2\n', r"line 2: not a table: .* is a quote open"),
        ("t.csv", b"a\0b,c\n", r"no table of text"),
        ("absent/t.csv", None, r"no such file"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    """The message names the file, and the line where there is one."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DatasetError, match=rf"{name}.*{message}"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2,3\n", "line 2: 3 cells, but 2 columns"),
        ("a,b,a\n1,2,3\n", "line 1: column 'a' is there twice"),
    ],
)
def test_a_table_that_must_be_whole_is_refused_where_it_is_not(
    tmp_path: Path, content: str, message: str
) -> None:
    """A cut cell, or a column that is hidden by another, changes what a line says."""
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DatasetError, match=rf"t\.csv, {message}"):
        read_sheet(path).whole()


def test_lines_of_another_length_are_counted(tmp_path: Path) -> None:
    """Filled and cut to the heading; empty cells at the end of a line are no cells."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1\n1,2,3\n1,2,,\n1,\n", encoding="utf-8")

    sheet = read_sheet(path)

    assert sheet.rows == (("1", ""), ("1", "2"), ("1", "2"), ("1", ""))
    assert sheet.ragged == {2: 1, 3: 3}


def test_looking_at_a_file_that_is_no_table_finds_no_columns(tmp_path: Path) -> None:
    """Recognising goes over every file of a folder and must not fail at one."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00")

    assert read_head(path).columns == ()
