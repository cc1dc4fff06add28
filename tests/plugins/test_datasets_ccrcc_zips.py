"""cptac-ccrcc-zips: the archives of the Keras repository, as its notebooks unpack them."""

import io
import zipfile

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

pillow = pytest.importorskip("PIL.Image", reason="tiles are written by Pillow")
SOURCES = ("Train_500", "Validation_100", "Test_40_5")
TABLE = ",case,y_true\n0,1,0\n1,2,1\n"


def bags(data, count=5):
    name = f"milbench/cptac-ccrcc-zips-{count}"
    return list(load_registry().find("dataset", name).record.load()(data))


def tile(value):
    buffer = io.BytesIO()
    pillow.fromarray(np.full((8, 8, 3), value, np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def members(name, tiles=40, table=TABLE):
    """Return the files of one archive: two bags, whose tile n is of grey value 5 n."""
    pictures = {f"{name}/{case}/{n}.jpeg": tile(5 * n) for case in (2, 1) for n in range(tiles)}
    return pictures | {f"{name}/df.csv": table.encode()}


def pack(data, name, files):
    (data / "cptac-ccrcc").mkdir(exist_ok=True)
    with zipfile.ZipFile(data / "cptac-ccrcc" / f"{name}.zip", "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)


@pytest.fixture
def zips(tmp_path):
    for name in SOURCES:
        pack(tmp_path, name, members(name))
    return tmp_path


def test_bags_are_read_from_the_archives(zips):
    """Parts are the archives, labels those of df.csv, and slots in the order of numbers."""
    found = bags(zips)

    assert [(bag.id, bag.label, bag.part) for bag in found] == [
        ("Train_500-1", 0, "train"),
        ("Train_500-2", 1, "train"),
        ("Validation_100-1", 0, "val"),
        ("Validation_100-2", 1, "val"),
        ("Test_40_5-1", 0, "test"),
        ("Test_40_5-2", 1, "test"),
    ]
    assert found[0].images.shape == (40, 3, 8, 8)
    greys = found[0].images.mean(axis=(1, 2, 3))
    assert np.abs(greys - 5 * np.arange(40)).max() <= 1


def test_unpacked_archives_are_the_same_bags(zips):
    """As ``unzip`` leaves them, and with df.csv one folder up, where the notebooks move it."""
    packed = bags(zips)
    folder = zips / "cptac-ccrcc"
    for name in SOURCES:
        with zipfile.ZipFile(folder / f"{name}.zip") as archive:
            archive.extractall(folder / name if name == SOURCES[0] else folder)
        (folder / f"{name}.zip").unlink()
    moved = folder / SOURCES[0]
    (moved / SOURCES[0] / "df.csv").rename(moved / "df.csv")

    for before, after in zip(packed, bags(zips), strict=True):
        assert (before.id, before.label, before.part) == (after.id, after.label, after.part)
        assert (before.images == after.images).all()


def test_nobody_knows_the_patients(zips):
    """And no tile has a label; what is trained is the same for all four tests."""
    records = [
        load_registry().find("dataset", f"milbench/cptac-ccrcc-zips-{n}").record
        for n in (20, 10, 5, 1)
    ]

    assert not any(record.group_known for record in records)
    assert {record.trained_as for record in records} == {"cptac-ccrcc-zips"}
    assert {bag.instance_labels for bag in bags(zips)} == {None}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (members("Test_40_5", tiles=39), r"Test_40_5\.zip: bag 1 has 39 tiles; expected 40"),
        (members("Test_40_5", table=TABLE + "2,3,1\n"), r"bag 3 has no tiles \(1 such\)"),
        (members("Test_40_5", table=",case,y_true\n0,1,0\n"), r"bag 2 has no line in df\.csv"),
        (members("Test_40_5", table=TABLE + "2,2,1\n"), r"line 4: case '2', y_true '1'; expected"),
        (members("Test_40_5", table=",case,label\n0,1,0\n"), r"line 2: case '1', y_true ''"),
        ({"Test_40_5/1/1.jpeg": b"no"}, r"0 files are called df\.csv"),
        (members("Test_40_5") | {"Test_40_5/1/7.jpeg": b"no"}, r"7\.jpeg: expected a picture"),
    ],
)
def test_faults_of_an_archive_are_named(zips, files, fault):
    pack(zips, "Test_40_5", files)

    with pytest.raises(DatasetError, match=fault):
        bags(zips)


def test_a_damaged_archive_is_named(zips):
    (zips / "cptac-ccrcc" / "Train_500.zip").write_bytes(b"no archive")

    with pytest.raises(DatasetError, match=r"Train_500\.zip: no ZIP archive"):
        bags(zips)


def test_absent_archives_are_named(zips):
    """Those of this data set; another test needs another one."""
    with pytest.raises(MissingDataError, match=r"missing: Test_40_10\.zip in .*not published"):
        bags(zips, 10)
