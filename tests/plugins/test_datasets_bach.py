"""bach: four kinds of pictures in the fixed parts that share no patient."""

from collections import Counter

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError, SlideError
from milbench.registry import load_registry

KINDS = {"b": "Benign", "is": "InSitu", "iv": "Invasive", "n": "Normal"}
# eva's ranges as DATASETS of its authors have them: positions in the list of all files, sorted by
# kind and number (Benign, InSitu, Invasive, Normal), end excluded.
VALIDATION = [(41, 59), (60, 90), (139, 169), (240, 258), (260, 273), (345, 368)]


OWN = "bach-patients"
NAMES = [f"{prefix}{number:03d}" for prefix in ("n", "b", "is", "iv") for number in range(1, 101)]


def bags(data, name="bach"):
    return list(load_registry().find("dataset", f"milbench/{name}").record.load()(data))


def path_of(data, name):
    kind = KINDS[name.rstrip("0123456789")]
    return data / "ICIAR2018_BACH_Challenge" / "Photos" / kind / f"{name}.tif"


@pytest.fixture
def bach(tmp_path):
    """Write 400 pictures of 3 x 2 pixels where the archive puts them."""
    pillow = pytest.importorskip("PIL.Image", reason="pictures are written by Pillow")
    for kind in KINDS.values():
        (tmp_path / "ICIAR2018_BACH_Challenge" / "Photos" / kind).mkdir(parents=True)
    picture = pillow.fromarray(np.full((2, 3, 3), 9, np.uint8))
    for prefix in KINDS:
        for number in range(1, 101):
            picture.save(path_of(tmp_path, f"{prefix}{number:03d}"))
    return tmp_path


def test_counts_and_labels(bach):
    """100 of each kind: Normal 0, Benign 1, InSitu 2, Invasive 3; two of them are carcinoma."""
    found = bags(bach)
    record = load_registry().find("dataset", "milbench/bach").record

    assert Counter(bag.label for bag in found) == {0: 100, 1: 100, 2: 100, 3: 100}
    assert {bag.id: bag.label for bag in found}["is007"] == 2
    assert record.levels.parents == (0, 0, 1, 1)
    assert found[0].picture.shape == (2, 3, 3)


def test_parts_are_those_of_the_published_split(bach):
    """The 132 positions of eva's validation part, counted in its order of files."""
    names = sorted(f"{KINDS[p]}/{p}{n:03d}" for p in KINDS for n in range(1, 101))
    expected = {names[i].split("/")[1] for start, end in VALIDATION for i in range(start, end)}

    parts = {bag.id: bag.part for bag in bags(bach)}

    assert {name for name, part in parts.items() if part == "test"} == expected
    assert Counter(parts.values()) == {"train": 268, "test": 132}


def test_an_absent_picture_is_found_out_when_it_is_read(bach):
    """The other 399 go on."""
    path_of(bach, "iv100").unlink()

    found = bags(bach)

    assert len(found) == 400
    with pytest.raises(SlideError, match=r"iv100\.tif: no such file"):
        assert found[-1].picture.size


def test_absent_pictures_are_named(tmp_path):
    """All of them, with the licence."""
    with pytest.raises(MissingDataError, match=r"400 pictures \(n001.*CC BY-NC-ND 4\.0"):
        bags(tmp_path)


def patients_of(data, lines):
    path = data / "ICIAR2018_BACH_Challenge" / "patients.csv"
    path.write_text("image,patient\n" + "\n".join(lines), encoding="utf-8")


def test_a_list_of_patients_keeps_them_together(bach):
    """A data set of its own, whose patients are known; names with or without their ending."""
    patients_of(bach, [f"{name}.tif,p{n // 4}" for n, name in enumerate(NAMES)])

    found = bags(bach, "bach-patients")

    assert [bag.patient for bag in found[:5]] == ["p0"] * 4 + ["p1"]
    assert [bag.part for bag in found] == [bag.part for bag in bags(bach)]
    records = [load_registry().find("dataset", f"milbench/{n}").record for n in ("bach", OWN)]
    assert [record.group_known for record in records] == [False, True]
    assert len({record.cohort for record in records}) == 1


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["n001,p1"], r"picture 'b001' has no line \(399 such\)"),
        ([*(f"{n},p" for n in NAMES), "t001,p"], r"picture 't001' is none of n001 to iv100"),
        (["n001,p1", "n001,p2"], r"line 3: id 'n001' stands in line 2 already"),
    ],
)
def test_a_list_that_is_not_of_these_pictures_is_refused(bach, lines, fault):
    patients_of(bach, lines)

    with pytest.raises(DatasetError, match=fault):
        bags(bach, "bach-patients")


def test_bach_patients_needs_the_list(bach):
    with pytest.raises(MissingDataError, match=r"patients\.csv with the columns image and patient"):
        bags(bach, "bach-patients")


def test_a_picture_in_the_folder_of_another_kind_is_refused(bach):
    path_of(bach, "b003").rename(path_of(bach, "n003").with_name("b003.tif"))

    with pytest.raises(DatasetError, match=r"b003\.tif: lies in the folder 'Normal'; expected"):
        bags(bach)
