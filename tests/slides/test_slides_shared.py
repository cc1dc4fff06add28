"""Data sets that show the same slides encode them once, whatever else they say of them."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from milbench import Encoder, LabelledBag, Tiler
from milbench.features import open_features
from milbench.view import View


class Counting:
    """The mean colour of each tile; counts the tiles, of all that are built."""

    tiles = 0

    def __call__(self, tiles):
        Counting.tiles += len(tiles)
        return tiles.mean(axis=(2, 3)).astype(np.float32)


COUNTING = Encoder(name="counting", target=Counting, summary="-")


@pytest.fixture
def view(toy):
    """Return a view whose encoder counts tiles, from 0."""
    Counting.tiles = 0
    return View(COUNTING, toy.tissue, toy.args)


def other(slides, labels=(1, 0, 0), order=(0, 1, 2)):
    """Return a data set of the same slides with other labels, patients and parts."""

    def read(data) -> Iterator[LabelledBag]:
        bags = list(slides.load()(data))
        for place in order:
            bag = bags[place]
            yield replace(bag, id=f"x-{bag.id}", label=labels[place], patient="p", part="train")

    return replace(slides, name="other", target=read)


def test_the_slides_of_two_data_sets_are_encoded_once(slides, tmp_path, built, view):
    """Six tiles in all; the second data set has its own labels, and the same rows and places."""
    first = built(slides, tmp_path, view)
    second = built(other(slides), tmp_path, view)

    assert Counting.tiles == 6
    np.testing.assert_array_equal(second.array, first.array)
    np.testing.assert_array_equal(second.coords, first.coords)
    assert second.table.ids == ("x-s0", "x-s1", "x-s2")
    assert second.table.labels.tolist() == [1, 0, 0]


def test_shared_features_have_the_hash_of_those_encoded_alone(slides, tmp_path, built, view):
    """The hash says what is trained on, wherever it came from; both stand a whole reading."""
    alone = built(other(slides), tmp_path / "alone", view)
    built(slides, tmp_path, view)
    shared = built(other(slides), tmp_path, view)

    assert shared.content_hash == alone.content_hash
    assert open_features(shared.path, verify=True).content_hash == alone.content_hash


def test_the_same_rows_lie_on_the_disk_once(slides, tmp_path, built, view):
    """Both names are of one file, and stay when the first data set is deleted."""
    first = built(slides, tmp_path, view)
    second = built(other(slides), tmp_path, view)
    (rows,) = second.path.parent.glob("*.rows")
    assert rows.samefile(first.path)

    wanted = second.array.copy()
    first.path.unlink()
    np.testing.assert_array_equal(open_features(second.path).array, wanted)


@pytest.mark.parametrize("order", [(2, 0), (1, 2)])
def test_slides_in_another_order_are_taken_one_by_one(slides, tmp_path, built, view, order):
    """A part of the slides, or another order: rows follow the bags."""
    first = built(slides, tmp_path, view)
    second = built(other(slides, labels=(0, 0, 1), order=order), tmp_path, view)

    assert Counting.tiles == 6
    wanted = np.concatenate([first.bag(place) for place in order])
    np.testing.assert_array_equal(second.array, wanted)


def test_rows_that_cannot_be_linked_are_copied(slides, tmp_path, built, view, monkeypatch):
    """A file system on which a file has one name only."""

    def refuse(*names):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    first = built(slides, tmp_path, view)
    second = built(other(slides), tmp_path, view)

    assert not list(second.path.parent.glob("*.rows"))
    np.testing.assert_array_equal(second.array, first.array)
    assert Counting.tiles == 6


@pytest.fixture
def redraw(pyramid, toy):
    """Return a function that writes the third slide anew, in other colours."""

    def write():
        changed = 255 - toy.picture_of(3, 4, {(0, 0), (0, 2), (1, 1)})
        changed[toy.side :, 3 * toy.side :] = 255
        pyramid("s2.tiff", changed)

    return write


def test_a_changed_slide_is_encoded_again_and_the_others_are_not(
    slides, tmp_path, built, view, redraw
):
    """The store is stale as before; what is new in it are the tiles of one slide."""
    old = built(slides, tmp_path, view)
    redraw()
    new = built(slides, tmp_path, view)

    assert Counting.tiles == 6 + len(new.bag(2))
    np.testing.assert_array_equal(new.bag(0), old.bag(0))
    assert new.bag(2).tolist() != old.bag(2).tolist()


@pytest.fixture
def coded(tmp_path, monkeypatch, view):
    """Return a view whose encoder is the file ``coded.py``."""
    (tmp_path / "coded.py").write_text("def encoder():\n    return lambda t: t.mean((2, 3))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "coded", raising=False)
    return replace(view, encoder=Encoder(name="coded", target="coded:encoder", summary="-"))


@pytest.mark.parametrize("change", ["version", "tiles", "name", "code"])
def test_what_other_rows_would_follow_from_is_not_shared(slides, tmp_path, built, coded, change):
    """Another version, name or code of the encoder, and other squares of the slide."""
    seen = []
    built(slides, tmp_path, coded)
    if change == "version":
        view = replace(coded, encoder=replace(coded.encoder, version="2"))
    elif change == "tiles":
        view = replace(coded, args={**coded.args, "overlap": 8})
    elif change == "name":
        view = replace(coded, encoder=replace(coded.encoder, name="coded-too"))
    else:
        view = coded
        (tmp_path / "coded.py").write_text("def encoder():\n    return lambda t: t.max((2, 3))\n")

    built(other(slides), tmp_path, view, observe=seen.append)

    assert not any(step.is_taken for step in seen)


def test_damaged_rows_are_not_taken(slides, tmp_path, built, view):
    """A changed byte in the second slide of three: that one is encoded, the others are taken."""
    first = built(slides, tmp_path, view)
    width = first.array.shape[1] * first.array.itemsize
    with first.path.open("r+b") as file:
        file.seek(first.array.offset + 2 * width)  # the first two rows are of the first slide
        file.write(b"\x42")
    seen = []
    second = built(other(slides), tmp_path, view, observe=seen.append)

    assert {step.bag for step in seen if step.is_taken} == {"x-s0", "x-s2"}
    assert second.array[2].tolist() == [200, 60, 100]


def test_tiles_in_the_memory_are_known_by_their_pixels(slides, tmp_path, built, toy, view):
    """Pictures that are no slide files are read again, and not encoded again."""

    class InMemory:
        def __call__(self, picture, generator):
            tiles = toy.tissue.load()(**toy.args)(picture, generator)
            return tiles._replace(images=tiles.images[:])

    held = replace(view, tiler=Tiler(name="held", target=InMemory, summary="-"), args={})
    built(slides, tmp_path, held)
    built(other(slides), tmp_path, held)

    assert Counting.tiles == 6


def test_two_data_sets_at_once_encode_no_slide_twice(slides, tmp_path, built, view):
    """The second takes each slide when the first has finished it, and encodes the rest."""
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(built, one, tmp_path, view) for one in (slides, other(slides))]
        first, second = (one.result() for one in both)

    assert Counting.tiles == 6
    np.testing.assert_array_equal(second.array, first.array)
    assert not list((tmp_path / "cache").glob("**/.*"))


def test_two_data_sets_in_opposite_orders_end(slides, tmp_path, built, view):
    """Who waits for a slide holds no other that somebody waits for, in joined batches too."""

    class Network(Counting):
        """Takes batches of any bags, as a network does."""

        def to(self, device, precision):
            return self

    view = replace(view, encoder=Encoder(name="network", target=Network, summary="-"))
    mirrored = other(slides, order=(2, 1, 0))
    gate = threading.Barrier(2, timeout=60)

    def meet(step):
        if step.number == 0 and not step.tiles:
            gate.wait()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(built, slides, tmp_path, view, observe=meet)
        second = pool.submit(built, mirrored, tmp_path, view, observe=meet)

    assert Counting.tiles == 6
    np.testing.assert_array_equal(first.result().bag(0), second.result().bag(2))


def test_what_an_interrupted_building_finished_serves_another(slides, tmp_path, built, view):
    """Two slides were finished before Ctrl-C: they are taken, the third is encoded."""

    def stop(step):
        if step.bag == "s2" and step.tiles:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(slides, tmp_path, view, observe=stop)
    seen = []
    second = built(other(slides), tmp_path, view, observe=seen.append)

    assert [step.bag for step in seen if step.is_taken] == ["x-s0", "x-s1"]
    whole = built(other(slides), tmp_path / "whole", view)
    assert second.content_hash == whole.content_hash


def test_a_slide_that_cannot_be_read_is_left_out_of_both(slides, tmp_path, built, view):
    """What failed is nothing to share; who waits for it is not left waiting."""
    (tmp_path / "s1.tiff").write_bytes(b"no slide")
    first = other(slides, labels=(0, 0, 1))

    built(first, tmp_path, view)
    second = built(replace(first, name="third"), tmp_path, view)

    assert [bag for bag, _ in second.left_out] == ["x-s1"]
    assert second.table.ids == ("x-s0", "x-s2")
    assert Counting.tiles == 5
