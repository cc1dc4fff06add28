"""colon: nuclei are cut where the files say, in an order that tells nothing of their class."""

import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry
from milbench_datasets.colon import FLAT, KINDS, OFFICIAL, crops

# x to the right and y down, of image 1; in image 2 an inflammatory nucleus only.
FIRST = {"epithelial": [(30.5, 9.0)], "fibroblast": [(5.2, 20.9), (4.0, 2.0)], "others": [(7, 2)]}
SECOND = {"inflammatory": [(1, 1)]}


def bags(name, data):
    """Return all bags of a data set."""
    return list(load_registry().find("dataset", f"milbench/{name}").record.load()(data))


def gradient():
    """Return a picture of 40 x 50 pixels: red is x, green y."""
    y, x = np.indices((40, 50))
    return np.stack([x, y, np.full_like(x, 9)], axis=2).astype(np.uint8)


def write_nuclei(folder, number, nuclei):
    """Write the four files of one image; those of no nucleus are empty, as the official ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        positions = np.array(nuclei.get(kind, np.zeros((0, 2))), dtype=float)
        savemat(folder / f"img{number}_{kind}.mat", {"detection": positions})


def write_official(data):
    """Write 100 images as the archive unpacks: the first and the second as above."""
    pillow = pytest.importorskip("PIL.Image", reason="pictures are read by Pillow")
    for number in range(1, 101):
        folder = data / OFFICIAL / f"img{number}"
        write_nuclei(folder, number, FIRST if number == 1 else SECOND)
        pillow.fromarray(gradient()).save(folder / f"img{number}.bmp")


@pytest.fixture
def official(tmp_path):
    write_official(tmp_path)
    return tmp_path


def test_bags_are_images_and_epithelium_is_positive(official):
    """Four nuclei in image 1, the epithelial one among them; one in each of the others."""
    first, second, *rest = bags("colon", official)

    assert (first.id, first.label, first.images.shape) == ("img1", 1, (4, 3, 27, 27))
    assert (second.id, second.label, second.images.shape) == ("img2", 0, (1, 3, 27, 27))
    assert len(rest) == 98


def test_nuclei_are_in_reading_order(official):
    """By rows, then columns, whatever their class; labels and positions go along."""
    bag = bags("colon", official)[0]

    assert bag.coords.tolist() == [[4, 2], [7, 2], [30.5, 9], [5.2, 20.9]]
    assert bag.instance_labels.tolist() == [0, 0, 1, 0]


def test_the_pixel_at_the_position_is_in_the_middle(official):
    """The pixel that holds the position: 30.5 lies in column 30, 20.9 in row 20."""
    middles = bags("colon", official)[0].images[:, :, 13, 13]

    assert middles.tolist() == [[4, 2, 9], [7, 2, 9], [30, 9, 9], [5, 20, 9]]


def test_borders_are_mirrored():
    """Left of column 0 comes column 1; a position on the far edge is in the last pixel."""
    corner, far = crops(gradient(), np.array([(0.0, 0.0), (50.0, 40.0)]))

    assert corner[0, 13].tolist() == [*range(13, 0, -1), *range(14)]
    assert far[0, 13].tolist() == [*range(36, 50), *range(48, 35, -1)]
    assert far[1, :, 13].tolist() == [*range(26, 40), *range(38, 25, -1)]


def test_both_layouts_give_the_same_bags(official, tmp_path_factory):
    """One folder of PNG files with an archive of the .mat files holds the same."""
    pillow = pytest.importorskip("PIL.Image", reason="pictures are read by Pillow")
    data = tmp_path_factory.mktemp("flat")
    data.joinpath(FLAT, "images").mkdir(parents=True)
    with zipfile.ZipFile(data / FLAT / "detection_mats.zip", "w") as archive:
        for folder in sorted((official / OFFICIAL).iterdir()):
            pillow.open(folder / f"{folder.name}.bmp").save(
                data / FLAT / "images" / f"{folder.name}.png"
            )
            for file in folder.glob("*.mat"):
                archive.write(file, f"{folder.name}/{file.name}")

    for one, other in zip(bags("colon", official), bags("colon", data), strict=True):
        assert (one.id, one.label) == (other.id, other.label)
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.instance_labels, other.instance_labels)


def test_positions_of_another_shape_are_refused(official):
    """With the file's name."""
    savemat(official / OFFICIAL / "img1" / "img1_others.mat", {"detection": np.zeros((2, 3))})

    with pytest.raises(DatasetError, match=r"img1_others\.mat: 'detection' has shape \(2, 3\)"):
        bags("colon", official)


def test_absent_files_are_named(tmp_path):
    """Both layouts, the licence and where to ask."""
    with pytest.raises(MissingDataError) as caught:
        bags("colon", tmp_path)
    message = str(caught.value)
    assert str(tmp_path / OFFICIAL) in message
    assert "detection_mats.zip" in message
    assert "no licence text known" in message
    assert "https://warwick.ac.uk" in message


def write_features(data, **changes):
    """Write features of five nuclei in two images, in the order of their class."""
    arrays = {
        "features": np.arange(10.0).reshape(5, 2),
        "bag": np.array([0, 0, 0, 1, 1]),
        "instance_class": np.array([0, 1, 3, 1, 2]),
        "bag_label": np.array([1, 0]),
    }
    path = data / FLAT / "bags_handcrafted.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})


def test_features_keep_their_nuclei(tmp_path):
    """Rows move with their labels; the bags are those of the file."""
    write_features(tmp_path)

    first, second = bags("colon-features", tmp_path)

    assert (first.id, first.label, second.id, second.label) == ("img1", 1, "img2", 0)
    rows = dict(zip(first.x[:, 0].tolist(), first.instance_labels.tolist(), strict=True))
    assert rows == {0.0: 1, 2.0: 0, 4.0: 0}
    assert sorted(second.x[:, 0].tolist()) == [6.0, 8.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bag": None}, "no arrays bag; found"),
        ({"bag": np.zeros(4)}, "5 rows of features, 4 of bag and 5 of instance_class"),
    ],
)
def test_features_that_do_not_fit_are_refused(tmp_path, changes, message):
    """The message names the arrays."""
    write_features(tmp_path, **changes)

    with pytest.raises(DatasetError, match=message):
        bags("colon-features", tmp_path)


@pytest.mark.data
def test_real_files(data_dir):
    """The published counts: 100 images, 51 with epithelium, 22,444 nuclei, 7,722 epithelial."""
    found, features = bags("colon", data_dir), bags("colon-features", data_dir)

    assert [len(found), sum(bag.label for bag in found)] == [100, 51]
    assert sum(len(bag.images) for bag in found) == 22_444
    assert sum(bag.instance_labels.sum() for bag in found) == 7_722
    assert [min(sizes := [len(bag.images) for bag in found]), max(sizes)] == [1, 796]
    for one, other in zip(found, features, strict=True):
        assert (one.id, one.label, len(one.images)) == (other.id, other.label, len(other.x))
        assert one.instance_labels.sum() == other.instance_labels.sum()


@pytest.mark.data
def test_crops_show_nuclei(data_dir):
    """A nucleus is darker than its surroundings: the middle 9 pixels against the outer ring."""
    middle, ring = [], []
    for bag in bags("colon", data_dir)[:20]:
        middle.append(bag.images[:, 0, 9:18, 9:18].mean())
        ring.append(np.concatenate([bag.images[:, 0, :3], bag.images[:, 0, -3:]], axis=1).mean())

    assert np.mean(middle) < np.mean(ring) - 10
