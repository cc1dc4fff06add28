"""breakhis: pictures are found by their names, and one case never has two patients."""

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

OFFICIAL = "BreaKHis_v1/histology_slides/breast/{tree}/40X"
BENIGN = "SOB_B_A-14-22549AB-40-001.png"
OTHER_SLIDE = "SOB_B_TA-14-22549CD-40-002.png"
MALIGNANT = "SOB_M_DC-14-17614-40-014.png"
NEARER = "SOB_M_DC-14-17614-400-014.png"


def bags(zoom, data):
    """Return all bags of one magnification."""
    return bags_of(f"breakhis-{zoom}x", data)


def bags_of(name, data):
    found = load_registry().find("dataset", f"milbench/{name}").record.load()(data)
    return {bag.id: bag for bag in found}


def write(path, value):
    """Write a picture of 7 x 4 pixels of one colour."""
    pillow = pytest.importorskip("PIL.Image", reason="pictures are read by Pillow")
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow.fromarray(np.full((4, 7, 3), value, dtype=np.uint8)).save(path)


@pytest.fixture
def official(tmp_path):
    """Write the four pictures where the archive puts them."""
    trees = {
        BENIGN: "benign/SOB/adenosis/SOB_B_A_14-22549AB",
        OTHER_SLIDE: "benign/SOB/tubular_adenoma/SOB_B_TA_14-22549CD",
        MALIGNANT: "malignant/SOB/ductal_carcinoma/SOB_M_DC_14-17614",
        NEARER: "malignant/SOB/ductal_carcinoma/SOB_M_DC_14-17614",
    }
    for value, (name, tree) in enumerate(trees.items()):
        write(tmp_path / OFFICIAL.format(tree=tree) / name, value)
    return tmp_path


def test_names_say_label_patient_kind_and_magnification(official):
    """By the grammar of the names; slides of one case are one patient."""
    found = bags(40, official)

    assert {bag.id: (bag.label, bag.patient, bag.meta["kind"]) for bag in found.values()} == {
        BENIGN[:-4]: (0, "14-22549", "A"),
        OTHER_SLIDE[:-4]: (0, "14-22549", "TA"),
        MALIGNANT[:-4]: (1, "14-17614", "DC"),
    }
    assert list(bags(400, official)) == [NEARER[:-4]]


def test_all_magnifications_of_a_patient_are_one_group(official):
    """One data set has the pictures of every magnification, and a split divides patients."""
    patients = {name: bag.patient for name, bag in bags_of("breakhis", official).items()}

    assert len(patients) == 4
    assert patients[MALIGNANT[:-4]] == patients[NEARER[:-4]] == "14-17614"
    assert patients[BENIGN[:-4]] == patients[OTHER_SLIDE[:-4]] == "14-22549"


def test_the_eight_types_stand_below_two(official):
    """A, F, PT, TA, DC, LC, MC, PC: the first four are benign."""
    record = load_registry().find("dataset", "milbench/breakhis-types").record
    labels = {name: bag.label for name, bag in bags_of("breakhis-types", official).items()}

    assert [labels[name[:-4]] for name in (BENIGN, OTHER_SLIDE, MALIGNANT)] == [0, 3, 4]
    assert record.levels.parents == (0, 0, 0, 0, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("SOB_B_DC-14-17614-40-001.png", "type DC is not benign"),
        ("SOB_M_XX-14-17614-40-001.png", "type 'XX'; expected A, F, PT, TA, DC, LC, MC, PC"),
    ],
)
def test_a_type_that_the_label_contradicts_is_refused(tmp_path, name, fault):
    write(tmp_path / "breakhis" / name, 0)

    with pytest.raises(DatasetError, match=fault):
        bags(40, tmp_path)


def test_pictures_come_as_they_are(official):
    """Rows, columns and colours."""
    picture = bags(40, official)[MALIGNANT[:-4]].picture

    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, np.full((4, 7, 3), 2))


def test_folders_of_others_are_read_and_a_name_counts_once(tmp_path):
    """Pictures sorted into training and test folders are one set; other files are passed over."""
    write(tmp_path / "breakhis" / "train" / "0" / BENIGN, 1)
    write(tmp_path / "breakhis" / "test" / "0" / BENIGN, 1)
    write(tmp_path / "breakhis" / "test" / "1" / MALIGNANT, 1)
    write(tmp_path / "breakhis" / "test" / "1" / "SOB_M_DC-14-17614-40-014-copy.png", 1)

    found = bags(40, tmp_path)

    assert list(found) == [BENIGN[:-4], MALIGNANT[:-4]]
    assert {bag.part for bag in found.values()} == {""}


def test_absent_pictures_are_named(official):
    """What was looked for, where, and how to get it."""
    with pytest.raises(MissingDataError) as caught:
        bags(100, official)
    message = str(caught.value)
    assert "no picture at 100x, such as SOB_M_DC-14-17614-100-014.png" in message
    assert str(official / "breakhis") in message
    assert "unpack BreaKHis_v1.tar.gz" in message


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    """With its name."""
    path = tmp_path / "breakhis" / BENIGN
    write(path, 0)
    path.write_bytes(path.read_bytes()[:20])

    with pytest.raises(DatasetError, match=r"SOB_B_A-14-22549AB-40-001\.png: expected a picture"):
        bags(40, tmp_path)


@pytest.mark.data
def test_real_pictures(data_dir, tmp_path):
    """Eight real ones at 400x: half malignant, 700 x 460, two of them of one case."""
    tmp_path.joinpath("breakhis").symlink_to(data_dir / "breakhis_sample", target_is_directory=True)

    found = bags(400, tmp_path)

    assert sum(bag.label for bag in found.values()) == 4
    assert {bag.picture.shape for bag in found.values()} == {(460, 700, 3)}
    assert len({bag.patient for bag in found.values()}) == 7
