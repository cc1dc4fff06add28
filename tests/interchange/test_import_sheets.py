"""Tables in spreadsheets are imported as those of text are: STAMP's scripts take both."""

import sys
from pathlib import Path

import h5py
import numpy as np
import openpyxl
import pytest

from milbench.errors import MissingDataError
from milbench.interchange.feature_layouts import Asked, recognise
from milbench.interchange.labels import read_labels
from milbench.interchange.split_readers import read_split_files
from milbench.own_data import OwnData
from milbench.sheets.names import KNOWN
from milbench.tables.lines import Line, read_table


def saved(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize(("role", "name"), [(role, n) for role in KNOWN for n in KNOWN[role]])
def test_columns_that_own_data_finds_are_found_here(tmp_path: Path, role: str, name: str) -> None:
    """Under any of the field's names, written with capitals, blanks or hyphens."""
    names = {"slide": "slide", "patient": "patient", "label": "label", "site": "site"}
    names |= {role: name.replace("_", " ").title()}
    path = tmp_path / "t.csv"
    path.write_text(f"{','.join(names.values())}\n1.svs,p,x,h{',test' * (role == 'split')}\n")

    found = read_labels(path)

    assert (found.label, found.patient, found.site) == ({"1": "x"}, {"1": "p"}, {"1": "h"})
    if role == "split":
        assert read_split_files(path).folds[0].test == ("1.svs",)


@pytest.fixture
def stamp(tmp_path: Path) -> Path:
    """Write two slides as STAMP does, the clinical and the slide table as spreadsheets."""
    for slide in ("0012", "0034"):
        with h5py.File(tmp_path / f"{slide}.h5", "w") as file:
            file["feats"] = np.ones((1, 2), np.float32)
            file.attrs["stamp_version"] = "2.2.0"
    saved(tmp_path / "clini.xlsx", ("PATIENT", "isMSIH"), (7, "MSIH"), (8, "nonMSIH"))
    slides = ("PATIENT", "FILENAME"), ("7", "0012.h5"), ("8", "0034.h5")
    saved(tmp_path / "slide.xlsx", *slides)
    return tmp_path


def test_stamp_s_two_spreadsheets_are_joined(stamp: Path) -> None:
    """A patient who is a number in one table and text in the other is the same."""
    labels = recognise(stamp, Asked()).labels

    assert labels.label == {"0012": "MSIH", "0034": "nonMSIH"}
    assert labels.patient == {"0012": "7", "0034": "8"}


def test_what_keeps_a_spreadsheet_from_being_read_is_said(
    stamp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without openpyxl there are no labels, and the message says which line to type."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(MissingDataError, match=r"clini\.xlsx: .* pip install 'milbench\[excel\]'"):
        recognise(stamp, Asked())


def test_a_table_of_own_data_may_be_a_spreadsheet(tmp_path: Path) -> None:
    """Ids keep their zeros, an empty cell at the end is no broken line, blank rows are none."""
    rows = ("slide_id", "label", "site"), ("0017.svs", 1, "x"), (), ("17", "0", None)
    path = saved(tmp_path / "labels.xlsx", *rows)

    table = read_table(path, OwnData(name="x", bags="b", features="f"))

    assert table.lines == (Line(2, "0017", "1", site="x"), Line(4, "17", "0"))
    assert table.left_out == ()
