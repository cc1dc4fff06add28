"""A slide file is a picture, whichever library reads it."""

import pickle
import sys
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from milbench import Box, DatasetError, MissingDataError, Picture, Slide, SlideError
from milbench.slides.levels import best_level, read_region
from milbench.slides.openslide_reader import open_slide
from milbench.slides.reader import open_reader, plausible_mpp
from milbench.slides.tiff_reader import open_tiff

READERS = {"openslide": open_slide, "tifffile": open_tiff}


@pytest.fixture(params=READERS)
def opened(request):
    """Return what opens a slide, each of the two libraries in turn."""
    return READERS[request.param]


def read_whole(opened, path):
    with closing(opened(path) or open_reader(path)) as reader:
        for level, size in enumerate(reader.levels):
            reader.read(level, (0, 0), size)


def test_a_region_is_read_exactly(pyramid, counted):
    """At level 0 the pixels are those that were written, at the place that was asked for."""
    slide = Slide(pyramid("a.tiff", counted))

    assert isinstance(slide, Picture)
    assert slide.size == (96, 64)
    assert slide.mpp == pytest.approx(0.5)
    np.testing.assert_array_equal(slide.read(Box(10, 20, 30, 5)), counted[20:25, 10:40])
    slide.close()


def test_a_coarse_region_comes_from_the_level_that_fits(pyramid, counted):
    """At half the size these are the pixels of level 1, with no resampling."""
    slide = Slide(pyramid("a.tiff", counted))

    found = slide.read(Box(16, 32, 64, 32), (32, 16))

    np.testing.assert_array_equal(found, counted[32:64:2, 16:80:2])


def test_both_libraries_read_the_same(opened, pyramid, counted):
    """Levels, resolution, and a region that crosses the borders of tiles, at both levels."""
    reader = opened(pyramid("a.tiff", counted))

    assert reader.levels == ((96, 64), (48, 32))
    assert reader.mpp == pytest.approx(0.5)
    np.testing.assert_array_equal(reader.read(0, (13, 15), (40, 20)), counted[15:35, 13:53])
    np.testing.assert_array_equal(reader.read(1, (6, 10), (20, 18)), counted[10:46:2, 6:46:2])
    reader.close()


def test_both_libraries_take_strips(opened, tmp_path, counted, tifffile):
    """A TIFF without tiles is one level of strips; tifffile reads it where OpenSlide does not."""
    tifffile.imwrite(tmp_path / "strips.tif", counted, photometric="rgb", rowsperstrip=5)
    reader = opened(tmp_path / "strips.tif")

    if reader is None:
        reader = open_reader(tmp_path / "strips.tif")
    np.testing.assert_array_equal(reader.read(0, (90, 3), (6, 13)), counted[3:16, 90:96])
    reader.close()


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_small_images_are_slides_of_one_level(tmp_path, counted, name):
    """They state no resolution, whatever their header says."""
    Image.fromarray(counted).save(tmp_path / name, dpi=(25_400, 25_400))
    slide = Slide(tmp_path / name)

    assert slide.mpp is None
    np.testing.assert_array_equal(slide.read(Box(1, 2, 3, 4)), counted[2:6, 1:4])


def test_what_the_data_set_says_wins(pyramid, counted):
    """``mpp`` of the data set corrects the file, and stands in where there is none."""
    assert Slide(pyramid("a.tiff", counted), mpp=0.25).mpp == 0.25
    assert Slide(pyramid("b.tiff", counted, mpp=None)).mpp is None


@pytest.mark.parametrize("mpp", [25_400 / 72, 25_400 / 96, 25_400 / 300, 25_400 / 1200, 0.0])
def test_a_resolution_of_print_is_none(mpp, tmp_path):
    """72 dots per inch is what writers of pictures state when they know nothing."""
    assert plausible_mpp((mpp, mpp), tmp_path) is None


def test_pixels_that_are_no_squares_are_refused(tmp_path):
    """One number could not say how large they are."""
    with pytest.raises(SlideError, match=r"states 0\.25 and 0\.5 micrometres"):
        plausible_mpp((0.25, 0.5), tmp_path)


def test_a_slide_travels_as_its_path(pyramid, counted):
    """An open slide is pickled without its file, and reads the same elsewhere."""
    slide = Slide(pyramid("a.tiff", counted), mpp=0.3)
    slide.read(Box(0, 0, 1, 1))

    sent = pickle.loads(pickle.dumps(slide))  # noqa: S301  # our own

    assert (sent.path, sent.mpp) == (slide.path, 0.3)
    np.testing.assert_array_equal(sent.read(Box(5, 5, 4, 4)), counted[5:9, 5:9])


def test_listing_slides_opens_nothing(tmp_path):
    """A slide that is not there is told when it is read, not when it is named."""
    slide = Slide(tmp_path / "none.svs")

    with pytest.raises(SlideError, match=r"none\.svs: no such file"):
        _ = slide.size


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 0, 97, 1), (0, 60, 4, 5), (0, 0, 0, 4)])
def test_a_box_outside_is_refused(pyramid, counted, box):
    """An instance that is partly no slide would be made up."""
    slide = Slide(pyramid("a.tiff", counted))

    with pytest.raises(DatasetError, match=r"leaves the slide of \(96, 64\)"):
        slide.read(Box(*box))


@pytest.mark.parametrize(
    ("asked", "level"), [(1.0, 0), (1.9, 0), (1.99, 1), (2.0, 1), (3.9, 1), (4.0, 2), (0.5, 0)]
)
def test_no_level_is_enlarged(asked, level):
    """The level is the coarsest that is fine enough; sizes of levels are rounded."""
    levels = ((1001, 999), (500, 499), (250, 249))

    assert best_level(levels, Box(0, 0, round(200 * asked), 1000), (200, 100)) == level


def test_a_large_region_is_read_in_bands(pyramid, monkeypatch):
    """A thumbnail of one level is what it is when it is read at once; a band averages its own."""
    pixels = np.repeat(np.repeat(np.arange(64, dtype=np.uint8).reshape(8, 8), 8, 0), 8, 1)
    reader = open_slide(pyramid("a.tiff", np.stack([pixels] * 3, axis=-1), levels=1))
    whole = read_region(reader, Box(0, 0, 64, 64), (8, 8))
    monkeypatch.setattr("milbench.slides.levels.BAND", 64 * 16)

    banded = read_region(reader, Box(0, 0, 64, 64), (8, 8))

    assert banded.shape == (8, 8, 3)
    assert np.abs(banded.astype(int) - whole.astype(int)).max() <= 4  # half of a step of 8 rows
    reader.close()


# Files that are no slides.


def test_a_truncated_slide_is_named(opened, pyramid, counted):
    """Half of a file is told when it is opened, or when the missing part is read."""
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    path = pyramid("a.tiff", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(SlideError, match=r"a\.tiff"):
        read_whole(opened, path)


@pytest.mark.parametrize("name", ["a.svs", "a.tiff", "a.png", "a.jpg", "a.mrxs"])
def test_what_is_no_slide_is_named(tmp_path, name):
    """Text and an empty file, under any name."""
    for content in (b"", b"no slide"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SlideError, match=name):
            _ = Slide(path).size


def test_a_plain_image_that_is_too_large_is_refused(tmp_path, monkeypatch):
    """It would have to be held as a whole; the message says what to convert it to."""
    monkeypatch.setattr("milbench.slides.image_reader.LARGEST", 99)
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")

    with pytest.raises(SlideError, match="pyramidal TIFF"):
        _ = Slide(tmp_path / "a.png").size


def test_a_missing_library_skips_the_data_set(tmp_path, monkeypatch, pyramid, counted):
    """Nothing is wrong with the slide: the message says what to install."""
    path = pyramid("a.tiff", counted)
    for name in ("openslide", "tifffile"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("milbench.slides.reader.find_spec", lambda name: None)

    with pytest.raises(MissingDataError, match=r"pip install 'milbench\[slides\]'"):
        _ = Slide(path).size


# Real files.


@pytest.mark.data
def test_the_real_slide(data_dir):
    """CMU-1-Small-Region has one level of 2220 x 2967 pixels of 0.499 micrometres (its README)."""
    slide = Slide(data_dir / "slides" / "cmu-1-small-region.svs")

    assert slide.size == (2220, 2967)
    assert slide.mpp == 0.499
    assert slide.thumbnail(300).shape == (300, 224, 3)
    quarter = slide.read(Box(400, 400, 400, 400), (100, 100)).astype(float)
    assert abs(quarter.mean() - slide.read(Box(400, 400, 400, 400)).mean()) < 0.5


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["slides/broken.svs", "slides/openslide_python/unreadable.svs", "slides/README.md"]
)
def test_real_damaged_files(data_dir, name):
    """One is no slide at all, the other has a tile that cannot be decoded."""
    slide = Slide(data_dir / name)

    with pytest.raises(SlideError, match=slide.path.name):
        slide.read(Box(0, 0, 16, 16))


@pytest.mark.data
def test_a_real_file_that_states_72_dots_per_inch(data_dir, opened):
    """OpenSlide's boxes.tiff says 28.35 pixels a centimetre, which is 72 an inch: no resolution."""
    reader = opened(data_dir / "slides" / "openslide_python" / "boxes.tiff")

    assert reader.mpp is None
    assert reader.levels == ((300, 250), (150, 125), (75, 62), (37, 31))
    reader.close()
