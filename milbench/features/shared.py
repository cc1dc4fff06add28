"""Rows that were encoded before, for this data set or another: found by what they were made from.

Every store says for each of its bags by a key what the rows follow from: the file of the slide as
it lies there, the squares that were cut, and the encoder with its code and weights. So no second
copy has to be kept to be shared from: whoever needs the rows of a key takes them out of any store
or journal in the cache, once their hash was found to be that which they were written with.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from milbench.code import code_hash
from milbench.features.alone import alone
from milbench.features.journal import Finished, Source, is_whole, parsed
from milbench.features.store import kept_rows
from milbench.pictures import Regions
from milbench.slides import Slide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from milbench.view import View

    Stamp = tuple[int, int, int]

VERSION = 1  # raised by hand when what a key follows from changes
DIGITS = 40
# Slides of several files, whose names only their reader knows: a changed one would not be seen.
SEVERAL_FILES = frozenset({".vms", ".vmu", ".dcm"})


class Shared:
    """The rows in a cache that one encoder gave, by their keys; a context manager.

    Parameters
    ----------
    cache
        The folder of all features.
    view
        Names the encoder and its precision; the tiler has no part, what it cut does.
    weights
        SHA-256 of the weights; empty where there are none.
    journal
        That of the building itself, which is not looked into.
    """

    def __init__(self, cache: Path, view: View, weights: str, journal: Path | None) -> None:
        encoder = view.encoder
        self._cache, self._name, self._own = cache, encoder.name, journal
        made_by = encoder.name, encoder.version, code_hash(encoder), weights, view.precision
        self._encoder = [VERSION, *made_by]
        self._found: dict[str, tuple[Path, Finished]] = {}
        self._stores: dict[Path, Stamp] = {}
        self._journals: dict[Path, tuple[int, int]] = {}  # inode, and bytes that were read
        self._open: dict[Path, Source] = {}
        self._files = ExitStack()

    def __enter__(self) -> Self:
        """Look for what there is."""
        self.look()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files that rows were taken from."""
        self._files.close()

    def key(self, instances: np.ndarray | Regions) -> str:
        """Return what names the rows of these instances; empty where they cannot be shared.

        Tiles in the memory are known by their pixels, those in a slide by its file and the squares.
        """
        seen = _seen(instances)
        if not seen:
            return ""
        return sha256(json.dumps([*self._encoder, *seen]).encode()).hexdigest()[:DIGITS]

    def take(self, wanted: Finished) -> Finished | None:
        """Return ``wanted`` with the rows of its key, where they are there and whole."""
        place = self._found.get(wanted.key)
        if place is None:
            return None
        path, found = place
        try:
            source = self._source(path)
            is_sound = is_whole(source.file, found)
        except OSError:  # removed, or of a disk that fails
            is_sound = False
        if not is_sound:
            del self._found[wanted.key]
            return None
        return replace(
            wanted,
            shape=found.shape,
            dtype=found.dtype,
            start=found.start,
            rows=found.rows,
            values=found.values,
            source=source,
        )

    def hold(self, key: str, *, is_waiting: bool) -> ExitStack:
        """Hold the right to encode what has this key until what is returned is closed.

        Raises
        ------
        BlockingIOError
            If another process has it, and that is not waited for.
        """
        with ExitStack() as stack:
            stack.enter_context(alone(self._cache / key, is_waiting=is_waiting))
            return stack.pop_all()

    def look(self) -> None:
        """Take in what was written since the last time, here or by another process."""
        for path in sorted(self._cache.glob(f"*/*{self._name}*.h5")):
            stamp = _stamp(path)
            if stamp is not None and self._stores.get(path) != stamp:
                self._stores[path] = stamp
                for place, bag in kept_rows(path):
                    self._found.setdefault(bag.key, (place, bag))
        for lines in sorted(self._cache.glob(f"*/.*{self._name}*.journal/bags")):
            if lines.parent != self._own:
                for bag in self._new_lines(lines):
                    self._found.setdefault(bag.key, (lines.with_name("rows"), bag))

    def _new_lines(self, path: Path) -> Iterator[Finished]:
        """Yield the bags with a key that a journal has now and had not when it was read last."""
        stamp = _stamp(path)
        if stamp is None:
            return
        inode, start = self._journals.get(path, (stamp[0], 0))
        if inode != stamp[0]:
            start = 0
        if stamp[1] <= start:
            return
        try:
            with path.open("rb") as file:
                file.seek(start)
                whole = [line for line in file if line.endswith(b"\n")]
        except OSError:  # its building ended meanwhile
            return
        self._journals[path] = stamp[0], start + sum(map(len, whole))
        found = (parsed(line) for line in whole)
        yield from (bag for bag in found if bag is not None and bag.key)

    def _source(self, path: Path) -> Source:
        """Return the file at ``path``, which stays open: it may lose its name before it is read."""
        source = self._open.get(path)
        if source is None:
            file = self._files.enter_context(path.open("rb"))
            is_final = path.name != "rows"
            source = self._open[path] = Source(path, file, is_final)
        return source


def _seen(instances: np.ndarray | Regions) -> list[Any]:
    """Return what the values of instances follow from; nothing where that is not known."""
    if not isinstance(instances, Regions):
        pixels = np.ascontiguousarray(instances)
        return ["pixels", list(pixels.shape), sha256(pixels.data).hexdigest()]
    picture = instances.picture
    if type(picture) is not Slide or picture.path.suffix.lower() in SEVERAL_FILES:
        return []  # a picture of another class may give anything
    path = picture.path.resolve()
    beside = path.with_suffix("")  # where the pixels of a .mrxs are
    is_folder = path.suffix.lower() == ".mrxs" and beside.is_dir()
    files = [path, *(sorted(beside.iterdir()) if is_folder else ())]
    stamps = [(one.name, *(_stamp(one) or ())[1:]) for one in files]
    boxes = np.asarray(instances.boxes, np.int64)  # (N, 4)
    digest = sha256(boxes.tobytes()).hexdigest()
    return ["slide", str(path), stamps, len(boxes), digest, list(instances.size)]


def _stamp(path: Path) -> Stamp | None:
    """Return inode, size and time of change of a file; None where it is not there any more."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
