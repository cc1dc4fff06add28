"""The drawing for inspection: a thumbnail, the outline of the tissue, the frames of the tiles."""

import numpy as np
import pytest
from PIL import Image

from milbench import Box
from milbench.cli import main
from milbench.pictures import ArrayPicture
from milbench.slides.overview import TILE, TISSUE, overview


def test_frames_are_where_the_tiles_are():
    """At half the size a tile of 20 pixels has a frame of 10, one pixel wide; inside is slide."""
    picture = ArrayPicture(np.full((40, 60, 3), 200, np.uint8))

    drawing = overview(picture, [Box(20, 10, 20, 20)], longest=30)

    is_tile = (drawing == TILE).all(axis=2)
    expected = np.zeros((20, 30), bool)
    expected[5:15, 10:20] = True
    expected[6:14, 11:19] = False
    np.testing.assert_array_equal(is_tile, expected)
    assert (drawing[~is_tile] == 200).all()


def test_the_outline_is_two_pixels_inside_the_tissue():
    """A mask of any resolution is laid over the whole thumbnail."""
    picture = ArrayPicture(np.full((40, 40, 3), 200, np.uint8))
    mask = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)

    drawing = overview(picture, [], mask, longest=400)

    expected = np.zeros((40, 40), bool)
    expected[10:30, 10:30] = True
    expected[12:28, 12:28] = False
    np.testing.assert_array_equal((drawing == TISSUE).all(axis=2), expected)


# The command.


def test_the_command_draws_the_slides_of_a_data_set(tmp_path, capsys):
    """One PNG a slide, at the size of the slide if that is smaller; stdout says where and what."""
    command = ("tiles", "slides-toy", "--first", "2", "--out", str(tmp_path))

    assert main(command) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        str(tmp_path / "slides-toy" / f"slide-{number:02d}.png") for number in range(2)
    ]
    with Image.open(tmp_path / "slides-toy" / "slide-00.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (1024, 1024, 3)
    assert (pixels == TILE).all(axis=2).sum() > 1000
    assert (pixels == TISSUE).all(axis=2).sum() > 1000


def test_settings_and_tilers_can_be_tried(tmp_path, capsys):
    """Larger tiles are fewer; a tiler that finds no tissue draws its corners."""
    first = ("--first", "1", "--out", str(tmp_path))

    assert main(("tiles", "slides-toy", "--set", "tile_px=128", *first)) == 0
    assert main(("tiles", "slides-toy", "--tiler", "grid", "--set", "px=512", *first)) == 0

    large, grid = capsys.readouterr().out.splitlines()
    assert int(large.split(": ")[1].split()[0]) < 12
    assert grid.endswith(": 4 tiles")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits-bags",), "its bags are no pictures"),
        (("slides-toy", "--bag", "none"), "no bag 'none' in this data set"),
        (("slides-toy", "--set", "mpp=a"), "expected a name and a TOML value"),
        (("slides-toy", "--set", "magnification=20"), "magnification: no setting of tissue"),
        (("slides-toys",), "slides-toy"),
    ],
)
def test_faults_are_named(tmp_path, capsys, arguments, message):
    """With status 2 and one line."""
    assert main(("tiles", *arguments, "--out", str(tmp_path))) == 2
    assert message in capsys.readouterr().err
