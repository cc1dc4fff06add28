"""What is drawn on a picture labels the instances that a tiler cuts from it."""

from dataclasses import replace

import numpy as np
import pytest

from milbench import Box, Dataset, DatasetError, Encoder, LabelledBag, Tiler, Tiles
from milbench.features import cached_features
from milbench.view import View

PIXELS = Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="as they are")
GRID = Tiler(name="grid", target="milbench_tilers.grid:Grid", summary="squares")
WHOLE = Tiler(name="whole", target="milbench_tilers.whole:Whole", summary="all of it")
TISSUE = Tiler(name="tissue", target="milbench_tilers.tissue:Tissue", summary="tissue")


class Left:
    """Something was drawn on the left of column ``edge``; it is asked with whole boxes."""

    def __init__(self, edge):
        self.edge = edge

    def labels(self, boxes):
        assert boxes.dtype == np.int64
        return (boxes[:, 0] + boxes[:, 2] <= self.edge).astype(np.int64)


def pictures(data):
    """Yield two pictures of 6 x 4: on the first something was drawn, on the second not."""
    values = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3), dtype=np.uint8)
    yield LabelledBag(id="drawn", label=1, picture=values[0], annotations=Left(4))
    yield LabelledBag(id="plain", label=0, picture=values[1])


DATASET = Dataset(
    name="annotated", target=pictures, summary="two", classes=("no", "yes"), tiler="grid"
)


def features(tmp_path, view, dataset=DATASET):
    return cached_features(dataset, view, data=tmp_path, cache=tmp_path / "cache")


def test_tiles_are_labelled_where_they_lie(tmp_path):
    """Squares of 2: columns 0 to 4 are drawn on; a bag without drawings is unknown."""
    stored = features(tmp_path, View(PIXELS, GRID, {"px": 2}))

    assert stored.instance_labels.tolist() == [1, 1, 0, 1, 1, 0, *[-1] * 6]


def strips(picture, generator):
    """Cut two strips of 6 x 2, as they are."""
    corners = np.array([(0, 0), (0, 2)])
    images = [picture.read(Box(x, y, 6, 2)).transpose(2, 0, 1) for x, y in corners.tolist()]
    return Tiles(np.stack(images), corners)


def test_an_instance_of_other_sides_is_as_wide_as_its_image(tmp_path):
    """Strips of 6 x 2 reach over column 5."""
    tiler = Tiler(name="strips", target=lambda: strips, summary="two strips")
    stored = features(tmp_path, View(PIXELS, tiler), replace(DATASET, target=to_column(5)))

    assert stored.instance_labels.tolist() == [0, 0, -1, -1]


def to_column(edge):
    """Return a reader of the two pictures, the first drawn on up to a column."""

    def read(data):
        first, second = pictures(data)
        yield replace(first, annotations=Left(edge))
        yield second

    return read


@pytest.mark.parametrize(("edge", "label"), [(6, 1), (5, 0)])
def test_a_resampled_instance_is_asked_for_as_what_it_shows(tmp_path, edge, label):
    """The whole picture is 6 wide, although its instance has 2 pixels."""
    view = View(PIXELS, WHOLE, {"size": [2, 2]})
    stored = features(tmp_path, view, replace(DATASET, target=to_column(edge)))

    assert stored.instance_labels.tolist() == [label, -1]


def test_regions_are_asked_for_at_level_0(tmp_path):
    """Tiles of 8 pixels of 1 micrometre show 16 of a slide of 0.5: the first column is drawn on."""

    class Scanned:
        size, mpp = (48, 16), 0.5

        def read(self, box, size=None):
            width, height = size or (box.width, box.height)
            return np.full((height, width, 3), (200, 60, 120), np.uint8)

        def thumbnail(self, longest):
            pixels = np.full((longest // 3, longest, 3), (200, 60, 120), np.uint8)
            pixels[:, : longest // 3] = 255  # glass, so that tissue is told from something
            pixels[:, : longest // 6] = (200, 60, 120)
            return pixels

    def scanned(data):
        yield LabelledBag(id="a", label=1, picture=Scanned(), annotations=Left(16))
        yield LabelledBag(id="b", label=0, picture=Scanned())

    args = {"tile_px": 8, "mpp": 1.0, "mask_mpp": 1.0, "tissue": 0.1}
    plain = {"median": 1, "closing": 1, "piece": 0.0, "hole": 0.0}
    view = View(PIXELS, TISSUE, {**args, "segmentation": plain})
    stored = features(tmp_path, view, replace(DATASET, target=scanned))

    assert stored.coords[:3, 0].tolist() == [0, 16, 32]
    assert stored.instance_labels.tolist() == [1, 0, 0, -1, -1, -1]


def test_annotations_without_a_picture_are_refused(tmp_path):
    """Instances that are given bring their labels."""

    def given(data):
        yield LabelledBag(id="a", label=0, x=np.ones((1, 2)), annotations=Left(1))

    precomputed = Encoder(
        name="precomputed", target="milbench_encoders.precomputed:Precomputed", summary="as given"
    )
    with pytest.raises(DatasetError, match="bag 'a': gives annotations, and no picture"):
        features(tmp_path, View(precomputed), replace(DATASET, target=given))
