"""Batches that hold tiles of several bags give each bag what it has alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from milbench import Box, Dataset, Encoder, LabelledBag, Regions, SlideError, Tiler, Tiles
from milbench.errors import DatasetError, FeatureError
from milbench.features import Encoding, Features, Making, Step, cached_features
from milbench.nn.encoder import Look, NetworkEncoder
from milbench.nn.resnet import ResNet18
from milbench.pictures import ArrayPicture
from milbench.view import View
from milbench_encoders.colour_texture import ColourTexture

SIZES = (3, 1, 7, 2, 9, 1, 4, 5)
COLOURS = Encoder(
    name="colour-texture", target="milbench_encoders.colour_texture:ColourTexture", summary="-"
)


def images(number: int, count: int) -> np.ndarray:
    """Return random tiles (count, 3, 64, 64) of bag ``number``."""
    drawn = np.random.default_rng(number).integers(0, 256, (count, 3, 64, 64))
    return drawn.astype(np.uint8)


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield bags of 3, 1, 7, 2, 9, 1, 4 and 5 tiles."""
    for number, count in enumerate(SIZES):
        yield LabelledBag(id=f"{number}", label=number % 2, images=images(number, count))


def dataset(target: object = bags, **fields: object) -> Dataset:
    given = {"name": "small", "summary": "-", "classes": ("no", "yes"), **fields}
    return Dataset(target=target, **given)


def encoded(folder: Path, encoder: Encoder, batch: int | None, **making: object) -> Features:
    """Return features of the bags of 3, 1, 7, ... tiles."""
    chosen = Making(encoding=Encoding(batch=batch), **making)
    return cached_features(dataset(), View(encoder), data=folder, cache=folder, making=chosen)


class Recording:
    """A network that writes down the sizes of its batches."""

    sizes: list[int]

    def __init__(self) -> None:
        Recording.sizes = []

    def to(self, device: str, precision: str) -> None:
        """Stay where it is."""

    def __call__(self, tiles: np.ndarray) -> np.ndarray:
        Recording.sizes.append(len(tiles))
        return tiles.mean(axis=(2, 3)).astype(np.float32)


RECORDING = Encoder(name="recording", target=Recording, summary="-")


def test_batches_are_filled_across_bags(tmp_path: Path) -> None:
    """32 tiles of eight bags: the first bag alone, then batches of eight, and what is left."""
    features = encoded(tmp_path, RECORDING, 8)

    assert Recording.sizes == [3, 8, 8, 8, 5]
    for number, count in enumerate(SIZES):
        wanted = images(number, count).mean(axis=(2, 3)).astype(np.float32)
        np.testing.assert_array_equal(features.bag(number), wanted)


def test_hand_made_features_are_the_same_to_the_bit(tmp_path: Path) -> None:
    """Alone, bag by bag as the encoder is called by hand, and in joined batches: one hash."""
    alone = encoded(tmp_path / "alone", COLOURS, None)
    joined = encoded(tmp_path / "joined", COLOURS, 8)

    assert joined.content_hash == alone.content_hash
    np.testing.assert_array_equal(joined.bag(4), ColourTexture()(images(4, 9)))


def residual_network() -> NetworkEncoder:
    """Return a ResNet-18 of an eighth of the width, with weights from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return NetworkEncoder(ResNet18(width=8), Look(size=None))


def test_a_network_gives_what_it_gives_bag_by_bag(tmp_path: Path) -> None:
    """Batch normalisation is that of evaluation: other tiles of a batch have no part in a row."""
    network = Encoder(name="small-resnet", target=residual_network, summary="-")
    features = encoded(tmp_path, network, 6)

    for number, count in enumerate(SIZES):
        alone = residual_network()(images(number, count))
        np.testing.assert_allclose(features.bag(number), alone, atol=1e-6, rtol=1e-6)


def test_an_interrupted_building_goes_on_behind_the_last_whole_bag(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the fifth bag: what is whole is kept, and the end is the same."""

    def stop(step: Step) -> None:
        if step.bag == "4" and step.tiles:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoded(tmp_path, RECORDING, 8, observe=stop)
    seen: list[Step] = []
    again = encoded(tmp_path, RECORDING, 8, observe=seen.append)

    assert min(int(step.bag) for step in seen) == 4
    assert again.content_hash == encoded(tmp_path / "whole", RECORDING, 8).content_hash


def test_progress_is_told_in_the_order_of_the_bags(tmp_path: Path) -> None:
    """Every bag begins once, its tiles only grow, and all are told before the next begins."""
    seen: list[Step] = []
    encoded(tmp_path, RECORDING, 8, observe=seen.append)

    starts = [step.bag for step in seen if not step.tiles]
    assert starts == [str(number) for number in range(len(SIZES))]
    assert [int(step.bag) for step in seen] == sorted(int(step.bag) for step in seen)
    last = {step.bag: step.tiles for step in seen}
    assert tuple(last.values()) == SIZES


def test_a_fault_of_a_later_bag_loses_nothing_before_it(tmp_path: Path) -> None:
    """The bags that were read when the sixth turns out impossible are stored first."""

    def faulty(data: Path) -> Iterator[LabelledBag]:
        for bag in bags(data):
            yield replace(bag, label=7) if bag.id == "5" else bag

    seen: list[Step] = []
    chosen = Making(encoding=Encoding(batch=8))
    with pytest.raises(DatasetError, match=r"bag '5': label 7"):
        cached_features(
            dataset(faulty), View(RECORDING), data=tmp_path, cache=tmp_path, making=chosen
        )
    encoded(tmp_path, RECORDING, 8, observe=seen.append)

    assert {int(step.bag) for step in seen if step.is_taken} == {0, 1, 2, 3, 4}


def test_an_id_given_twice_is_found_among_bags_under_way(tmp_path: Path) -> None:
    """Also where the first of the two is not encoded yet."""

    def twice(data: Path) -> Iterator[LabelledBag]:
        for bag in bags(data):
            yield replace(bag, id="3") if bag.id == "4" else bag

    with pytest.raises(DatasetError, match="this id is given twice"):
        cached_features(
            dataset(twice),
            View(RECORDING),
            data=tmp_path,
            cache=tmp_path,
            making=Making(encoding=Encoding(batch=30)),
        )


def test_an_unreadable_tile_leaves_out_its_bag_alone(tmp_path: Path) -> None:
    """The third of four slides fails at its last tile: its neighbours have all their rows."""

    class Failing(ArrayPicture):
        def read(self, box: Box, size: tuple[int, int] | None = None) -> np.ndarray:
            if box.x == 4:
                raise SlideError("torn")
            return super().read(box, size)

    class Columns:
        def __call__(self, picture: ArrayPicture, generator: np.random.Generator) -> Tiles:
            boxes = [Box(x, 0, 1, 1) for x in range(picture.size[0])]
            return Tiles(Regions(picture, boxes, (1, 1)), np.zeros((len(boxes), 2)))

    def slides(data: Path) -> Iterator[LabelledBag]:
        for number, width in enumerate((3, 2, 5, 4)):
            pixels = np.full((1, width, 3), number, np.uint8)
            yield LabelledBag(id=f"{number}", label=number % 2, picture=Failing(pixels))

    features = cached_features(
        dataset(slides, tiler="columns"),
        View(RECORDING, Tiler(name="columns", target=Columns, summary="-")),
        data=tmp_path,
        cache=tmp_path,
        making=Making(encoding=Encoding(batch=4)),
    )

    assert features.left_out == (("2", "torn"),)
    assert features.table.sizes.tolist() == [3, 2, 4]
    assert features.array[:, 0].tolist() == [0, 0, 0, 1, 1, 3, 3, 3, 3]


def test_an_encoder_that_drops_rows_is_named_with_the_bags(tmp_path: Path) -> None:
    """One row too few for a batch of three bags."""

    class Short(Recording):
        def __call__(self, tiles: np.ndarray) -> np.ndarray:
            found = super().__call__(tiles)
            return found[:-1] if len(tiles) == 8 else found

    short = Encoder(name="short", target=Short, summary="-")
    with pytest.raises(FeatureError, match=r"bags '1' to '2': 7 rows for 8 tiles"):
        encoded(tmp_path, short, 8)


def test_memory_holds_a_batch_and_not_the_bags(tmp_path: Path) -> None:
    """Bags whose last tiles wait for a batch let go of their other tiles."""
    alive: list[int] = []

    class Held(np.ndarray):
        def __del__(self) -> None:
            alive.remove(id(self))

    def large(data: Path) -> Iterator[LabelledBag]:
        for number in range(12):
            held = np.full((9, 3, 8, 8), number, np.uint8).view(Held)
            alive.append(id(held))
            yield LabelledBag(id=f"{number}", label=number % 2, x=None, images=held)
            del held
            assert len(alive) <= 3

    cached_features(
        dataset(large),
        View(RECORDING),
        data=tmp_path,
        cache=tmp_path,
        making=Making(encoding=Encoding(batch=64)),
    )
