"""The tilers that need nothing but a picture: the whole of it, and a grid."""

import numpy as np
import pytest

from milbench import MilbenchError
from milbench.errors import DatasetError
from milbench.pictures import ArrayPicture
from milbench_tilers.grid import Grid
from milbench_tilers.whole import Whole


@pytest.fixture
def pixels():
    """Return a picture of 7 columns and 5 rows."""
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def cut(tiler, pixels):
    return tiler(ArrayPicture(pixels), np.random.default_rng(0))


def test_the_whole_picture_is_one_instance(pixels):
    """Pixels are unchanged, colours come first."""
    tiles = cut(Whole(), pixels)

    assert tiles.images.tolist() == pixels.transpose(2, 0, 1)[None].tolist()
    assert tiles.coords.tolist() == [[0, 0]]
    assert tiles.grid == (1, 1)


def test_the_whole_picture_is_resized(pixels):
    """``size`` is width and height."""
    assert cut(Whole(size=[3, 2]), pixels).images.shape == (1, 3, 2, 3)


def test_a_grid_goes_row_by_row_and_drops_the_border(pixels):
    """Seven columns hold three squares of two, five rows hold two; a column and a row are left."""
    tiles = cut(Grid(px=2), pixels)

    assert tiles.grid == (2, 3)
    assert tiles.coords.tolist() == [[0, 0], [2, 0], [4, 0], [0, 2], [2, 2], [4, 2]]
    for image, (x, y) in zip(tiles.images, tiles.coords, strict=True):
        assert image.tolist() == pixels[y : y + 2, x : x + 2].transpose(2, 0, 1).tolist()


def test_squares_may_overlap(pixels):
    """A stride of one in five rows and seven columns: squares of four start at 2 x 4 places."""
    tiles = cut(Grid(px=4, stride=1), pixels)

    assert tiles.grid == (2, 4)
    assert tiles.coords[-1].tolist() == [3, 1]


def test_a_picture_smaller_than_a_square_is_refused(pixels):
    """A bag without instances is none."""
    with pytest.raises(DatasetError, match=r"7 x 5 holds no square of 6"):
        cut(Grid(px=6), pixels)


@pytest.mark.parametrize("build", [lambda: Grid(px=0), lambda: Grid(stride=0)])
def test_impossible_grids_are_refused(build):
    """Before anything is cut."""
    with pytest.raises(MilbenchError, match="grid: px is"):
        build()


@pytest.mark.parametrize("size", [[3], [0, 2]])
def test_impossible_sizes_are_refused(size):
    """Before anything is cut."""
    with pytest.raises(MilbenchError, match=r"whole: size is"):
        Whole(size=size)
