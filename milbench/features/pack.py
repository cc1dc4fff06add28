"""Go over the bags of a data set: check, cut, encode, write; leave out slides that are damaged.

The tiles of the bags go to the encoder as one stream, so that a batch which one bag does not fill
is filled by the next; what comes back is written bag by bag. A stream ends where a bag has to wait
for those before it, where something fails, and with the last bag.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureError, SlideError
from milbench.features.build import Build, Step
from milbench.features.check import BagChecker
from milbench.features.encode import Encode, storable
from milbench.features.journal import Finished
from milbench.features.listed import file_of, listed
from milbench.features.packed import Packed, bare
from milbench.features.stream import blocks
from milbench.features.under_way import Joiner, UnderWay
from milbench.pictures import Regions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from milbench.bags import LabelledBag
    from milbench.features.journal import Journal
    from milbench.features.under_way import Batch
    from milbench.features.write import About
    from milbench.pictures import Pixels

log = logging.getLogger(__name__)


class Packer:
    """Write the instances of bags to a journal, one bag after the other.

    Parameters
    ----------
    about
        What the store will say about itself.
    encode
        Maps uint8 tiles (n, C, H, W) to (n, D) float32 or float16, or returns uint8 images; None
        where bags give ``x``.
    journal
        Where rows go; bags that it has finished are neither cut nor encoded.
    """

    def __init__(
        self,
        about: About,
        encode: Callable[..., Any] | Encode | None,
        build: Build,
        journal: Journal,
    ) -> None:
        self._about, self._build, self._journal = about, build, journal
        self._encode = encode if encode is None or isinstance(encode, Encode) else Encode(encode)
        self._checker = BagChecker(
            about.dataset, about.classes, is_multi_label=about.is_multi_label
        )
        self._packed = Packed()
        self._total: int | None = None
        self._coming: Iterator[LabelledBag] = iter(())
        self._back: LabelledBag | None = None  # the next of those that come
        self._under_way: deque[UnderWay] = deque()  # in the order of the data set
        self._waiting: UnderWay | None = None  # for another process, the last of these
        self._writing: UnderWay | None = None
        self._is_done = False
        self._fault: Exception | None = None

    def pack(self, bags: Iterable[LabelledBag]) -> Packed:
        """Return all of ``bags`` but those whose slide cannot be read.

        Raises
        ------
        DatasetError
            If a bag is impossible, a slide is listed twice, or too few bags are left.
        FeatureError
            If the encoder does not fit the bags.
        """
        ahead, self._total = listed(bags, self._about.dataset)
        self._coming = iter(ahead)
        try:
            while not self._is_done:
                self._stream()
        finally:
            for one in self._under_way:
                _close(one)
                one.held.close()
        self._checker.finish(self._packed.left_out)
        return self._packed

    # What goes to the encoder.

    def _stream(self) -> None:
        """Encode bags until one has to wait, something fails, or there is no more."""
        given: deque[list[tuple[UnderWay, int]]] = deque()  # an encoder may be one batch behind
        with closing(self._batches()) as batches:

            def tiles() -> Iterator[Pixels]:
                for batch in batches:
                    given.append(batch.parts)
                    yield batch.tiles

            if self._encode is None:
                list(batches)  # there are none: bags bring their rows
            else:
                for found in self._encode.each(tiles()):
                    self._take(np.asarray(found), given.popleft())
        if self._fault is not None:
            raise self._fault
        if given:
            raise FeatureError(f"{self._place(given[0])}: no rows for {len(given)} batches")

    def _batches(self) -> Generator[Batch]:
        """Yield the tiles of bags in batches, until one has to wait for what is under way."""
        is_joining = self._encode is not None and self._encode.is_joining
        joiner = Joiner(self._encode.batch if self._encode is not None else None)
        try:
            for one in self._opened():
                yield from self._read(one, joiner)
                if not is_joining:
                    break
        except Exception as fault:  # noqa: BLE001  # of a plugin: what was read before it is stored
            self._fault = fault
        last = joiner.rest()
        if last is not None:
            yield last

    def _opened(self) -> Iterator[UnderWay]:
        """Yield the bags that are to be encoded, each cut, in their order."""
        while True:
            one, self._waiting = self._waiting, None
            if one is None:
                one = self._next()
                if one is None:
                    return
                self._prepare(one)
            if not one.is_over and not self._is_found(one):
                if self._waiting is not None:
                    return
                yield one
            self._settle()

    def _next(self) -> UnderWay | None:
        """Return the next bag; None where there is none, or it has to wait for those before it."""
        bag, self._back = self._back or next(self._coming, None), None
        if bag is None:
            self._is_done = True
            return None
        # The first bag says what the others have to be like, and a second of a name is an error.
        if self._under_way and (
            not self._packed.bags or any(one.bag.id == bag.id for one in self._under_way)
        ):
            self._back = bag
            return None
        self._checker.listed(bag)
        self._under_way.append(UnderWay(bag))
        return self._under_way[-1]

    def _prepare(self, one: UnderWay) -> None:
        """Cut a bag into its instances, or find that it is finished or cannot be read."""
        bag = one.bag
        if bag.id in self._journal.finished:
            self._over(one, self._journal.finished[bag.id])
            return
        if len(self._under_way) == 1:
            self._tell(one)
        try:
            ready = bag if self._build.cut is None else self._build.cut(bag)
            instances = self._checker.instances(ready)
        except SlideError as error:
            self._leave(one, str(error))
            return
        if (self._encode is None) != (ready.images is None):
            raise FeatureError(_unfit(self._about, ready))
        one.instances, one.count = instances, len(instances)
        one.beside = _described(ready, instances)
        if self._encode is None:
            self._write(one, np.asarray(instances))

    def _is_found(self, one: UnderWay) -> bool:
        """Return whether the rows of a bag are there already; if another makes them, it waits."""
        shared, instances = self._build.shared, one.instances
        if shared is None or instances is None or one.beside is None:
            return False
        one.beside = replace(one.beside, key=shared.key(instances))
        found = shared.take(one.beside)
        if found is None and one.beside.key and isinstance(instances, Regions):
            try:
                one.held = shared.hold(one.beside.key, is_waiting=len(self._under_way) == 1)
            except BlockingIOError:  # who waits holds nothing that another may wait for
                self._waiting = one
                return False
            shared.look()
            found = shared.take(one.beside)
        if found is None:
            return False
        one.count = one.come = found.rows
        self._over(one, found)
        self._tell(one, is_taken=True)
        return True

    def _read(self, one: UnderWay, joiner: Joiner) -> Iterator[Batch]:
        """Yield the batches that the tiles of a bag fill."""
        instances, shared = one.instances, self._build.shared
        if instances is None or self._encode is None:
            return
        first = joiner.missing
        try:
            # The readers end before the slide is closed.
            with closing(blocks(instances, self._encode.batch, first)) as stream:
                for tiles in stream:
                    batch = joiner.add(one, tiles)
                    if batch is not None:
                        yield batch
        except SlideError as error:
            self._leave(one, str(error))
            return
        beside, is_lazy = one.beside, isinstance(instances, Regions)
        if shared and beside and is_lazy and shared.key(instances) != beside.key:
            one.beside = replace(beside, key="")  # the slide changed while it was read
        _close(one)

    # What comes back.

    def _take(self, found: np.ndarray, parts: list[tuple[UnderWay, int]]) -> None:
        """Write the rows of a batch to the bags that its tiles were of."""
        expected = sum(count for _, count in parts)
        if len(found) != expected:
            raise FeatureError(f"{self._place(parts)}: {len(found)} rows for {expected} tiles")
        start = 0
        for one, count in parts:
            if not one.reason:
                place = self._place([(one, count)])
                block = storable(found[start : start + count], place)
                self._check_same(block, place)
                self._write(one, block)
            start += count

    def _write(self, one: UnderWay, block: np.ndarray) -> None:
        """Append rows (n, D) to a bag, and finish it with the last of them."""
        if one is not self._writing:
            self._journal.begin()
            self._writing = one
            self._tell(one)
        self._journal.add(block)
        one.come += len(block)
        if self._encode is not None:
            self._tell(one, one.come)
        if one.come == one.count and one.beside is not None:
            beside = replace(one.beside, shape=block.shape[1:], dtype=block.dtype.str)
            self._over(one, self._journal.finish(beside))

    def _over(self, one: UnderWay, finished: Finished) -> None:
        one.finished = finished
        _close(one)
        one.held.close()
        self._settle()

    def _leave(self, one: UnderWay, reason: str) -> None:
        path = file_of(one.bag)
        if path is not None:  # results name no folders
            reason = reason.removeprefix(f"{path}: ")
        one.reason = reason
        _close(one)
        one.held.close()
        self._settle()

    def _settle(self) -> None:
        """Put what is over at its place in the data set, when all before it are."""
        while self._under_way and self._under_way[0].is_over:
            one = self._under_way.popleft()
            if one.finished is None:
                self._packed.left_out[one.bag.id] = one.reason
                log.warning("%s: left out bag %r: %s", self._about.dataset, one.bag.id, one.reason)
            else:
                self._checker.keep(one.bag, one.finished)
                self._packed.add(one.bag, one.finished)

    def _check_same(self, block: np.ndarray, place: str) -> None:
        if not self._packed.finished:
            return
        first = self._packed.finished[0]
        if block.shape[1:] != first.shape:
            raise FeatureError(
                f"{place}: features of shape {block.shape[1:]}, but {first.shape} for the bags "
                "before it"
            )
        if block.dtype.str != first.dtype:
            raise FeatureError(
                f"{place}: features of type {block.dtype}, but {np.dtype(first.dtype)} for the "
                "bags before it"
            )

    def _place(self, parts: list[tuple[UnderWay, int]]) -> str:
        names = [repr(one.bag.id) for one, _ in parts]
        bags = f"bag {names[0]}" if len(names) == 1 else f"bags {names[0]} to {names[-1]}"
        return f"encoder {self._about.encoder!r}, {bags}"

    def _tell(self, one: UnderWay, tiles: int = 0, *, is_taken: bool = False) -> None:
        """Tell the beginning of a bag once, and how many of its tiles are encoded."""
        if self._build.observe is None or (one.is_told and not tiles and not is_taken):
            return
        one.is_told = True
        done = len(self._packed.bags) + len(self._packed.left_out)
        of_tiles = one.count if tiles or is_taken else 0
        place = self._about.dataset, one.bag.id, done, self._total
        self._build.observe(Step(*place, tiles or of_tiles, of_tiles, is_taken))


def _close(one: UnderWay) -> None:
    """Let go of the pixels of a bag."""
    close = getattr(one.bag.picture, "close", None)
    if close is not None:
        close()
    one.bag, one.instances = bare(one.bag), None


def _described(bag: LabelledBag, instances: np.ndarray | Regions) -> Finished:
    """Return what a journal keeps of ``bag`` beside its rows, whose shape is not known yet."""
    coords, labels = bag.coords, bag.instance_labels
    return Finished(
        id=bag.id,
        shape=(),
        dtype=instances.dtype.str,
        given_shape=instances.shape[1:],
        given_dtype=instances.dtype.name,
        coords=None if coords is None else np.asarray(coords, np.float32),
        instance_labels=None if labels is None else np.asarray(labels, np.int64),
        grid=bag.grid,
    )


def _unfit(about: About, bag: LabelledBag) -> str:
    place = f"{about.dataset}, bag {bag.id!r}"
    if bag.images is None:
        return (
            f"{place}: gives features, which encoder {about.encoder!r} cannot read; use the "
            "encoder 'precomputed', or leave the encoder out of the suite"
        )
    return (
        f"{place}: gives images, and encoder {about.encoder!r} only takes features as they are; "
        "choose another: milbench list encoders"
    )
