"""amil28: the middle of a picture in squares, as A-MIL cuts it."""

import numpy as np
import pytest

from milbench import MilbenchError
from milbench.errors import DatasetError
from milbench.pictures import ArrayPicture
from milbench_tilers.centred_grid import CentredGrid


def picture(width, height):
    """Return a picture whose red is x, green y (both modulo 256) and blue 7."""
    y, x = np.indices((height, width))
    return ArrayPicture(np.stack([x % 256, y % 256, np.full_like(x, 7)], axis=2).astype(np.uint8))


def test_published_grid_of_a_breakhis_picture():
    """400 squares of 28 pixels from the middle 448 of 460 rows, row by row."""
    tiles = CentredGrid()(picture(700, 460), None)

    assert tiles.images.shape == (400, 3, 28, 28)
    assert tiles.grid == (16, 25)
    assert tiles.coords[0].tolist() == [0, 6]
    assert tiles.coords[1].tolist() == [28, 6]
    assert tiles.coords[25].tolist() == [0, 34]
    assert tiles.coords[-1].tolist() == [672, 426]


def test_each_square_is_what_lies_at_its_corner():
    """Pixels, by the corner that is told for them."""
    whole = picture(11, 8)

    tiles = CentredGrid(px=3, rows=2, columns=3)(whole, None)

    assert tiles.coords.tolist() == [[1, 1], [4, 1], [7, 1], [1, 4], [4, 4], [7, 4]]
    for image, (left, top) in zip(tiles.images, tiles.coords, strict=True):
        np.testing.assert_array_equal(image[0], np.tile(np.arange(left, left + 3), (3, 1)))
        np.testing.assert_array_equal(image[1], np.tile(np.arange(top, top + 3), (3, 1)).T)
        assert (image[2] == 7).all()


def test_as_many_as_fit():
    """54 x 73 squares of a BACH picture."""
    tiles = CentredGrid(rows=0, columns=0)(picture(2048, 1536), None)

    assert tiles.grid == (54, 73)
    assert tiles.coords[0].tolist() == [2, 12]


@pytest.mark.parametrize(
    ("settings", "size"), [({}, (699, 460)), ({}, (700, 447)), ({"rows": 0, "columns": 0}, (27, 9))]
)
def test_a_picture_that_is_too_small_is_refused(settings, size):
    """The message names its size and a way out."""
    with pytest.raises(DatasetError, match=f"{size[0]} x {size[1]} holds no .*set rows"):
        CentredGrid(**settings)(picture(*size), None)


@pytest.mark.parametrize("settings", [{"px": 0}, {"rows": -1}, {"columns": -2}])
def test_impossible_settings_are_refused(settings):
    """Before any picture is cut."""
    with pytest.raises(MilbenchError, match="expected a square of 1 pixel or more"):
        CentredGrid(**settings)
