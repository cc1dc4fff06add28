"""Slides become features without ever being held: read ahead, resumed, damaged ones left out."""

import json
import logging
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from milbench import (
    Box,
    Dataset,
    DatasetError,
    Encoder,
    LabelledBag,
    MaskedPicture,
    Regions,
    Slide,
    Tiler,
    Tiles,
)
from milbench.features import open_features
from milbench.features.stream import blocks
from milbench.pictures import ArrayPicture
from milbench.view import View


def test_tiles_are_where_the_tissue_is(slides, tmp_path, built):
    """Row by row, x before y, in level-0 pixels; the pixels are those of the slide."""
    features = built(slides, tmp_path)

    assert features.coords.tolist() == [[16, 0], [0, 32], [16, 16], [0, 0], [32, 0], [16, 16]]
    assert features.coords_unit == "level-0 pixels"
    assert features.table.sizes.tolist() == [2, 1, 3]
    assert [int(features.array[n, 2].mean()) for n in range(6)] == [100, 101, 100, 100, 101, 102]
    assert features.left_out == ()
    assert [path.name for path in (tmp_path / "cache" / "toy").iterdir()] == [features.path.name]


def test_lazy_tiles_equal_those_in_the_memory(slides, tmp_path, built, toy):
    """Reading in threads, block by block, changes neither order nor values: one content hash."""

    class InMemory:
        def __call__(self, picture, generator):
            tiles = toy.tissue.load()(**toy.args)(picture, generator)
            return tiles._replace(images=tiles.images[:])

    held = built(
        slides, tmp_path / "held", View(toy.pixels, Tiler(name="m", target=InMemory, summary=""))
    )

    assert held.content_hash == built(slides, tmp_path).content_hash


def test_blocks_are_in_order():
    """Whatever thread is first: every block has its rows, the last what is left."""
    pixels = np.arange(40 * 3, dtype=np.uint8).reshape(1, 40, 3)
    regions = Regions(ArrayPicture(pixels), [Box(x, 0, 1, 1) for x in range(40)], (1, 1))

    found = list(blocks(regions, rows=7))

    assert [len(block) for block in found] == [7, 7, 7, 7, 7, 5]
    np.testing.assert_array_equal(np.concatenate(found)[:, :, 0, 0], pixels[0])


def test_reading_stays_two_blocks_ahead():
    """A reader that waits for the encoder holds no more than it has to."""
    asked = []

    class Slow(ArrayPicture):
        def read(self, box, size=None):
            asked.append(box.x)
            return super().read(box, size)

    picture = Slow(np.zeros((1, 100, 3), np.uint8))
    stream = blocks(Regions(picture, [Box(x, 0, 1, 1) for x in range(100)], (1, 1)), rows=10)
    next(stream)
    before = threading.active_count()
    stream.close()

    assert max(asked) < 20
    assert threading.active_count() < before


def test_torch_keeps_its_threads():
    """A reader resamples in one thread; nobody else is slowed by that, in old threads or new."""
    of_readers = set()

    class Asking(ArrayPicture):
        def read(self, box, size=None):
            of_readers.add(torch.get_num_threads())
            return super().read(box, size)

    def of_a_new_thread():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(torch.get_num_threads).result()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        list(blocks(Regions(Asking(np.zeros((1, 1, 3), np.uint8)), [Box(0, 0, 1, 1)] * 9, (1, 1))))
        assert of_readers == {1}
        assert torch.get_num_threads() == of_a_new_thread() == 3
    finally:
        torch.set_num_threads(before)


def test_memory_does_not_grow_with_the_slide(tmp_path, built):
    """16 times as many tiles take the same memory, but for their boxes and features."""

    class Flat:
        """A picture without pixels."""

        size = (2**20, 2**20)

        def read(self, box, size=None):
            return np.zeros((size[1], size[0], 3), np.uint8)

        def thumbnail(self, longest):
            return np.zeros((longest, longest, 3), np.uint8)

    def peak(count):
        class Many:
            def __call__(self, picture, generator):
                boxes = [Box(0, 0, 256, 256)] * count
                return Tiles(Regions(picture, boxes, (256, 256)), np.zeros((count, 2)))

        def read(data):
            yield LabelledBag(id="a", label=0, picture=Flat())
            yield LabelledBag(id="b", label=1, picture=Flat())

        dataset = Dataset(name="flat", target=read, summary="-", classes=("no", "yes"))
        view = View(
            Encoder(name="mean", target=lambda: lambda tiles: tiles.mean((2, 3)), summary="-"),
            Tiler(name="many", target=Many, summary="-"),
        )
        tracemalloc.start()
        built(dataset, tmp_path / str(count), view)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    small, large = peak(64), peak(1024)

    assert large < 4 * 2**23 + small  # three blocks and the encoder's own


# Damaged slides.


def test_damaged_slides_are_left_out_with_a_line_each(slides, tmp_path, caplog, built, toy):
    """One is no slide, one has a tile that cannot be read: the other is built, and both named."""
    (tmp_path / "s1.tiff").write_bytes(b"no slide")
    broken = bytearray((tmp_path / "s2.tiff").read_bytes())
    start = broken.index(b"x\x9c") if b"x\x9c" in broken else broken.index(b"x\xda")
    broken[start : start + 20] = b"\xff" * 20
    (tmp_path / "s2.tiff").write_bytes(broken)
    more = pytest.importorskip("tifffile")
    more.imwrite(tmp_path / "s3.tiff", toy.picture_of(3, 4, {(1, 2)}), photometric="rgb")

    def read(data):
        yield from slides.load()(data)
        yield LabelledBag(id="s3", label=1, picture=Slide(tmp_path / "s3.tiff", mpp=0.5))

    features = built(replace(slides, target=read), tmp_path)

    assert features.table.ids == ("s0", "s3")
    assert [bag for bag, _ in features.left_out] == ["s1", "s2"]
    assert str(tmp_path) not in json.dumps(features.left_out)  # results name no folders
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 2
    assert open_features(features.path).left_out == features.left_out


def test_a_masked_slide_that_is_damaged_ends_the_building(slides, tmp_path, built, toy):
    """It is no bag that could be left out: the tiler cannot be trained."""
    (tmp_path / "mask.svs").write_bytes(b"no slide")

    def masks(data):
        mask = np.ones((2, 2), bool)
        for name in "ab":
            yield MaskedPicture(id=name, picture=Slide(tmp_path / "mask.svs"), mask=mask)

    boxes = Tiler(
        name="unet-boxes",
        target="milbench_tilers.unet_boxes:UNetBoxes",
        summary="-",
        needs=frozenset({"masks"}),
    )
    with pytest.raises(DatasetError, match=r"toy, a masked picture: .*mask\.svs: no TIFF"):
        built(replace(slides, masks=masks), tmp_path, View(toy.pixels, boxes))


def test_a_slide_without_tissue_is_left_out(slides, tmp_path, pyramid, built, toy):
    """White is no bag of no instances."""
    pyramid("s2.tiff", toy.picture_of(3, 4, set()))

    assert built(slides, tmp_path).left_out[0][0] == "s2"


def test_when_no_slide_is_left_the_first_reason_is_told(slides, tmp_path, built):
    """A folder of files that nothing can read is an error, not an empty leaderboard."""
    for name in ("s0", "s1", "s2"):
        (tmp_path / f"{name}.tiff").write_bytes(b"no slide")

    with pytest.raises(
        DatasetError, match=r"no slide could be read; 3 bags .* first 's0': no TIFF"
    ):
        built(slides, tmp_path)


def test_a_class_whose_slides_are_all_damaged_is_told(slides, tmp_path, built):
    """The labels of what is left decide whether methods can be compared."""
    (tmp_path / "s1.tiff").write_bytes(b"no slide")

    with pytest.raises(DatasetError, match=r"all 2 bags are of class 'no'.*1 bags are left out"):
        built(slides, tmp_path)


def test_a_slide_listed_twice_is_refused_before_any_is_read(slides, tmp_path, built):
    """Under another id, too: its two bags would meet in training and test."""

    def read(data):
        yield from slides.load()(data)
        yield LabelledBag(id="other", label=0, picture=Slide(tmp_path / "s0.tiff"))

    seen = []
    with pytest.raises(
        DatasetError, match=r"bag 'other': the slide s0\.tiff is listed twice.*'s0'"
    ):
        built(replace(slides, target=read), tmp_path, observe=seen.append)

    assert seen == []


def test_a_slide_without_a_resolution_asks_for_it(slides, tmp_path, pyramid, built, toy):
    """It is not guessed, and no slide is left out for it: the message names bag and settings."""
    pyramid("s1.tiff", toy.picture_of(3, 4, {(1, 1)}), mpp=None)

    with pytest.raises(DatasetError, match=r"bag 's1': .*s1\.tiff states no resolution.*slide_mpp"):
        built(slides, tmp_path)

    said = View(toy.pixels, toy.tissue, {**toy.args, "slide_mpp": 0.5})
    assert built(slides, tmp_path, said).table.sizes.tolist() == [2, 1, 3]
