"""Tables of other tools are read as text, whatever their delimiter, mark and compression."""

import gzip
from pathlib import Path

import pytest

from milbench.errors import DatasetError
from milbench.interchange.sheet import read_head, read_sheet

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
        ("t.csv", b"a,b\n1,2,3\n", r"line 2: 3 cells, but 2 columns"),
        ("t.csv", b"a,b,a\n1,2,3\n", r"line 1: column 'a' is there twice"),
        ("t.csv", b"", r"expected a table with a line of column names"),
        ("t.csv", b"\xff\xfe\x00", r"cannot be read as text"),
        ("t.csv.gz", gzip.compress(b"a,b\n" * 99)[:-20], r"cannot be read as text"),
        ("t.xlsx", b"PK", r"a spreadsheet; save it as CSV"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    """The message names the file, and the line where there is one."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=rf"{name}.*{message}"):
        read_sheet(path)


def test_looking_at_a_file_that_is_no_table_finds_no_columns(tmp_path: Path) -> None:
    """Recognising goes over every file of a folder and must not fail at one."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00")

    assert read_head(path).columns == ()
