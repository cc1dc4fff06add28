"""The drawn slides are what their description says, and so are the tokens of random filters."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from milbench_datasets.catalogue import RECORDS
from milbench_datasets.ocean_toy import CLASSES, bags, draw, masks, texture
from milbench_encoders.random_tokens import DEVIATION, MEAN, RandomTokens

RECORD = next(record for record in RECORDS if record.name == "ocean-toy")


@pytest.fixture(scope="module")
def slides():
    return list(bags(None))


def test_patients_classes_and_cores(slides):
    """60 patients of two slides, one class a patient; 15 of the slides are cores."""
    assert len(slides) == 120
    assert Counter(bag.label for bag in slides) == dict.fromkeys(range(5), 24)
    assert len({(bag.patient, bag.label) for bag in slides}) == 60
    shapes = Counter(bag.picture.shape for bag in slides)
    assert shapes == {(256, 320, 3): 105, (96, 96, 3): 15}
    assert RECORD.classes == CLASSES


def test_masked_slides_are_of_other_patients(slides):
    """No id and no patient is shared, and no picture is."""
    masked = list(masks(None))

    known = {bag.id for bag in slides} | {bag.patient for bag in slides}
    assert len(masked) == 16
    assert not known & ({one.id for one in masked} | {one.patient for one in masked})
    pictures = {bag.picture.tobytes() for bag in slides}
    assert not pictures & {one.picture.tobytes() for one in masked}


def test_the_same_slides_on_every_call(slides):
    """Drawn from seeds."""
    assert np.array_equal(next(iter(bags(None))).picture, slides[0].picture)


def test_tumours_are_where_the_mask_says():
    """Inside, purple of (158, 96, 165) with texture; without that of glass, stroma and necrosis."""
    slide = draw(7, 3, 4)
    inside, outside = slide.pixels[slide.tumour], slide.pixels[~slide.tumour]

    # Of all colours only the tumour's has more blue than red, but for the glass.
    assert 0.03 < slide.tumour.mean() < 0.4
    assert np.abs(inside.mean(axis=0) - (158, 96, 165)).max() < 25
    assert outside.mean() > inside.mean() + 30


@pytest.mark.parametrize("label", range(5))
def test_textures_have_the_range_of_their_class(label):
    """Stripes swing about 0, spots are of one sign, squares are normal."""
    y, x = np.mgrid[:256, :320]
    drawn = texture(label, (y, x), np.random.default_rng(0))
    name = CLASSES[label]

    assert drawn.shape == (256, 320)
    values = sorted(set(drawn.ravel().tolist()))
    if name in ("CC", "LGSC"):
        assert values == ([0.0, 1.0] if name == "CC" else [-1.0, 0.0])
    elif name == "HGSC":
        assert abs(drawn.mean()) < 0.05
        assert abs(drawn.std() - 1) < 0.05
    else:
        assert (abs(drawn.mean()) < 0.05, drawn.max() <= 1.0, drawn.min() >= -1.0) == (True,) * 3


def test_tokens_by_another_way():
    """Filters applied by hand at every pixel: the mean of what is positive, token after token."""
    tiles = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    encode = RandomTokens()

    x = (tiles / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(DEVIATION, (3, 1, 1))
    patches = F.unfold(torch.from_numpy(x), 7, padding=3)  # (B, 3 * 49, 64)
    filters = encode._filters.double().reshape(16, -1)
    responses = (filters @ patches).clamp(min=0).reshape(2, 16, 4, 2, 4, 2).mean(dim=(3, 5))
    expected = responses.permute(0, 2, 3, 1).reshape(2, -1)  # places, then filters

    assert np.allclose(encode(tiles), expected.numpy(), atol=1e-4)
