"""Go over the bags of a data set: check, cut, encode, write; leave out slides that are damaged."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from milbench.bags import BagTable
from milbench.errors import DatasetError, FeatureError, SlideError
from milbench.features.check import BagChecker
from milbench.features.encode import encoded
from milbench.features.journal import Finished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from milbench.bags import LabelledBag
    from milbench.features.encode import Encode
    from milbench.features.journal import Journal
    from milbench.features.write import About
    from milbench.pictures import Regions

    Instances = np.ndarray | Regions

log = logging.getLogger(__name__)


class Step(NamedTuple):
    """How far the features of a data set are.

    Parameters
    ----------
    dataset, bag
        Names.
    number, of
        Bags that are finished, and bags in all; None where only the reader of the data set knows.
    tiles, of_tiles
        Instances of the bag that are encoded, and that it has.
    """

    dataset: str
    bag: str
    number: int
    of: int | None
    tiles: int
    of_tiles: int


@dataclass(frozen=True, kw_only=True)
class Build:
    """How a store is built; nothing here changes what it holds.

    Parameters
    ----------
    cut
        Replaces the picture of a bag by its instances; None where bags bring these.
    journal
        Folder that keeps what is finished until the store is written; None for nothing kept.
    observe
        Called at the start of each bag and after each block of it.
    """

    cut: Callable[[LabelledBag], LabelledBag] | None = None
    journal: Path | None = None
    observe: Callable[[Step], None] | None = None


@dataclass
class Packed:
    """The bags that are stored, without their instances, and those that are left out."""

    bags: list[LabelledBag] = field(default_factory=list)  # without their arrays
    finished: list[Finished] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # the reason by id

    def add(self, bag: LabelledBag, finished: Finished) -> None:
        """Keep what belongs to ``bag``."""
        bare = replace(
            bag,
            x=None,
            images=None,
            picture=None,
            annotations=None,
            coords=None,
            instance_labels=None,
            grid=None,
        )
        self.bags.append(bare)
        self.finished.append(finished)

    def table(self, classes: tuple[str, ...]) -> BagTable:
        """Return the bags as a table; a bag without a patient is its own."""
        return BagTable(
            ids=tuple(bag.id for bag in self.bags),
            labels=np.array([bag.label for bag in self.bags], dtype=np.int64),
            patients=tuple(bag.patient or bag.id for bag in self.bags),
            sites=tuple(bag.site for bag in self.bags),
            parts=tuple(bag.part for bag in self.bags),
            sizes=np.array([done.rows for done in self.finished], dtype=np.int64),
            classes=classes,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays beside the features."""
        sizes = [done.rows for done in self.finished]
        arrays = {"offsets": np.cumsum([0, *sizes], dtype=np.int64)}
        coords = [done.coords for done in self.finished if done.coords is not None]
        if coords:
            arrays["coords"] = np.concatenate(coords)
        labels = [done.instance_labels for done in self.finished]
        if any(given is not None for given in labels):
            arrays["instance_labels"] = np.concatenate(
                [
                    np.full(size, -1, np.int64) if given is None else given
                    for given, size in zip(labels, sizes, strict=True)
                ]
            )
        if any(done.grid is not None for done in self.finished):
            grids = [done.grid or (0, 0) for done in self.finished]
            arrays["grids"] = np.array(grids, dtype=np.int64)
        return arrays


class Packer:
    """Write the instances of bags to a journal, one bag at a time.

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
        self._about, self._encode, self._build, self._journal = about, encode, build, journal
        self._checker = BagChecker(
            about.dataset, about.classes, is_multi_label=about.is_multi_label
        )
        self._packed = Packed()
        self._total: int | None = None

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
        for bag in ahead:
            self._checker.listed(bag)
            try:
                finished = self._finished(bag)
            except SlideError as error:
                self._leave_out(bag, str(error))
            else:
                self._checker.keep(bag, finished)
                self._packed.add(bag, finished)
            finally:
                close = getattr(bag.picture, "close", None)
                if close is not None:
                    close()
        self._checker.finish(self._packed.left_out)
        return self._packed

    def _finished(self, bag: LabelledBag) -> Finished:
        """Return what is stored of ``bag``, from the journal or made now."""
        if bag.id in self._journal.finished:
            return self._journal.finished[bag.id]
        self._journal.begin()
        self._tell(bag, 0, 0)
        ready = bag if self._build.cut is None else self._build.cut(bag)
        instances = self._checker.instances(ready)
        if (self._encode is None) != (ready.images is None):
            raise FeatureError(_unfit(self._about, ready))
        kind = instances.shape[1:], instances.dtype.name
        with closing(self._blocks(ready, instances)) as blocks:  # ends the readers before the slide
            for block in blocks:
                self._journal.add(block)
                stored = block.shape[1:], block.dtype.str
        return self._journal.finish(_described(ready, kind, stored))

    def _blocks(self, bag: LabelledBag, instances: Instances) -> Generator[np.ndarray]:
        """Yield what is stored of the instances, and tell how far they are."""
        if self._encode is None:
            yield np.asarray(instances)
            return
        place, count = f"encoder {self._about.encoder!r}, bag {bag.id!r}", 0
        with closing(encoded(self._encode, instances, place)) as blocks:
            for block in blocks:
                self._check_same(block, place)
                yield block
                count += len(block)
                self._tell(bag, count, len(instances))

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

    def _leave_out(self, bag: LabelledBag, reason: str) -> None:
        path = _file_of(bag)
        if path is not None:  # results name no folders
            reason = reason.removeprefix(f"{path}: ")
        self._packed.left_out[bag.id] = reason
        log.warning("%s: left out bag %r: %s", self._about.dataset, bag.id, reason)

    def _tell(self, bag: LabelledBag, tiles: int, of_tiles: int) -> None:
        if self._build.observe is not None:
            done = len(self._packed.bags) + len(self._packed.left_out)
            step = Step(self._about.dataset, bag.id, done, self._total, tiles, of_tiles)
            self._build.observe(step)


def listed(bags: Iterable[LabelledBag], dataset: str) -> tuple[Iterable[LabelledBag], int | None]:
    """Return ``bags`` and how many there are, where all are files that nobody has opened yet.

    Others may bring their pixels, so they come one by one, and their number is None.

    Raises
    ------
    DatasetError
        If one file is the slide of two bags.
    """
    ahead: list[LabelledBag] = []
    first: dict[Path, str] = {}
    coming = iter(bags)
    for bag in coming:
        ahead.append(bag)
        path = _file_of(bag)
        if path is None:
            return chain(ahead, coming), None
        if path in first:
            raise DatasetError(
                f"{dataset}, bag {bag.id!r}: the slide {path.name} is listed twice, also as bag "
                f"{first[path]!r}; each slide makes one bag"
            )
        first[path] = bag.id
    return ahead, len(ahead)


def _file_of(bag: LabelledBag) -> Path | None:
    """Return the file of a picture that is opened when it is read, as a slide is."""
    path: Path | None = getattr(bag.picture, "path", None)
    return path


def _described(
    bag: LabelledBag, given: tuple[tuple[int, ...], str], stored: tuple[tuple[int, ...], str]
) -> Finished:
    """Return what a journal keeps of ``bag`` beside its rows."""
    coords, labels = bag.coords, bag.instance_labels
    return Finished(
        id=bag.id,
        shape=stored[0],
        dtype=stored[1],
        given_shape=given[0],
        given_dtype=given[1],
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
