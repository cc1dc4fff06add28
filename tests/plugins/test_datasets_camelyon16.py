"""camelyon16: the official slides, labels, parts and sites; published lists; annotated tumours."""

import zipfile
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry
from milbench_datasets.camelyon16 import PARTLY_DRAWN

TRAINING = [f"normal_{n:03d}" for n in range(1, 161) if n != 86] + [
    f"tumor_{n:03d}" for n in range(1, 112)
]
TEST = [f"test_{n:03d}" for n in range(1, 131) if n != 49]
SQUARE = (
    '<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon" '
    'PartOfGroup="_0"><Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" '
    'X="10" Y="0"/><Coordinate Order="2" X="10" Y="10"/><Coordinate Order="3" X="0" Y="10"/>'
    "</Coordinates></Annotation></Annotations></ASAP_Annotations>"
)
BOXES = np.array([(4, 4, 2, 2), (40, 40, 2, 2)])  # in the square, and far from it


def bags(data, name="camelyon16"):
    """Return all bags of a data set by their ids."""
    found = load_registry().find("dataset", f"milbench/{name}").record.load()(data)
    return {bag.id: bag for bag in found}


def labels_of(bag):
    return bag.annotations.labels(BOXES).tolist()


@pytest.fixture
def official(tmp_path):
    """Touch every slide where the archive puts it; odd test slides have a tumour."""
    folder = tmp_path / "CAMELYON16"
    for name in [*TRAINING, "normal_086"]:
        touch(folder / "training" / name.split("_")[0] / f"{name}.tif")
    for name in [*TEST, "test_049"]:
        touch(folder / "testing" / "images" / f"{name}.tif")
    rows = [f"{name},{('Normal', 'Tumor')[int(name[-1]) % 2]},IDC,Macro" for name in TEST]
    folder.joinpath("testing", "reference.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_counts_parts_and_sites_are_the_published_ones(official):
    """270 and 129 slides, 159 and 111 of the training part; 170 are from Radboud."""
    found = bags(official).values()

    parts = Counter((bag.part, bag.label) for bag in found)
    assert parts["train", 0], parts["train", 1] == (159, 111)
    assert sum(bag.part == "test" for bag in found) == 129
    assert Counter(bag.site for bag in found) == {"radboud": 170, "utrecht": 100, "": 129}
    assert not {bag.id for bag in found} & {"normal_086", "test_049"}


def test_without_annotations_tiles_have_no_labels(official, caplog):
    """And it is said."""
    assert {bag.annotations for bag in bags(official).values()} == {None}
    assert "no lesion_annotations" in caplog.text


def test_annotations_label_tiles(official):
    """From folders and from archives; unknown where not every tumour is drawn, or no file is."""
    training = official / "CAMELYON16" / "training" / "lesion_annotations"
    training.mkdir()
    for name in ("tumor_001", "tumor_010"):
        training.joinpath(f"{name}.xml").write_text(SQUARE, encoding="utf-8")
    with zipfile.ZipFile(
        official / "CAMELYON16" / "testing" / "lesion_annotations.zip", "w"
    ) as archive:
        archive.writestr("Annotations/Test_001.xml", SQUARE)

    found = bags(official)

    assert labels_of(found["normal_001"]) == [0, 0]
    assert labels_of(found["tumor_001"]) == [1, 0]
    assert labels_of(found["tumor_010"]) == [1, -1]  # in the README's list
    assert labels_of(found["tumor_002"]) == [-1, -1]
    assert labels_of(found["test_001"]) == [1, 0]
    assert len(PARTLY_DRAWN) == 21


def test_a_slide_without_a_file_is_found_out_when_it_is_read(official):
    """The others go on: its bag is there, and its picture says which file is not."""
    (official / "CAMELYON16" / "training" / "tumor" / "tumor_007.tif").unlink()

    found = bags(official)

    with pytest.raises(DatasetError, match=r"tumor_007.*no such file"):
        assert found["tumor_007"].picture.size


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("test_002,Normal", "test_002,Maybe", r"reference\.csv, line 2: found 'test_002,Maybe"),
        ("test_002,Normal", "test_001,Normal", r"line 2: found 'test_001"),
        ("test_003,Tumor,IDC,Macro\n", "", r"1 slides are not in it, such as test_003"),
    ],
)
def test_faults_of_the_reference_are_named(official, old, new, fault):
    path = official / "CAMELYON16" / "testing" / "reference.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        bags(official)


def test_absent_slides_are_named(tmp_path):
    """The layout, the licence and the address."""
    with pytest.raises(MissingDataError) as caught:
        bags(tmp_path)
    assert "testing/reference.csv" in str(caught.value)
    assert "CC0" in str(caught.value)


def write_lists(data, **parts):
    folder = data / "CAMELYON16" / "lists" / "hnm"
    folder.mkdir(parents=True)
    for part in ("train", "val", "test"):
        lines = [f"/training/{name}/" for name in parts.get(part, [])]
        folder.joinpath(f"{part}_bags.txt").write_text("\n".join(lines), encoding="utf-8")


def test_a_list_gives_the_parts(official):
    """In place of the official ones; slides that are in no list are left out."""
    write_lists(official, train=["normal_001", "tumor_001"], val=["tumor_002"], test=["test_001"])

    found = bags(official, "camelyon16-hnm")

    assert {bag.id: bag.part for bag in found.values()} == {
        "normal_001": "train",
        "tumor_001": "train",
        "tumor_002": "val",
        "test_001": "test",
    }


@pytest.mark.parametrize(
    ("val", "fault"),
    [
        ("normal_086", r"val_bags\.txt, line 1: no slide 'normal_086'"),
        ("tumor_001", r"line 1: 'tumor_001' is in train already"),
    ],
)
def test_faults_of_a_list_are_named(official, val, fault):
    write_lists(official, train=["tumor_001"], val=[val], test=["test_001"])

    with pytest.raises(DatasetError, match=fault):
        bags(official, "camelyon16-hnm")


@pytest.fixture
def real(official, data_dir):
    """Take the real labels of the test slides, and the real lists."""
    files = data_dir / "labels_splits" / "camelyon16"
    known = pd.read_csv(files / "acmil_camelyon16.csv").set_index("slide_id")["label"]
    rows = [f"{name},{('Normal', 'Tumor')[known[name]]}" for name in TEST]
    folder = official / "CAMELYON16"
    folder.joinpath("testing", "reference.csv").write_text("\n".join(rows), encoding="utf-8")
    for part in ("train", "val", "test"):
        copied(files / f"hnm_{part}_bags.txt", folder / "lists" / "hnm" / f"{part}_bags.txt")
    copied(files / "transmil_fold0.csv", folder / "lists" / "transmil" / "fold0.csv")
    return official, files


def copied(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


@pytest.mark.data
def test_real_lists_divide_as_published(real):
    """216, 54 and 129 slides, of each class as many; 11 validation slides in common."""
    data, _ = real
    named = {name: bags(data, f"camelyon16-{name}").values() for name in ("hnm", "transmil")}

    for found in named.values():
        assert Counter((bag.part, bag.label) for bag in found) == {
            ("train", 0): 127,
            ("train", 1): 89,
            ("val", 0): 32,
            ("val", 1): 22,
            ("test", 0): 80,
            ("test", 1): 49,
        }
    first, second = ({bag.id for bag in found if bag.part == "val"} for found in named.values())
    assert len(first & second) == 11


@pytest.mark.data
def test_real_labels_and_sites_agree_with_others(real):
    """Labels with ACMIL's table, training sites with the hospitals that FLamby corrected.

    All but tumor_111: normal_086, which is from Radboud, until the owners renamed it.
    """
    data, files = real
    found = bags(data)
    labels = pd.read_csv(files / "acmil_camelyon16.csv").set_index("slide_id")["label"]
    flamby = pd.read_csv(files / "flamby_metadata.csv")
    hospitals = dict(zip(flamby["slide_name"].str[:-4], flamby["hospital_corrected"], strict=True))

    assert {name: bag.label for name, bag in found.items()} == labels.to_dict()
    sites = {name: bag.site for name, bag in found.items() if bag.part == "train"}
    theirs = {name: ("radboud", "utrecht")[int(hospitals[name])] for name in TRAINING}
    assert {name: site for name, site in sites.items() if site != theirs[name]} == {
        "tumor_111": "radboud"
    }


@pytest.mark.data
def test_a_source_with_another_label_is_found_out(real):
    """FLamby has test_114 as negative; TransMIL's list says it is a tumour, in its line."""
    data, files = real
    flamby = pd.read_csv(files / "flamby_labels.csv")
    path = data / "CAMELYON16" / "testing" / "reference.csv"
    rows = [
        f"{name.removesuffix('.tif.npy')},{'Tumor' if is_tumour else 'Normal'}"
        for name, is_tumour in zip(flamby["filenames"], flamby["tumor"], strict=True)
        if name.startswith("test")
    ]
    path.write_text("\n".join(rows), encoding="utf-8")

    with pytest.raises(DatasetError, match=r"'test_114' has label 1\.0, and 0 in the data set"):
        bags(data, "camelyon16-transmil")
