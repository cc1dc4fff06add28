"""Slides become features without ever being held: read ahead, resumed, damaged ones left out."""

import json
import logging
import signal
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from textwrap import dedent

import numpy as np
import pytest
import torch

from milbench import Box, Dataset, DatasetError, Encoder, LabelledBag, Regions, Slide, Tiler, Tiles
from milbench.features import Making, cached_features, open_features
from milbench.features.stream import blocks
from milbench.pictures import ArrayPicture
from milbench.view import View

SIDE = 16
PIXELS = Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="as they are")
TISSUE = Tiler(name="tissue", target="milbench_tilers.tissue:Tissue", summary="squares of tissue")
# A mask of the same pixels as the tiles, with no smoothing, so that tiles are known by hand.
PLAIN = {"median": 1, "closing": 1, "piece": 0.0, "hole": 0.0}
ARGS = {"tile_px": SIDE, "mpp": 0.5, "mask_mpp": 8.0, "segmentation": PLAIN}
VIEW = View(PIXELS, TISSUE, ARGS)
WHITE, PINK = (255, 255, 255), (200, 60, 120)


def picture_of(rows: int, columns: int, tissue: set[tuple[int, int]]) -> np.ndarray:
    """Return squares of 16 x 16, pink where (row, column) is tissue; each square has its blue."""
    pixels = np.full((rows * SIDE, columns * SIDE, 3), WHITE, np.uint8)
    for number, (row, column) in enumerate(sorted(tissue)):
        y, x = row * SIDE, column * SIDE
        pixels[y : y + SIDE, x : x + SIDE] = (*PINK[:2], 100 + number)
    return pixels


@pytest.fixture
def slides(pyramid):
    """Return a data set of three slides with two, one and three tiles of tissue."""
    places = [{(0, 1), (2, 0)}, {(1, 1)}, {(0, 0), (0, 2), (1, 1)}]
    paths = [pyramid(f"s{n}.tiff", picture_of(3, 4, tissue)) for n, tissue in enumerate(places)]

    def read(data):
        for number, path in enumerate(paths):
            yield LabelledBag(id=path.stem, label=number % 2, picture=Slide(path))

    return Dataset(
        name="toy", target=read, summary="slides", classes=("no", "yes"), files=("*.tiff",)
    )


def built(dataset, tmp_path, view=VIEW, **making):
    return cached_features(
        dataset, view, data=tmp_path, cache=tmp_path / "cache", making=Making(**making)
    )


def test_tiles_are_where_the_tissue_is(slides, tmp_path):
    """Row by row, x before y, in level-0 pixels; the pixels are those of the slide."""
    features = built(slides, tmp_path)

    assert features.coords.tolist() == [[16, 0], [0, 32], [16, 16], [0, 0], [32, 0], [16, 16]]
    assert features.coords_unit == "level-0 pixels"
    assert features.table.sizes.tolist() == [2, 1, 3]
    assert [int(features.array[n, 2].mean()) for n in range(6)] == [100, 101, 100, 100, 101, 102]
    assert features.left_out == ()
    assert [path.name for path in (tmp_path / "cache" / "toy").iterdir()] == [features.path.name]


def test_lazy_tiles_equal_those_in_the_memory(slides, tmp_path):
    """Reading in threads, block by block, changes neither order nor values: one content hash."""

    class InMemory:
        def __call__(self, picture, generator):
            tiles = TISSUE.load()(**ARGS)(picture, generator)
            return tiles._replace(images=tiles.images[:])

    held = built(
        slides, tmp_path / "held", View(PIXELS, Tiler(name="m", target=InMemory, summary=""))
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


def test_memory_does_not_grow_with_the_slide(tmp_path):
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

    assert large < 4 * 2**25 + small  # three blocks and the encoder's own


# Damaged slides.


def test_damaged_slides_are_left_out_with_a_line_each(slides, tmp_path, caplog):
    """One is no slide, one has a tile that cannot be read: the other is built, and both named."""
    (tmp_path / "s1.tiff").write_bytes(b"no slide")
    broken = bytearray((tmp_path / "s2.tiff").read_bytes())
    start = broken.index(b"x\x9c") if b"x\x9c" in broken else broken.index(b"x\xda")
    broken[start : start + 20] = b"\xff" * 20
    (tmp_path / "s2.tiff").write_bytes(broken)
    more = pytest.importorskip("tifffile")
    more.imwrite(tmp_path / "s3.tiff", picture_of(3, 4, {(1, 2)}), photometric="rgb")

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


def test_a_slide_without_tissue_is_left_out(slides, tmp_path, pyramid):
    """White is no bag of no instances."""
    pyramid("s2.tiff", picture_of(3, 4, set()))

    assert built(slides, tmp_path).left_out[0][0] == "s2"


def test_when_no_slide_is_left_the_first_reason_is_told(slides, tmp_path):
    """A folder of files that nothing can read is an error, not an empty leaderboard."""
    for name in ("s0", "s1", "s2"):
        (tmp_path / f"{name}.tiff").write_bytes(b"no slide")

    with pytest.raises(
        DatasetError, match=r"no slide could be read; 3 bags .* first 's0': no TIFF"
    ):
        built(slides, tmp_path)


def test_a_class_whose_slides_are_all_damaged_is_told(slides, tmp_path):
    """The labels of what is left decide whether methods can be compared."""
    (tmp_path / "s1.tiff").write_bytes(b"no slide")

    with pytest.raises(DatasetError, match=r"all 2 bags are of class 'no'.*1 bags are left out"):
        built(slides, tmp_path)


def test_a_slide_listed_twice_is_refused_before_any_is_read(slides, tmp_path):
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


def test_a_slide_without_a_resolution_asks_for_it(slides, tmp_path, pyramid):
    """It is not guessed, and no slide is left out for it: the message names bag and settings."""
    pyramid("s1.tiff", picture_of(3, 4, {(1, 1)}), mpp=None)

    with pytest.raises(DatasetError, match=r"bag 's1': .*s1\.tiff states no resolution.*slide_mpp"):
        built(slides, tmp_path)

    said = View(PIXELS, TISSUE, {**ARGS, "slide_mpp": 0.5})
    assert built(slides, tmp_path, said).table.sizes.tolist() == [2, 1, 3]


# Progress and resumption.


def test_progress_is_told_bag_by_bag_and_tile_by_tile(slides, tmp_path):
    """How many slides there are is known before the first is read."""
    seen = []
    built(slides, tmp_path, observe=seen.append)

    assert {step.of for step in seen} == {3}
    assert [(step.bag, step.number, step.tiles, step.of_tiles) for step in seen] == [
        ("s0", 0, 0, 0),
        ("s0", 0, 2, 2),
        ("s1", 1, 0, 0),
        ("s1", 1, 1, 1),
        ("s2", 2, 0, 0),
        ("s2", 2, 3, 3),
    ]


CHILD = """
    import os, signal, sys
    from pathlib import Path
    from milbench import Dataset, Encoder, LabelledBag, Slide, Tiler
    from milbench.features import Making, cached_features
    from milbench.view import View

    folder = Path(sys.argv[1])

    def read(data):
        for number in range(3):
            path = folder / f"s{number}.tiff"
            yield LabelledBag(id=path.stem, label=number % 2, picture=Slide(path))

    def observe(step):
        print(step.bag, step.tiles, flush=True)
        if sys.argv[2:] == [step.bag] and step.tiles:
            os.kill(os.getpid(), signal.SIGKILL)

    features = cached_features(
        Dataset(name="toy", target=read, summary="-", classes=("no", "yes"), files=("*.tiff",)),
        View(
            Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="-"),
            Tiler(name="tissue", target="milbench_tilers.tissue:Tissue", summary="-"),
            ARGS,
        ),
        data=folder, cache=folder / "cache", making=Making(observe=observe),
    )
    print(features.content_hash)
"""


def child(folder, *killed):
    code = dedent(CHILD).replace("ARGS", repr(ARGS))
    script = folder / "child.py"
    script.write_text(code)
    return subprocess.run(
        [sys.executable, script, folder, *killed], capture_output=True, text=True, check=False
    )


def test_a_kill_loses_one_slide_at_most(slides, tmp_path):
    """Killed in the middle of the third, the next run begins with the third, and ends the same."""
    killed = child(tmp_path, "s2")
    assert killed.returncode == -signal.SIGKILL

    again = child(tmp_path)

    assert again.stdout.splitlines()[:-1] == ["s2 0", "s2 3"]
    assert again.stdout.splitlines()[-1] == built(slides, tmp_path / "whole").content_hash
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


def interrupted(dataset, tmp_path, at, view=VIEW):
    """Build until the tiles of slide ``at`` are encoded, then stop as Ctrl-C does."""

    def observe(step):
        if step.bag == at and step.tiles:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(dataset, tmp_path, view, observe=observe)
    (journal,) = (tmp_path / "cache" / "toy").glob(".*.journal")
    return journal


def rebuilt(dataset, tmp_path):
    """Return the hash of the features, and which slides were read for them."""
    seen = []
    features = built(dataset, tmp_path, observe=seen.append)
    return features.content_hash, {step.bag for step in seen}


@pytest.mark.parametrize("damage", ["rows", "line", "middle"])
def test_a_journal_that_was_torn_is_used_up_to_the_tear(slides, tmp_path, damage):
    """A disk that lost the last writes gives no wrong features."""
    journal = interrupted(slides, tmp_path, "s2")
    rows, lines = journal / "rows", journal / "bags"
    if damage == "rows":
        rows.write_bytes(rows.read_bytes()[: 2 * 3 * SIDE * SIDE + 5])
    elif damage == "line":
        lines.write_bytes(lines.read_bytes()[:-30])
    else:
        content = bytearray(rows.read_bytes())
        content[2 * 3 * SIDE * SIDE + 5] ^= 1
        rows.write_bytes(content)

    found = rebuilt(slides, tmp_path)

    assert found == (built(slides, tmp_path / "whole").content_hash, {"s1", "s2"})


def test_a_journal_of_other_code_is_not_joined(slides, tmp_path, monkeypatch):
    """Half of the features from one version of an encoder and half from another are neither's."""
    (tmp_path / "edited.py").write_text("def encoder():\n    return lambda tiles: tiles\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    view = View(Encoder(name="edited", target="edited:encoder", summary="-"), TISSUE, ARGS)
    interrupted(slides, tmp_path, "s2", view)
    with (tmp_path / "edited.py").open("a") as file:
        file.write("# edited\n")
    seen = []

    built(slides, tmp_path, view, observe=seen.append)

    assert {step.bag for step in seen} == {"s0", "s1", "s2"}
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


def test_a_building_waits_for_another(slides, tmp_path):
    """What the first builds is what the second takes; nothing is read twice."""
    is_building, may_go_on = threading.Event(), threading.Event()
    seen = []

    def hold(step):
        is_building.set()
        may_go_on.wait(timeout=60)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(built, slides, tmp_path, observe=hold)
        is_building.wait(timeout=60)
        second = pool.submit(built, slides, tmp_path, observe=seen.append)
        may_go_on.set()

    assert second.result().content_hash == first.result().content_hash
    assert seen == []
    assert not list((tmp_path / "cache" / "toy").glob(".*"))


@pytest.mark.parametrize("lacking", ["module", "file system"])
def test_without_locks_nothing_is_kept_and_nothing_is_lost(slides, tmp_path, monkeypatch, lacking):
    """On Windows, and on file systems that refuse to lock, two buildings never share a journal."""
    if lacking == "module":
        monkeypatch.setattr("milbench.features.alone.fcntl", None)
    else:

        def refuse(file, how):
            raise OSError("no locks available")

        monkeypatch.setattr("milbench.features.alone.fcntl.flock", refuse)

    def observe(step):
        assert not list((tmp_path / "cache" / "toy").glob(".*.journal"))

    assert built(slides, tmp_path, observe=observe).table.sizes.tolist() == [2, 1, 3]
    assert not list((tmp_path / "cache" / "toy").glob(".*"))
