"""Tissue is found, and tiles of a physical size are cut where it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from milbench import MilbenchError
from milbench.errors import DatasetError, SlideError
from milbench.pictures import ArrayPicture
from milbench_tilers.tissue import Tissue, grid_corners, tissue_shares
from milbench_tilers.tissue_mask import Segmentation, otsu, saturation, tissue_mask
from milbench_tilers.unet_boxes import UNetBoxes

GLASS, PINK = (240, 240, 240), (220, 80, 140)
# No smoothing, so that a mask is known by hand; pixels of one micrometre.
PLAIN = Segmentation(median=1, closing=1, piece=0.0, hole=0.0)


class Scanned(ArrayPicture):
    """A picture with a resolution."""

    def __init__(self, pixels, mpp):
        super().__init__(pixels)
        self.mpp = mpp


def drawing(height, width, *boxes):
    """Return glass with pink boxes of (top, bottom, left, right)."""
    pixels = np.full((height, width, 3), GLASS, np.uint8)
    for top, bottom, left, right in boxes:
        pixels[top:bottom, left:right] = PINK
    return pixels


def cut(pixels, slide=1.0, seed=0, **settings):
    """Return the tiles of a picture of ``slide`` micrometres per pixel."""
    chosen = {"tile_px": 4, "mpp": 1.0, "mask_mpp": 1.0, "segmentation": vars(PLAIN), **settings}
    return Tissue(**chosen)(Scanned(pixels, slide), np.random.default_rng(seed))


# Otsu and the mask.


def test_otsu_by_hand():
    """Of 0 0 1 | 8 9 the between-class variance is largest above 1: 0.6 * 0.4 * (8.5 - 1/3)^2."""
    assert otsu(np.array([[0, 0, 1, 8, 9]], np.uint8)) == 1


def test_otsu_of_one_value_is_zero():
    """Nothing is separated: all above 0 is one class, or none."""
    assert otsu(np.full((3, 3), 7, np.uint8)) == 0


@given(arrays.arrays(np.uint8, st.integers(2, 40)))
def test_otsu_is_the_best_of_all_thresholds(values):
    """No other threshold has a larger variance between the classes (eq. 14 of the paper)."""

    def between(threshold):
        low, high = values[values <= threshold], values[values > threshold]
        if not len(low) or not len(high):
            return 0.0
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 / len(values) ** 2

    assert between(otsu(values)) == pytest.approx(max(between(t) for t in range(256)), abs=1e-9)


def test_saturation_by_hand():
    """(high - low) / high of 255: greys 0, pure red 255, (200, 100, 150) a half."""
    pixels = np.array([[[0, 0, 0], [9, 9, 9], [255, 0, 0], [200, 100, 150]]], np.uint8)

    assert saturation(pixels).tolist() == [[0, 0, 255, 128]]


def test_small_holes_are_filled_and_small_pieces_dropped():
    """Below 16 square micrometres; at 2 micrometres a pixel these are 4 pixels."""
    pixels = drawing(20, 30, (4, 16, 4, 20), (2, 3, 25, 28), (17, 20, 25, 30))
    pixels[6:7, 6:9] = GLASS  # 3 pixels
    pixels[10:12, 10:12] = GLASS  # 4 pixels
    how = Segmentation(median=1, closing=1, piece=16.0, hole=16.0)

    expected = np.zeros((20, 30), bool)
    expected[4:16, 4:20] = True
    expected[10:12, 10:12] = False
    expected[17:20, 25:30] = True
    np.testing.assert_array_equal(tissue_mask(pixels, 2.0, how), expected)


def test_glass_at_the_border_is_no_hole():
    """A corner that the tissue cuts off stays glass, however small."""
    pixels = drawing(10, 10, (0, 10, 0, 10))
    pixels[0, :2] = GLASS

    assert not tissue_mask(pixels, 1.0, Segmentation(median=1, closing=1, hole=50.0))[0, :2].any()


@pytest.mark.parametrize("noise", [0, 3])
def test_an_empty_slide_has_no_tissue(noise):
    """Otsu would split the noise of glass; below a saturation of 8 nothing is tissue."""
    shift = np.random.default_rng(0).integers(-noise, noise + 1, (50, 50, 3))

    assert not tissue_mask((drawing(50, 50) + shift).astype(np.uint8), 16.0).any()


def test_the_published_settings_find_a_piece_on_noisy_glass():
    """A square of 40 x 40 pixels of 16 micrometres, but for corners that the median rounds."""
    shift = np.random.default_rng(0).integers(-6, 7, (80, 80, 3))
    pixels = (drawing(80, 80, (20, 60, 20, 60)) + shift).clip(0, 255).astype(np.uint8)
    expected = np.zeros((80, 80), bool)
    expected[20:60, 20:60] = True

    found = tissue_mask(pixels, 16.0)

    assert (found & expected).sum() / (found | expected).sum() > 0.97


# The grid.


@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), st.integers(1, 20), st.integers(1, 20))
def test_a_grid_holds_every_square_that_fits(size, side, step):
    """Row by row from the corner; one more column or row would leave the picture."""
    corners = grid_corners(size, side, step).tolist()

    fitting = [
        [x, y]
        for y in range(0, size[1], step)
        for x in range(0, size[0], step)
        if x + side <= size[0] and y + side <= size[1]
    ]
    assert corners == fitting


@given(
    arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_shares_are_means_of_the_mask(mask, scale, side):
    """Squares that lie on whole pixels of the mask have the mean of these."""
    height, width = mask.shape
    size = (width * scale, height * scale)
    corners = grid_corners(size, side * scale, scale)

    shares = tissue_shares(mask, size, corners, side * scale)

    for (x, y), share in zip(corners // scale, shares, strict=True):
        assert share == pytest.approx(mask[y : y + side, x : x + side].mean())


# Tiles.


def test_tiles_with_half_tissue_are_kept():
    """Eight of sixteen pixels are enough, seven are not; coordinates are x before y."""
    pixels = drawing(8, 12, (0, 4, 0, 2), (4, 8, 9, 12), (0, 1, 8, 12), (1, 2, 8, 11))
    tiles = cut(pixels)

    assert tiles.coords.tolist() == [[0, 0], [8, 4]]
    np.testing.assert_array_equal(tiles.images[:][1], pixels[4:8, 8:12].transpose(2, 0, 1))
    assert cut(pixels, tissue=7 / 16).coords.tolist() == [[0, 0], [8, 0], [8, 4]]


def test_a_share_of_zero_still_asks_for_tissue():
    """Glass alone is never a tile."""
    assert cut(drawing(8, 8, (0, 1, 0, 1)), tissue=0.0).coords.tolist() == [[0, 0]]


def test_the_size_of_a_tile_is_physical():
    """4 pixels of 1 micrometre are 16 of a quarter; each is the mean of 4 x 4."""
    pixels = np.repeat(np.repeat(drawing(8, 8, (0, 4, 4, 8)), 4, 0), 4, 1)
    tiles = cut(pixels, 0.25)

    assert tiles.coords.tolist() == [[16, 0]]
    assert tiles.images.shape == (1, 3, 4, 4)
    assert (tiles.images[:] == np.array(PINK).reshape(1, 3, 1, 1)).all()


def test_a_resolution_that_is_nearly_whole_is_not_resampled():
    """0.499 is meant to be a half: tiles are 256 pixels, and not 257 shrunk by next to nothing."""
    pixels = drawing(520, 520, (0, 520, 0, 520))
    tiles = cut(pixels, 0.499, tile_px=256, mpp=0.5)

    assert tiles.coords.tolist() == [[0, 0], [256, 0], [0, 256], [256, 256]]
    assert {box[2:] for box in tiles.images.boxes} == {(256, 256)}


def test_another_resolution_is_resampled():
    """Tiles of 4 pixels of 1 micrometre are 5 pixels of 0.8."""
    tiles = cut(drawing(10, 10, (0, 10, 0, 10)), 0.8)

    assert tiles.coords.tolist() == [[0, 0], [5, 0], [0, 5], [5, 5]]
    assert tiles.images.shape == (4, 3, 4, 4)


def test_tiles_overlap_by_pixels_of_theirs():
    """Two of four pixels: the next begins two micrometres on."""
    tiles = cut(drawing(6, 6, (0, 6, 0, 6)), overlap=2)

    assert tiles.coords.tolist() == [[0, 0], [2, 0], [0, 2], [2, 2]]


def test_a_limit_draws_from_all_and_keeps_the_order():
    """The same for the same bag, another for another; row by row as without it."""
    pixels = drawing(40, 40, (0, 40, 0, 40))
    every = cut(pixels).coords.tolist()
    first, again, other = (cut(pixels, seed=n, limit=20).coords.tolist() for n in (0, 0, 1))

    assert len(every) == 100
    assert len(first) == 20
    assert first == again != other
    assert [corner for corner in every if corner in first] == first
    assert cut(pixels, limit=100).coords.tolist() == every


def test_no_resolution_is_guessed():
    """The message names the setting; with it the picture is cut, and what it states wins."""
    pixels = drawing(8, 8, (0, 8, 0, 8))
    with pytest.raises(DatasetError, match="set slide_mpp of tiler 'tissue', or mpp where"):
        cut(pixels, None)

    assert len(cut(pixels, None, slide_mpp=0.5).coords) == 1
    assert len(cut(pixels, 1.0, slide_mpp=0.5).coords) == 4


def test_a_slide_that_is_coarser_than_the_tiles_is_left_out():
    """What was not scanned is not made up."""
    with pytest.raises(SlideError, match="2 micrometres per pixel are coarser than the 1 "):
        cut(drawing(8, 8, (0, 8, 0, 8)), 2.0)


def test_a_slide_without_tissue_is_left_out():
    """The message says how many tiles there would have been."""
    with pytest.raises(SlideError, match=r"no tissue: none of the 4 tiles .* share of 0\.5"):
        cut(drawing(8, 8))


@pytest.mark.parametrize(
    "settings",
    [
        {"tile_px": 0},
        {"mpp": 0.0},
        {"overlap": 4},
        {"overlap": -1},
        {"tissue": 1.1},
        {"limit": 0},
        {"slide_mpp": -0.5},
        {"mask_mpp": 0.0},
        {"segmentation": {"otsu": True}},
    ],
)
def test_impossible_settings_are_named(settings):
    """Before any slide is read."""
    with pytest.raises(MilbenchError, match=next(iter(settings))):
        Tissue(**{"tile_px": 4, **settings})


def test_the_region_proposal_takes_slides(tmp_path):
    """U-Net boxes are cut from a slide file as from an array."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("openslide")
    from milbench import Slide  # noqa: PLC0415

    pixels = drawing(96, 128, (20, 60, 30, 90))
    tifffile.imwrite(
        tmp_path / "a.tiff", pixels, photometric="rgb", tile=(16, 16), compression="zlib"
    )
    tiler = UNetBoxes(count=2, size=32, unet={"width": 4, "thumbnail": 64})
    slide, picture = Slide(tmp_path / "a.tiff"), ArrayPicture(pixels)

    ours, theirs = (tiler(one, np.random.default_rng(0)) for one in (slide, picture))

    np.testing.assert_array_equal(ours.images, theirs.images)
    np.testing.assert_array_equal(tiler.mask(slide), tiler.mask(picture))
    slide.close()
