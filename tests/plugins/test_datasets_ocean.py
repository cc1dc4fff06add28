"""ubc-ocean: the competition's table, its images, thumbnails and masks."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry
from milbench_datasets.ubc_ocean import labels

HEADING = "image_id,label,image_width,image_height,is_tma\n"
TRAIN = HEADING + "4,HGSC,40,30,False\n0066,LGSC,40,30,False\n91,CC,8,8,True\n"


def record(name):
    return load_registry().find("dataset", f"milbench/{name}").record


def bags(name, data):
    return list(record(name).load()(data))


def write(path, pixels):
    """Write a picture (H, W, 3)."""
    pillow = pytest.importorskip("PIL.Image", reason="pictures are written by Pillow")
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def ocean(tmp_path):
    """Two slides with thumbnails, one of them masked, and a core."""
    folder = tmp_path / "UBC-OCEAN"
    for name, side in (("4", 30), ("0066", 30), ("91", 8)):
        write(folder / "train_images" / f"{name}.png", np.zeros((side, side, 3)))
    for value, name in enumerate(("4", "0066")):
        write(folder / "train_thumbnails" / f"{name}_thumbnail.png", np.full((3, 4, 3), value))
    folder.joinpath("train.csv").write_text(TRAIN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def masked(ocean):
    """Slide 0066 has a mask of 4 x 2: tumour, a blend, stroma, necrosis; nothing."""
    colours = [[(255, 0, 0), (200, 55, 0), (0, 255, 0), (0, 0, 255)], [(0, 0, 0)] * 4]
    folder = ocean / "ubc-ovarian-cancer-competition-supplemental-masks"
    write(folder / "0066.png", np.repeat(np.repeat(colours, 256, axis=0), 256, axis=1))
    return ocean


def test_images_are_slides_of_known_resolution(ocean):
    """Ids keep their zeros; a slide has 0.5 micrometres a pixel, a core 0.25; no patient."""
    found = bags("ubc-ocean", ocean)

    assert [(bag.id, bag.label, bag.meta["is_tma"], bag.picture.mpp) for bag in found] == [
        ("4", 2, "false", 0.5),
        ("0066", 3, "false", 0.5),
        ("91", 0, "true", 0.25),
    ]
    assert found[2].picture.size == (8, 8)
    assert not record("ubc-ocean").group_known


def test_a_tiled_image_is_preferred(ocean):
    """PNG is read as a whole, which a slide may be too large for."""
    (ocean / "UBC-OCEAN" / "train_images" / "4.tif").touch()

    assert [bag.picture.path.name for bag in bags("ubc-ocean", ocean)][:2] == ["4.tif", "0066.png"]


def test_a_mask_that_cannot_be_read_ends_it_all(masked):
    """It is not one slide that is left out: the tiler would be another."""
    folder = masked / "ubc-ovarian-cancer-competition-supplemental-masks"
    (folder / "0066.tif").write_bytes(b"no mask")  # preferred to the PNG

    with pytest.raises(DatasetError, match=r"0066\.tif") as caught:
        list(record("ubc-ocean-unmasked").load_masks()(masked))
    assert caught.type is DatasetError


def test_thumbnails_are_pictures_of_the_slides(ocean):
    """Cores have none."""
    found = bags("ubc-ocean-thumbnails", ocean)

    assert [(bag.id, bag.picture.shape, bag.picture.max()) for bag in found] == [
        ("4", (3, 4, 3), 0),
        ("0066", (3, 4, 3), 1),
    ]


def test_masked_slides_are_no_bags_where_masks_train_a_tiler(masked):
    """They are the masks of that data set; red is tumour, the rest is not."""
    own = record("ubc-ocean-unmasked")
    (mask,) = own.load_masks()(masked)

    assert [bag.id for bag in bags("ubc-ocean-unmasked", masked)] == ["4", "91"]
    assert (mask.id, mask.picture.shape, mask.mask.shape) == ("0066", (3, 4, 3), (512, 1024))
    assert mask.mask[128, 128::256].tolist() == [True, True, False, False]
    assert not mask.mask[384].any()
    assert len(bags("ubc-ocean", masked)) == 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("4,HGSC", "4,Other", r"train\.csv, line 2: label is 'Other'; expected one of CC, EC"),
        ("30,False\n91", "30,maybe\n91", r"line 3: is_tma is 'maybe'; expected True or False"),
        ("91,CC", "4,CC", r"line 4: id '4' stands in line 2 already"),
        ("is_tma", "core", r"line 1: no column is_tma; found image_id"),
    ],
)
def test_faults_of_the_table_name_the_line(ocean, old, new, fault):
    path = ocean / "UBC-OCEAN" / "train.csv"
    path.write_text(TRAIN.replace(old, new), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        bags("ubc-ocean", ocean)


@pytest.mark.parametrize(
    ("name", "gone", "gap"),
    [
        ("ubc-ocean", "train.csv", r"train\.csv in .*UBC-OCEAN"),
        ("ubc-ocean-thumbnails", "train_thumbnails/*.png", "thumbnails such as"),
        ("ubc-ocean-unmasked", "", r"\*\.png in .*supplemental-masks"),
    ],
)
def test_absent_files_are_named(ocean, name, gone, gap):
    for path in (ocean / "UBC-OCEAN").glob(gone) if gone else ():
        path.unlink()

    with pytest.raises(MissingDataError, match=f"{gap}.*no redistribution"):
        bags(name, ocean)


@pytest.mark.data
def test_real_ids_and_labels(data_dir, tmp_path):
    """A carrier's copy of the table, put in the official columns: 536 of 538 images, 25 cores."""
    real = pd.read_csv(data_dir / "labels_splits" / "ubc_ocean" / "label.csv", dtype=str)
    classes = {"0": "CC", "1": "EC", "2": "HGSC", "3": "MC", "4": "LGSC"}  # by the counts
    lines = [
        f"{row.file_name},{classes[row.label]},1,1,{row.is_tma == '1'}" for row in real.itertuples()
    ]
    path = tmp_path / "train.csv"
    path.write_text(HEADING + "\n".join(lines), encoding="utf-8")

    slides = list(labels(path))

    assert Counter(slide.label for slide in slides) == {0: 99, 1: 124, 2: 220, 3: 47, 4: 46}
    assert Counter(slide.mpp for slide in slides) == {0.5: 511, 0.25: 25}
