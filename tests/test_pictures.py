"""A picture gives the pixels of a region, at the resolution that is asked for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from milbench import Box, Picture
from milbench.errors import DatasetError
from milbench.pictures import ArrayPicture, as_picture, resized


@pytest.fixture
def pixels():
    """Return a picture of 6 x 4 pixels, every value another one."""
    return np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def test_an_array_is_a_picture(pixels):
    """It has the interface that a reader of slides has too; width comes before height."""
    picture = as_picture(pixels)

    assert isinstance(picture, Picture)
    assert picture.size == (6, 4)
    assert as_picture(picture) is picture


def test_a_region_is_cut_where_it_lies(pixels):
    """Columns count from the left, rows from the top."""
    cut = ArrayPicture(pixels).read(Box(x=2, y=1, width=3, height=2))

    assert cut.tolist() == pixels[1:3, 2:5].tolist()


def test_a_region_is_resampled_as_torch_does(pixels):
    """Bilinear with antialiasing, rounded to the nearest value."""
    cut = ArrayPicture(pixels).read(Box(1, 0, 4, 4), size=(2, 3))

    image = torch.tensor(pixels[:, 1:5]).permute(2, 0, 1)[None].double()
    expected = F.interpolate(image, (3, 2), mode="bilinear", antialias=True)[0]
    assert cut.shape == (3, 2, 3)
    assert np.abs(cut - expected.permute(1, 2, 0).numpy()).max() <= 0.5 + 1e-4


def test_halving_is_a_weighted_mean():
    """A triangle of four pixels' width: weights 1, 3, 3, 1 of 8 inside, cut off at the border."""
    row = np.array([[0, 80, 160, 240]], dtype=np.uint8)[..., None]  # (1, 4, 1)

    # The left one sees pixels 0, 1, 2 with weights 3, 3, 1; the right one 1, 2, 3 with 1, 3, 3.
    assert resized(row, (2, 1)).ravel().tolist() == [round(400 / 7), round(1280 / 7)]


def test_a_thumbnail_keeps_the_shape(pixels):
    """Its longer side has the asked length."""
    assert ArrayPicture(pixels).thumbnail(3).shape == (2, 3, 3)


@pytest.mark.parametrize("box", [(-1, 0, 2, 2), (0, 3, 2, 2), (5, 0, 2, 2), (0, 0, 0, 2)])
def test_a_region_outside_is_refused(pixels, box):
    """Nothing is padded in silence; the error names the box and the picture."""
    with pytest.raises(DatasetError, match=r"leaves the picture of \(6, 4\)"):
        ArrayPicture(pixels).read(Box(*box))


@pytest.mark.parametrize(
    "given",
    [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3)), "slide.svs"],
)
def test_what_is_no_picture_is_refused(given):
    """The error says what was given and what was expected."""
    with pytest.raises(DatasetError, match=r"expected uint8 of shape \(H, W, 3\)"):
        as_picture(given)
