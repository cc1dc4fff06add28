"""Columns are found by the names the field uses, and never guessed where two may be meant."""

from pathlib import Path

import pytest

from milbench.errors import DatasetError
from milbench.own_data import OwnData
from milbench.tables.columns import Columns, find_columns

PATH = Path("labels.csv")


def found(heading, **said):
    return find_columns(heading, OwnData(name="x", bags="b", features="f", **said), PATH)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        (["case_id", "slide_id", "label"], Columns("slide_id", "label", "case_id")),
        (["PATIENT", "FILENAME", "class"], Columns("FILENAME", "class", "PATIENT")),
        (["patient", "slide", "category"], Columns("slide", "category", "patient")),
        (["Case", "ID", "Label", "Split"], Columns("ID", "Label", "Case", split="Split")),
        (
            ["image_id", "data_provider", "isup_grade", "gleason_score"],
            Columns("image_id", "isup_grade", site="data_provider"),
        ),
        (["bag_name", "target"], Columns("bag_name", "target")),
        (["slide_path", "label"], Columns("slide_path", "label")),
        (["Submitter ID", "Slide-Name", "y"], Columns("Slide-Name", "y", "Submitter ID")),
    ],
    ids=["CLAM", "STAMP", "slideflow", "MHIM", "PANDA", "torchmil", "MIL_BASELINE", "TCGA"],
)
def test_columns_of_the_fields_tables_are_known(heading, expected):
    """Headings as these tools write them, by their documentation; see docs/own-data.md."""
    assert found(heading) == expected


def test_two_candidates_are_an_error_that_says_what_to_write():
    with pytest.raises(DatasetError) as caught:
        found(["slide_id", "image_id", "label"])

    assert str(caught.value) == (
        "labels.csv, line 1: columns 'slide_id', 'image_id' may all be the slide; say which: "
        '--slide-column slide_id, or slide = "slide_id" in the suite'
    )


def test_a_column_that_is_named_is_taken_whatever_it_is_called():
    assert found(["slide_id", "image_id", "mut"], slide="image_id", label="mut") == Columns(
        "image_id", "mut"
    )


def test_empty_text_means_that_there_is_no_such_column():
    assert found(["slide_id", "case_id", "label"], patient="").patient == ""


def test_all_faults_of_a_heading_are_in_one_message():
    with pytest.raises(DatasetError) as caught:
        found(["slide_id", "image_id", "patient", "patient"], site="sit")

    message = str(caught.value)
    assert message.count("labels.csv, line 1") == 5
    for part in (
        "'patient' appear more than once",
        "may all be the slide",
        "no column is the label",
        "no column 'sit' for the site",
        "may all be the patient",
    ):
        assert part in message


def test_a_misspelt_column_gets_the_nearest_name():
    with pytest.raises(DatasetError, match="did you mean 'diagnosis'"):
        found(["slide_id", "diagnosis"], label="diagnosos")
