"""bracs: labels, patients and parts from the official spreadsheet, compared with the folders."""

from collections import Counter

import openpyxl
import pandas as pd
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

HEADING = "WSI Filename,Patient Id,RoI,WSI label,Set\n"
SHEET = HEADING + "BRACS_10,7,0,PB,Training\nBRACS_9,7,3,ADH,Training\nBRACS_8.svs,4,1,IC,Testing\n"


def record(name):
    return load_registry().find("dataset", f"milbench/{name}").record


def bags(name, data):
    return list(record(name).load()(data))


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def bracs(tmp_path):
    """Three slides of two patients in the official folders, and the sheet saved as CSV."""
    tmp_path.joinpath("BRACS").mkdir()
    tmp_path.joinpath("BRACS", "BRACS.csv").write_text(SHEET, encoding="utf-8")
    for place in (
        "train/Group_BT/Type_PB/BRACS_10",
        "train/Group_AT/Type_ADH/BRACS_9",
        "test/Group_MT/Type_IC/BRACS_8",
    ):
        touch(tmp_path / "BRACS" / "BRACS_WSI" / f"{place}.svs")
    return tmp_path


def test_bracs_takes_patients_from_the_sheet(bracs):
    """In the order of the sheet; types are positions in N, PB, UDH, FEA, ADH, DCIS, IC."""
    found = [(bag.id, bag.patient, bag.label, bag.part) for bag in bags("bracs", bracs)]

    assert found == [
        ("BRACS_10", "7", 1, "train"),
        ("BRACS_9", "7", 4, "train"),
        ("BRACS_8", "4", 6, "test"),
    ]
    assert record("bracs").levels.parents == (0, 0, 0, 1, 1, 2, 2)


def test_the_spreadsheet_itself_is_read(bracs):
    """Its second sheet; numbers are text, so patient 7 is the patient 7 of the CSV."""
    folder = bracs / "BRACS"
    expected = [(bag.id, bag.patient, bag.label, bag.part) for bag in bags("bracs", bracs)]
    write_xlsx(folder / "BRACS.xlsx", [line.split(",") for line in SHEET.splitlines()])
    (folder / "BRACS.csv").unlink()

    found = [(bag.id, bag.patient, bag.label, bag.part) for bag in bags("bracs", bracs)]

    assert found == expected


def write_xlsx(path, rows):
    """Write a workbook of an empty sheet and WSI_Information, numbers as numbers."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("WSI_Information")
    for row in rows:
        sheet.append([int(cell) if cell.isdecimal() else cell for cell in row])
    book.save(path)


def test_bracs_needs_the_sheet(bracs):
    """Without it nobody knows the patients."""
    (bracs / "BRACS" / "BRACS.csv").unlink()

    with pytest.raises(MissingDataError, match=r"BRACS\.xlsx.*CC BY-NC 4\.0"):
        bags("bracs", bracs)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("ADH,Training", "DCIS,Training", r"BRACS_9\.svs: lies among train ADH, and BRACS\.csv"),
        ("PB,Training", "PB,Testing", r"lies among train PB, and BRACS\.csv has it as test PB"),
        ("PB,Training", "PD,Training", r"BRACS\.csv, line 2: label is 'PD'; expected one of N"),
        ("PB,Training", "PB,Holdout", r"line 2: Set is 'Holdout'"),
        ("BRACS_9,7", "BRACS_9,", r"line 3: no patient"),
        ("BRACS_9,7", "BRACS_10,7", r"line 3: id 'BRACS_10' stands in line 2 already"),
    ],
)
def test_bracs_compares_sheet_and_folders(bracs, old, new, fault):
    path = bracs / "BRACS" / "BRACS.csv"
    path.write_text(SHEET.replace(old, new), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        bags("bracs", bracs)


def test_what_lies_beside_a_slide_is_no_second_one(bracs):
    """Annotations of QuPath, or a thumbnail, under the slide's name."""
    folder = bracs / "BRACS" / "BRACS_WSI" / "train" / "Group_BT" / "Type_PB"
    touch(folder / "BRACS_10.qpdata")
    touch(folder / "BRACS_10.png")

    first, *_ = bags("bracs", bracs)

    assert first.picture.path == folder / "BRACS_10.svs"


def test_a_slide_of_bracs_that_is_there_twice_is_refused(bracs):
    touch(bracs / "BRACS" / "BRACS_WSI" / "val" / "Group_MT" / "Type_IC" / "BRACS_10.svs")

    with pytest.raises(DatasetError, match=r"slide 'BRACS_10' is there twice: .*train.*val"):
        bags("bracs", bracs)


@pytest.mark.data
def test_real_folders_of_bracs(tmp_path, data_dir):
    """547 slides, in parts of 395, 65 and 87; patients of the sheet are not public."""
    table = pd.read_csv(data_dir / "labels_splits" / "bracs" / "acmil_bracs.csv")
    rows = []
    for path in table["full_path"].str.partition("/BRACS_WSI/")[2]:
        part, _, kind, name = path.split("/")
        touch(tmp_path / "BRACS" / "BRACS_WSI" / path)
        rows.append(f"{name},p{len(rows)},0,{kind.removeprefix('Type_')},{part}")
    content = HEADING + "\n".join(rows)
    tmp_path.joinpath("BRACS", "BRACS.csv").write_text(content, encoding="utf-8")

    found = bags("bracs", tmp_path)

    assert Counter(bag.part for bag in found) == {"train": 395, "val": 65, "test": 87}
    counts = Counter(bag.label for bag in found)
    assert [counts[label] for label in range(7)] == [44, 147, 74, 41, 48, 61, 132]
