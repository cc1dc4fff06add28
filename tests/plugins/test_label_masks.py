"""Masks of slides label tiles: PANDA's codes, which differ between its providers."""

import numpy as np
import pytest

from milbench.errors import SlideError
from milbench.features import cached_features
from milbench.registry import load_registry
from milbench.view import View
from milbench_datasets.layouts.label_mask import LabelMask
from milbench_datasets.panda import CANCER

tifffile = pytest.importorskip("tifffile", reason="masks are written with tifffile")
SIDE = 16  # pixels of a tile of the file, the smallest that TIFF allows
# The middle of a tile is the pixel (8, 8) from its corner.
BOXES = np.array([(16 * column, 0, 16, 16) for column in range(6)])


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        pixels,
        tile=(SIDE, SIDE),
        photometric="rgb",
        compression="deflate",
        metadata=None,
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )


def codes(values):
    """Return a mask of six squares in a row; the other channels hold what is no code."""
    pixels = np.full((SIDE, 6 * SIDE, 3), 7, np.uint8)
    pixels[:, :, 0] = np.repeat(values, SIDE)
    return pixels


def mask(tmp_path, provider, values):
    slide, path = tmp_path / "slide.tiff", tmp_path / "mask.tiff"
    write(slide, np.full((SIDE, 6 * SIDE, 3), 200, np.uint8))
    write(path, codes(values))
    return LabelMask(path, slide, CANCER[provider])


@pytest.mark.parametrize(
    ("provider", "values", "expected"),
    [
        ("radboud", [0, 1, 2, 3, 4, 5], [-1, 0, 0, 1, 1, 1]),
        ("karolinska", [0, 1, 2, 2, 1, 0], [-1, 0, 1, 1, 0, -1]),
    ],
)
def test_each_provider_has_codes_of_its_own(tmp_path, provider, values, expected):
    """By the data page of the competition: what is 2 of one is benign, and cancer of the other."""
    assert mask(tmp_path, provider, values).labels(BOXES).tolist() == expected


def test_the_pixel_in_the_middle_decides(tmp_path):
    """A tile across two squares is labelled by the one that holds its middle."""
    between = np.array([(7, 0, 16, 16), (8, 0, 16, 16)])

    assert mask(tmp_path, "karolinska", [1, 2, 0, 0, 0, 0]).labels(between).tolist() == [0, 1]


def test_a_code_of_the_other_provider_is_refused(tmp_path):
    """With the pixel, and the codes that there are."""
    with pytest.raises(SlideError, match=r"pixel \(24, 8\): code 4; expected one of 0, 1, 2"):
        mask(tmp_path, "karolinska", [1, 4, 0, 0, 0, 0]).labels(BOXES)


def test_a_mask_of_another_size_is_refused(tmp_path):
    """Its pixels would be those of other tissue."""
    found = mask(tmp_path, "radboud", [0] * 6)
    write(found.path, np.zeros((SIDE, SIDE, 3), np.uint8))

    with pytest.raises(SlideError, match=r"\(16, 16\) pixels, and the slide has \(96, 16\)"):
        found.labels(BOXES)


BIOPSIES = (
    ("a", "radboud", 4),
    ("b", "radboud", None),
    ("c", "karolinska", 2),
    ("d", "karolinska", None),
)


@pytest.fixture
def panda(tmp_path):
    """Two biopsies of each provider; one of each has a mask of cancer."""
    root = tmp_path / "prostate-cancer-grade-assessment"
    rows = ["image_id,data_provider,isup_grade,gleason_score"]
    for grade, (name, provider, code) in enumerate(BIOPSIES):
        write(root / "train_images" / f"{name}.tiff", np.full((SIDE, 6 * SIDE, 3), 90, np.uint8))
        if code is not None:
            write(root / "train_label_masks" / f"{name}_mask.tiff", codes([code] * 6))
        rows.append(f"{name},{provider},{grade},4+3")
    (root / "train.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def labels(data):
    read = load_registry().find("dataset", "milbench/panda").record.load()
    return {
        bag.id: None if bag.annotations is None else set(bag.annotations.labels(BOXES).tolist())
        for bag in read(data)
    }


def test_masks_of_panda_label_its_tiles(panda):
    """Of a biopsy without one, among others that have one, every tile is unknown."""
    assert labels(panda) == {"a": {1}, "b": {-1}, "c": {1}, "d": {-1}}


def test_labels_of_tiles_are_stored_with_their_features(panda, tmp_path):
    """Six tiles a biopsy; the unknown ones of a biopsy without a mask too."""
    registry = load_registry()
    view = View(
        registry.find("encoder", "milbench/colour-texture").record,
        registry.find("tiler", "milbench/grid").record,
        {"px": SIDE},
    )
    dataset = registry.find("dataset", "milbench/panda").record

    stored = cached_features(dataset, view, data=panda, cache=tmp_path / "cache")

    assert stored.instance_labels.tolist() == [1] * 6 + [-1] * 6 + [1] * 6 + [-1] * 6


def test_without_any_mask_tiles_have_no_labels(panda):
    """As where nobody downloaded them."""
    masks = panda / "prostate-cancer-grade-assessment" / "train_label_masks"
    masks.rename(panda / "elsewhere")

    assert labels(panda) == dict.fromkeys("abcd")
