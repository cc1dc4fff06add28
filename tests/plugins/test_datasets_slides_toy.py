"""The drawn slides are what their description says, as files and as bags."""

import pickle
from collections import Counter

import numpy as np
import pytest

from milbench import Box, MissingDataError, Slide
from milbench_datasets.catalogue import RECORDS
from milbench_datasets.drawn_slide import DrawnSlide, write_pyramid
from milbench_datasets.slides_toy import CLASSES, bags, bags_with_cmu, draw, texture

pytest.importorskip("openslide", reason="slides are read with OpenSlide")
pytest.importorskip("tifffile", reason="slides are written with tifffile")
RECORD = next(record for record in RECORDS if record.name == "slides-toy")


def test_patients_and_classes(tmp_path):
    """48 slides of 48 patients, 16 of each class; none is drawn before it is read."""
    given = list(bags(tmp_path))

    assert Counter(bag.label for bag in given) == dict.fromkeys(range(3), 16)
    assert len({bag.patient for bag in given}) == len({bag.id for bag in given}) == 48
    assert not any(bag.picture.path.exists() for bag in given)
    assert RECORD.classes == CLASSES


def test_a_slide_is_a_pyramid_as_long_as_it_is_open(tmp_path):
    """Three levels from half a micrometre, each the mean of 2 x 2; gone when it is closed."""
    slide = next(bags(tmp_path)).picture
    pixels = draw(0)

    assert (slide.size, slide.mpp) == ((1024, 1024), 0.5)
    np.testing.assert_array_equal(slide.read(Box(100, 200, 50, 40)), pixels[200:240, 100:150])
    half = pixels.reshape(512, 2, 512, 2, 3).mean(axis=(1, 3)).round()
    np.testing.assert_array_equal(slide.read(Box(0, 0, 512, 512), (256, 256)), half[:256, :256])
    assert slide.path.exists()
    with_openslide = Slide(slide.path)
    assert with_openslide.mpp == pytest.approx(0.5)
    with_openslide.close()
    slide.close()
    assert not slide.path.exists()


def test_a_drawn_slide_travels_as_what_is_drawn():
    """Another process writes a file of its own, with the same pixels."""
    slide = DrawnSlide("a", draw, 3)
    sent = pickle.loads(pickle.dumps(slide))  # noqa: S301  # our own

    assert sent.path != slide.path
    np.testing.assert_array_equal(sent.read(Box(0, 0, 9, 9)), draw(3)[:9, :9])
    sent.close()


def test_colours_of_glass_tissue_and_lesion():
    """A third to a half of a slide is tissue of three ellipses; a quarter of that is lesion."""
    pixels = draw(0).astype(float)
    is_tissue = pixels[..., 0] - pixels[..., 1] > 30
    is_lesion = is_tissue & (pixels[..., 2] > pixels[..., 0])

    # Radii of 150 to 210: each piece has between 70,686 and 138,544 pixels.
    assert 3 * 70_686 <= is_tissue.sum() <= 3 * 138_544
    assert is_lesion.sum() / is_tissue.sum() == pytest.approx(0.25, abs=0.02)
    assert np.abs(pixels[~is_tissue].mean(axis=0) - (243, 242, 244)).max() < 0.2


@pytest.mark.parametrize(("label", "values"), [(0, (0.0, 0.0)), (1, (-1.0, 1.0)), (2, (0.0, 1.0))])
def test_textures_have_the_range_of_their_class(label, values):
    """Plain is nothing, stripes go from -1 to 1, spots are 0 or 1."""
    places = tuple(np.indices((64, 64)).reshape(2, -1))
    drawn = texture(label, places, np.random.default_rng(0))

    assert (drawn.min(), drawn.max()) == pytest.approx(values, abs=1e-2)
    assert label != 2 or set(drawn.tolist()) == {0.0, 1.0}


def test_slides_are_drawn_from_their_number():
    """Drawn again they are the same; another is another."""
    assert np.array_equal(draw(5), draw(5))
    assert not np.array_equal(draw(5), draw(6))


def test_without_the_libraries_the_data_set_is_skipped(tmp_path, monkeypatch):
    """The reason says what to install."""
    monkeypatch.setattr("milbench_datasets.slides_toy.find_spec", lambda name: None)

    with pytest.raises(MissingDataError, match=r"needs openslide and tifffile; run: pip install"):
        next(bags(tmp_path))


def test_without_the_scanned_slide_its_data_set_is_skipped(tmp_path):
    """The reason says how to get it."""
    with pytest.raises(MissingDataError, match="milbench fetch slides-cmu --data"):
        next(bags_with_cmu(tmp_path))


def test_the_scanned_slide_is_plain(tmp_path):
    """Beside the 48 drawn ones, as a patient of its own."""
    path = tmp_path / "slides" / "cmu-1-small-region.svs"
    path.parent.mkdir()
    write_pyramid(path, np.zeros((512, 512, 3), np.uint8))

    *drawn, scanned = bags_with_cmu(tmp_path)

    assert len(drawn) == 48
    assert (scanned.id, CLASSES[scanned.label]) == ("cmu-1-small-region", "plain")
    assert scanned.picture.path == path


@pytest.mark.data
def test_the_real_slide_has_the_checksum_that_is_fetched(data_dir):
    """The record names the file that the tests were written with."""
    from hashlib import sha256  # noqa: PLC0415

    record = next(record for record in RECORDS if record.name == "slides-cmu")
    content = (data_dir / record.downloads[0].path).read_bytes()

    assert f"sha256:{sha256(content).hexdigest()}" == record.downloads[0].checksum
