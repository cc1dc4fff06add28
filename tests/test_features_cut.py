"""Pictures are cut by a tiler on their way into the feature store."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milbench import Dataset, Encoder, LabelledBag, MaskedPicture, Tiler, Tiles
from milbench.errors import DatasetError, FeatureError
from milbench.features import cached_features, open_features
from milbench.view import View, ViewName

PIXELS = Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="as they are")
GRID = Tiler(name="grid", target="milbench_tilers.grid:Grid", summary="squares")


def pictures(data: Path) -> Iterator[LabelledBag]:
    """Yield two pictures of other sizes, each with values of its own."""
    for number, (height, width) in enumerate([(4, 6), (2, 5)]):
        values = np.full((height, width, 3), 10 * number, dtype=np.uint8)
        values[..., 0] += np.arange(width, dtype=np.uint8)
        yield LabelledBag(id=f"slide-{number}", patient=f"p{number}", label=number, picture=values)


DATASET = Dataset(
    name="slides", target=pictures, summary="two pictures", classes=("no", "yes"), tiler="grid"
)


class Spots:
    """Cut one pixel at random; remember what it was trained on."""

    seen = ()

    def fit(self, masked) -> None:
        type(self).seen = tuple(one.id for one in masked)

    def __call__(self, picture, generator) -> Tiles:
        x, y = (int(generator.integers(side)) for side in picture.size)
        return Tiles(picture.read((x, y, 1, 1)).transpose(2, 0, 1)[None], np.array([[x, y]]))


SPOTS = Tiler(name="spots", target=Spots, summary="one pixel", needs=frozenset({"masks"}))


def masks(*ids, patient=""):
    def read(data):
        for name in ids:
            picture = np.zeros((2, 2, 3), np.uint8)
            mask = np.zeros((2, 2), np.bool_)
            yield MaskedPicture(id=name, picture=picture, mask=mask, patient=patient)

    return read


def features(tmp_path, view, dataset=DATASET):
    return cached_features(dataset, view, data=tmp_path, cache=tmp_path / "cache")


def test_instances_coordinates_and_grid_are_stored(tmp_path):
    """In the order of the tiler, with the unit, and read again from the file."""
    stored = open_features(features(tmp_path, View(PIXELS, GRID, {"px": 2})).path)

    assert stored.table.sizes.tolist() == [6, 2]
    assert stored.grids.tolist() == [[2, 3], [1, 2]]
    assert stored.coords.tolist()[4:] == [[2, 2], [4, 2], [0, 0], [2, 0]]
    assert (stored.coords_unit, stored.tiler) == ("level-0 pixels", "grid(px=2)")
    assert stored.bag(1)[1, 0].tolist() == [[12, 13], [12, 13]]


def test_other_settings_are_other_features(tmp_path, caplog):
    """Both are kept, and neither is called stale."""
    two = features(tmp_path, View(PIXELS, GRID, {"px": 2}))
    one = features(tmp_path, View(PIXELS, GRID, {"px": 1}))

    assert one.path != two.path
    assert two.path.exists()
    assert one.table.sizes.tolist() == [24, 10]
    assert caplog.text == ""


def test_a_new_version_of_the_tiler_is_noticed(tmp_path, caplog):
    """It cuts anew, and tells of the old file."""
    features(tmp_path, View(PIXELS, GRID, {"px": 2}))
    features(tmp_path, View(PIXELS, replace(GRID, version="2"), {"px": 2}))

    assert "not used, may be deleted" in caplog.text


def test_a_view_is_named_by_tiler_settings_and_encoder():
    """Settings stand in the order of their names, as JSON has them."""
    assert View(PIXELS).name == ViewName("", "pixels")
    assert str(View(PIXELS).name) == "pixels"
    view = View(PIXELS, GRID, {"stride": 1, "px": 2})
    assert str(view.name) == "grid(px=2, stride=1) > pixels"


def test_long_settings_are_named_by_their_hash():
    """A heading stays short; other settings have other names."""
    first, second = (View(PIXELS, GRID, {"px": list(range(n))}).name.tiler for n in (30, 31))

    assert re.fullmatch(r"grid\(#[0-9a-f]{6}\)", first)
    assert first != second


def test_a_random_tiler_depends_on_the_bag_alone(tmp_path):
    """A bag has the same instances whatever bags come before it."""

    def last_only(data):
        *_, last = pictures(data)
        yield last
        yield replace(last, id="another", patient="p9", label=0)

    dataset = replace(DATASET, masks=masks("m"))
    both = features(tmp_path / "both", View(PIXELS, SPOTS), dataset)
    alone = features(tmp_path / "alone", View(PIXELS, SPOTS), replace(dataset, target=last_only))

    assert alone.coords[0].tolist() == both.coords[1].tolist()


def test_a_tiler_that_needs_masks_is_trained_on_them(tmp_path):
    """Once, before the first bag is cut."""
    features(tmp_path, View(PIXELS, SPOTS), replace(DATASET, masks=masks("a", "b")))

    assert Spots.seen == ("a", "b")


def test_masks_that_are_not_there_are_told(tmp_path):
    """The error names the tiler."""
    with pytest.raises(FeatureError, match="tiler 'spots' is trained on masks"):
        features(tmp_path, View(PIXELS, SPOTS))


def test_settings_that_a_tiler_does_not_take_are_told(tmp_path):
    """Those of a data set's own record are not checked before."""
    with pytest.raises(FeatureError, match=r"slides: tiler 'grid' .*'side'"):
        features(tmp_path, View(PIXELS, GRID, {"side": 2}))


@pytest.mark.parametrize("masked", [masks("slide-1"), masks("other", patient="p1")])
def test_a_mask_of_a_bag_or_of_its_patient_is_refused(tmp_path, masked):
    """Else a tiler would have seen what it is tested on."""
    with pytest.raises(DatasetError, match=r"bag 'slide-1'.*must be no bags"):
        features(tmp_path, View(PIXELS, SPOTS), replace(DATASET, masks=masked))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"picture": None, "images": np.zeros((1, 3, 2, 2), np.uint8)}, "gives images"),
        ({"picture": None, "x": np.zeros((1, 4))}, "gives features"),
        ({"coords": np.zeros((1, 2))}, "gives a picture and instances"),
        ({"instance_labels": np.zeros(1, int)}, "instances are not known yet"),
        ({"picture": np.zeros((4, 6), np.uint8)}, r"expected uint8 of shape \(H, W, 3\)"),
    ],
)
def test_what_cannot_be_cut_is_refused(tmp_path, change, says):
    """The error names the data set and the bag."""

    def changed(data):
        first, second = pictures(data)
        yield first
        yield replace(second, **change)

    view = View(PIXELS, GRID, {"px": 2})
    with pytest.raises(DatasetError, match=rf"slides, bag 'slide-1': .*{says}"):
        features(tmp_path, view, replace(DATASET, target=changed))


def test_a_picture_smaller_than_a_tile_is_left_out(tmp_path):
    """It holds nothing; the others go on, and it is named with its size."""

    def with_a_small_one(data):
        yield from pictures(data)
        yield LabelledBag(id="small", label=0, picture=np.zeros((1, 3, 3), np.uint8))

    made = features(
        tmp_path, View(PIXELS, GRID, {"px": 2}), replace(DATASET, target=with_a_small_one)
    )

    assert made.table.ids == ("slide-0", "slide-1")
    assert made.left_out == (("small", "a picture of 3 x 1 holds no square of 2"),)


def test_a_picture_without_a_tiler_is_refused(tmp_path):
    """A data set of pictures must name a tiler."""
    with pytest.raises(DatasetError, match=r"bag 'slide-0': gives a picture, which no tiler cut"):
        features(tmp_path, View(PIXELS))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((1, 3, 2, 2), np.uint8), "gives ndarray; expected milbench.Tiles"),
        (Tiles(np.zeros((0, 3, 2, 2), np.uint8), np.zeros((0, 2))), "no instances"),
        (Tiles(np.zeros((2, 3, 2, 2), np.uint8), np.zeros((2, 2)), (2, 2)), r"a grid of \(2, 2\)"),
    ],
)
def test_what_a_tiler_gives_is_checked(tmp_path, given, says):
    """The error names the tiler and the bag."""
    odd = Tiler(name="odd", target=lambda: lambda picture, generator: given, summary="wrong")

    with pytest.raises(FeatureError, match=rf"slides, bag 'slide-0', tiler 'odd': .*{says}"):
        features(tmp_path, View(PIXELS, odd))
