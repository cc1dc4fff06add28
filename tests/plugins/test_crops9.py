"""Boxes of hand-made masks, and crops by hand, as the UBC-OCEAN notebook makes them."""

import numpy as np
import pytest

from milbench import Box, MilbenchError
from milbench.pictures import ArrayPicture
from milbench_datasets.ocean_toy import masks
from milbench_tilers.boxes import boxes_of, proposals
from milbench_tilers.crops9 import Crops9
from milbench_tilers.unet_boxes import UNetBoxes, at_level_0

TINY = {"width": 2, "epochs": 1, "thumbnail": 64}


def drawn(text):
    """Return a mask from rows of dots and crosses."""
    return np.array([[c == "x" for c in row] for row in text.split()])


FIVE = drawn(
    """
    x.........xx
    ..........xx
    ...xxx....xx
    ...xxx......
    ............
    xxxx......x.
    xxxx.....x..
    """
)
# Areas 1, 6, 6, 8 and, by its corners, 2 x 2.
BOXES_OF_FIVE = [
    Box(0, 5, 4, 2),
    Box(10, 0, 2, 3),
    Box(3, 2, 3, 2),
    Box(9, 5, 2, 2),
    Box(0, 0, 1, 1),
]


def test_five_regions_from_the_largest_to_the_smallest():
    """Pixels that touch at a corner are one region; of one area the first comes first."""
    assert boxes_of(FIVE) == BOXES_OF_FIVE


def test_an_island_in_a_hole_belongs_to_what_surrounds_it():
    """External contours only, as the notebook asks for."""
    ring = drawn("xxxxx x...x x.x.x x...x xxxxx")

    assert boxes_of(ring) == [Box(0, 0, 5, 5)]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (drawn("... ..."), [Box(0, 0, 3, 2)] * 3),
        (drawn("... .x."), [Box(1, 1, 1, 1)] * 3),
        (drawn("x.xx x..."), [Box(0, 0, 1, 2), Box(2, 0, 2, 1), Box(0, 0, 1, 2)]),
        (FIVE, BOXES_OF_FIVE[:3]),
    ],
)
def test_there_are_always_three(mask, expected):
    """Of no region the whole mask; of fewer than three the largest again; of more the largest."""
    assert proposals(mask, 3) == expected


class Scripted:
    """A generator that gives numbers of a list, and notes what it was asked for."""

    def __init__(self, values):
        self.values, self.asked = list(values), []

    def integers(self, low, high, *, endpoint):
        assert endpoint
        self.asked.append((low, high))
        return self.values.pop(0)


def test_a_crop_by_hand():
    """Scale 2; of five places the best by tissue is kept, and of equals the later one."""
    mask = np.zeros((40, 50), np.bool_)
    mask[10:20, 20:40] = True  # box x 20, y 10, 20 wide, 10 high
    picture = ArrayPicture(np.zeros((80, 100, 3), np.uint8))
    places = [
        (40, 20),  # clipped to nothing: the square reaches x 50, y 30; no tissue
        (25, 12),  # rows 12 to 19 of 10, all columns: 8 of 10 rows
        (30, 12),  # the same share, later
        (38, 10),  # two of ten columns
        (20, 20),  # none
    ]
    generator = Scripted(number for place in places for number in place)
    tiler = Crops9(sides=[21], boxes=1, size=10, unet=TINY)

    crops = tiler.crops(picture, mask, generator)

    # 21 / 2 is 10 pixels of the mask and 20 of the picture.
    assert crops == [Box(60, 24, 20, 20)]
    assert generator.asked == [(20, 40), (10, 20)] * 5


def test_places_are_clipped_to_the_mask():
    """A square that would leave the mask is moved inside before its tissue is counted."""
    mask = np.ones((40, 50), np.bool_)
    picture = ArrayPicture(np.zeros((40, 50, 3), np.uint8))
    tiler = Crops9(sides=[30], attempts=1, boxes=1, size=10, unet=TINY)

    assert tiler.crops(picture, mask, Scripted([50, 40])) == [Box(20, 10, 30, 30)]


def test_nine_crops_by_box_and_side():
    """Published sides, in the published order, for each of three boxes; scale is a mean of two."""
    mask = np.zeros((64, 100), np.bool_)
    mask[4:20, 4:20] = mask[40:48, 60:90] = mask[30, 5] = True
    picture = ArrayPicture(np.broadcast_to(np.uint8(0), (6000, 10_000, 3)))
    tiler = Crops9(unet=TINY)

    crops = tiler.crops(picture, mask, np.random.default_rng(0))

    scale = (10_000 / 100 + 6000 / 64) / 2  # 96.875
    sides = [int(int(side / scale) * scale) for side in (2000, 1500, 1750)]
    assert sides == [1937, 1453, 1743]
    assert [crop.width for crop in crops] == sides * 3
    assert all(c.x + c.width <= 10_000 and c.y + c.height <= 6000 for c in crops)


@pytest.fixture(scope="module")
def toy():
    """Return the tiler, with a network that has hardly learned."""
    tiler = Crops9(sides=(40, 30, 35), whole_below=128, size=32, unet=TINY)
    tiler.fit(tuple(masks(None))[:3])
    return tiler


@pytest.mark.parametrize(("side", "count"), [(127, 1), (128, 9)])
def test_small_pictures_are_not_cut(toy, side, count):
    """A core of a tissue microarray is one instance, the whole of it."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, side, 3), dtype=np.uint8)

    tiles = toy(ArrayPicture(pixels), np.random.default_rng(0))

    assert tiles.images.shape == (count, 3, 32, 32)
    assert tiles.grid is None


def test_published_settings_are_the_defaults():
    """Pictures below 6000 pixels are cores; crops become 512 pixels; five attempts."""
    tiler = Crops9(unet=TINY)

    assert (tiler._whole_below, tiler._size, tiler._attempts) == (6000, 512, 5)


def test_the_same_generator_gives_the_same_crops(toy):
    """And another one others."""
    picture = ArrayPicture(next(iter(masks(None))).picture)

    first, same, other = (toy(picture, np.random.default_rng(seed)) for seed in (0, 0, 1))

    assert np.array_equal(first.images, same.images)
    assert np.array_equal(first.coords, same.coords)
    assert not np.array_equal(first.coords, other.coords)


def test_boxes_as_instances():
    """Each is resampled to a square, whatever its shape."""
    tiler = UNetBoxes(count=2, size=16, unet=TINY)
    examples = tuple(masks(None))[:3]
    tiler.fit(examples)

    tiles = tiler(ArrayPicture(examples[0].picture), np.random.default_rng(0))

    assert tiles.images.shape == (2, 3, 16, 16)


def test_a_box_of_a_mask_in_the_picture_by_hand():
    """Each axis has its own scale here, so that a box covers what its mask did."""
    assert at_level_0(Box(1, 2, 3, 4), (10, 20), (50, 30)) == Box(2, 6, 8, 12)


@pytest.mark.parametrize(
    "settings", [{"sides": []}, {"sides": [0]}, {"attempts": 0}, {"boxes": 0}, {"size": 0}]
)
def test_impossible_settings_are_refused(settings):
    """Before anything is trained."""
    with pytest.raises(MilbenchError, match="crops9: sides"):
        Crops9(**settings, unet=TINY)
