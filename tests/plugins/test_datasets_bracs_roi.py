"""bracs-roi: regions in the official folders, with the patient of their slide."""

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

SHEET = (
    "WSI Filename,Patient Id,RoI,WSI label,Set\n"
    "BRACS_264,7,2,PB,Training\nBRACS_265,7,1,IC,Training\nBRACS_9,4,1,IC,Testing\n"
)
REGIONS = (
    "train/1_PB/BRACS_264_PB_1",
    "train/0_N/BRACS_264_N_5",
    "train/6_IC/BRACS_265_IC_1",
    "test/6_IC/BRACS_9_IC_1",
)


def record():
    return load_registry().find("dataset", "milbench/bracs-roi").record


def bags(data):
    return list(record().load()(data))


def add(data, region):
    pillow = pytest.importorskip("PIL.Image", reason="pictures are written by Pillow")
    path = data / "BRACS" / "BRACS_RoI" / "latest_version" / f"{region}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow.fromarray(np.full((4, 6, 3), 9, np.uint8)).save(path)
    return path


@pytest.fixture
def rois(tmp_path):
    """Four regions of three slides of two patients, and an older version beside them."""
    for region in REGIONS:
        add(tmp_path, region)
    tmp_path.joinpath("BRACS", "BRACS.csv").write_text(SHEET, encoding="utf-8")
    older = tmp_path / "BRACS" / "BRACS_RoI" / "previous_version" / "train" / "0_N"
    older.mkdir(parents=True)
    older.joinpath("BRACS_264_N_5.png").touch()
    return tmp_path


def test_a_region_is_of_its_slides_patient(rois):
    """Type and part are those of its folder: a region may show another type than its slide."""
    found = [(bag.id, bag.patient, bag.label, bag.part) for bag in bags(rois)]

    assert found == [
        ("BRACS_264_N_5", "7", 0, "train"),
        ("BRACS_264_PB_1", "7", 1, "train"),
        ("BRACS_265_IC_1", "7", 6, "train"),
        ("BRACS_9_IC_1", "4", 6, "test"),
    ]


def test_regions_share_classes_and_cohort_with_the_slides(rois):
    """And their pictures are of 0.25 micrometres a pixel."""
    slides = load_registry().find("dataset", "milbench/bracs").record

    assert (record().classes, record().levels) == (slides.classes, slides.levels)
    assert record().cohort == slides.cohort
    assert record().group_known
    first = bags(rois)[0].picture
    assert (first.size, first.mpp) == ((6, 4), 0.25)


@pytest.mark.parametrize(
    ("region", "fault"),
    [
        ("train/1_PB/BRACS_264_N_6", r"N_6\.png: a region of type N among PB; get it again"),
        ("train/2_PB/BRACS_264_PB_6", r"a region of type PB among PB"),
        ("train/0_N/BRACS_264_6", r"expected a name such as BRACS_264_N_5\.png"),
        ("train/0_N/BRACS_266_N_1", r"its slide BRACS_266 is not in BRACS\.csv"),
        ("test/0_N/BRACS_264_N_5", r"region 'BRACS_264_N_5' is there twice: .*train.*test"),
    ],
)
def test_a_region_that_contradicts_its_place_is_refused(rois, region, fault):
    add(rois, region)

    with pytest.raises(DatasetError, match=fault):
        bags(rois)


@pytest.mark.parametrize("gone", ["BRACS.csv", "BRACS_RoI"])
def test_absent_regions_and_sheet_are_named(rois, gone):
    """Without the sheet nobody knows the patients."""
    (rois / "BRACS" / gone).rename(rois / "elsewhere")

    with pytest.raises(MissingDataError, match=r"BRACS\.xlsx, or pictures below .*CC BY-NC 4\.0"):
        bags(rois)
