"""The instances of the bags that are finished, on the disk before the last bag is.

A contiguous HDF5 array needs its length beforehand, and bags come one by one, so their rows go to
a file of their own first: at no time does the memory hold more than a block. The file leaves room
at its start for what HDF5 writes before an array, so that it becomes the feature store as it is
(:mod:`milbench.features.enclose`). Where encoding is dear it lies in a folder that stays, with a
line for each finished bag, and a run that was killed goes on behind the last of them.
"""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from itertools import accumulate
from math import prod
from shutil import rmtree
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import numpy as np

from milbench.errors import FeatureError
from milbench.features.follow import BLOCK_BYTES, Follower

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

START = 2048  # where HDF5 puts the first array of a file; if another does not, rows are copied
ABOUT = "about"  # the file of a journal's folder that says what it is of


class Source(NamedTuple):
    """A file of rows that were written for another data set, held open until they are copied.

    ``is_final`` says whether it never changes as long as it is there, as a store and no journal.
    """

    path: Path
    file: IO[bytes]
    is_final: bool


@dataclass(frozen=True, kw_only=True)
class Finished:
    """One bag whose rows are all written.

    Parameters
    ----------
    start, rows
        First byte, and number of instances.
    shape, dtype
        Of one instance as stored.
    given_shape, given_dtype
        Of one instance before it was encoded.
    values
        SHA-256 of the bytes, where a journal is kept; another run then looks whether it is whole.
    coords : (rows, 2) float32, optional
        Positions.
    instance_labels : (rows,) int64, optional
        Labels of the instances.
    grid
        Rows and columns that the instances fill.
    key
        Of what the rows were made from; empty where nothing else can use them.
    source
        Where the rows are, if not in the journal.
    """

    id: str
    shape: tuple[int, ...]
    dtype: str
    given_shape: tuple[int, ...]
    given_dtype: str
    start: int = 0
    rows: int = 0
    values: str = ""
    coords: np.ndarray | None = None
    instance_labels: np.ndarray | None = None
    grid: tuple[int, int] | None = None
    key: str = ""
    source: Source | None = None

    @property
    def bytes(self) -> int:
        """Return the bytes of all instances."""
        return self.rows * prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass
class Journal:
    """Rows of finished bags, and of the one that is under way.

    Parameters
    ----------
    place
        The feature store that they are for, for messages.
    rows
        The rows, one bag after the other, from :data:`START` on.
    values
        Hashes the rows of finished bags.
    lines
        One line of JSON for each finished bag; None where nothing is kept.
    finished
        The bags that an earlier run finished, by id.
    is_hashed
        Whether each bag is hashed though nothing is kept, as other data sets may want its rows.
    """

    place: Path
    rows: IO[bytes]
    values: Follower
    lines: IO[bytes] | None = None
    finished: dict[str, Finished] = field(default_factory=dict)
    is_hashed: bool = False
    end: int = START  # first byte behind the last finished bag
    _values: Any = field(default_factory=sha256)
    _count: int = 0

    def begin(self) -> None:
        """Forget the rows of a bag that was not finished."""
        with disk(self.place):
            self.rows.seek(self.end)
            self.rows.truncate()
        self._values, self._count = sha256(), 0

    def add(self, instances: np.ndarray) -> None:
        """Append instances of the bag that is under way: (n, ...), without gaps in the memory."""
        content = instances.reshape(-1).view(np.uint8).data
        if self.is_hashed or self.lines is not None:
            self._values.update(content)
        self._count += len(instances)
        with disk(self.place):
            for first in range(0, len(content), BLOCK_BYTES):  # what was just read is in the cache
                self.rows.write(content[first : first + BLOCK_BYTES])

    def finish(self, bag: Finished) -> Finished:
        """Keep ``bag``, whose rows were added since :meth:`begin`, and return it complete."""
        done = replace(bag, start=self.end, rows=self._count, values=self._values.hexdigest())
        with disk(self.place):
            self.rows.flush()
            self.values.add(done.start, done.bytes)
            if self.lines is not None:
                self.lines.write(_line(done))
                self.lines.flush()
        self.end += done.bytes
        return done

    def read(self, bag: Finished) -> Iterator[bytes]:
        """Yield the rows of a finished bag, 256 KiB at a time."""
        yield from _blocks(self.rows if bag.source is None else bag.source.file, bag)

    def is_exactly(self, bags: Sequence[Finished]) -> bool:
        """Return whether the rows are those of ``bags`` in this order, and no others."""
        if any(bag.source is not None for bag in bags):
            return False
        ends = accumulate((bag.bytes for bag in bags), initial=START)
        return [*(bag.start for bag in bags), self.end] == list(ends)


@contextmanager
def open_journal(path: Path, folder: Path | None = None, about: str = "") -> Iterator[Journal]:
    """Open the journal for the feature store at ``path``; without a folder nothing is kept.

    ``about`` is kept in the folder for whoever looks at it later. A folder is removed at the end,
    and left where it is when an error or a kill ends the building after a bag was finished.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _unkept(path) if folder is None else _kept(path, folder, about) as journal:
        yield journal


@contextmanager
def _unkept(path: Path) -> Iterator[Journal]:
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with disk(path):
            rows = temporary.open("x+b")
        with rows, Follower(temporary) as values:
            yield Journal(path, rows, values)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _kept(path: Path, folder: Path, about: str) -> Iterator[Journal]:
    is_needed = True
    try:
        with ExitStack() as files:
            with disk(path):
                folder.mkdir(exist_ok=True)
                (folder / ABOUT).write_text(about, encoding="utf-8")
                (folder / "rows").touch()
                rows = files.enter_context((folder / "rows").open("r+b"))
                lines = files.enter_context((folder / "bags").open("a+b"))
                values = files.enter_context(Follower(folder / "rows"))
            journal = _resumed(Journal(path, rows, values, lines), lines)
            try:
                yield journal
                is_needed = False
            finally:
                is_needed &= journal.end > START
    finally:
        if not is_needed:
            rmtree(folder, ignore_errors=True)


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Say which file could not be written, when the disk is full or the folder is closed.

    Raises
    ------
    FeatureError
        In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise FeatureError(
            f"{path}: cannot be written: {error}; free some space, or set MILBENCH_CACHE to a "
            "folder that can be written"
        ) from error


def _resumed(journal: Journal, lines: IO[bytes]) -> Journal:
    """Take over the bags of an earlier run up to the first whose rows are not what they were."""
    lines.seek(0)
    kept = 0
    for line in lines:
        bag = parsed(line)
        if bag is None or bag.start != journal.end or not is_whole(journal.rows, bag):
            break
        journal.finished[bag.id] = bag
        journal.values.add(bag.start, bag.bytes)
        journal.end += bag.bytes
        kept += len(line)
    lines.truncate(kept)
    journal.begin()
    if journal.finished:
        log.info("%s: %d bags were finished before", journal.place, len(journal.finished))
    return journal


def _blocks(file: IO[bytes], bag: Finished) -> Iterator[bytes]:
    file.seek(bag.start)
    left = bag.bytes
    while block := file.read(min(BLOCK_BYTES, left)):
        yield block
        left -= len(block)


def is_whole(file: IO[bytes], bag: Finished) -> bool:
    """Return whether the rows of a bag in ``file`` are those that were written."""
    digest, size = sha256(), 0
    for block in _blocks(file, bag):
        digest.update(block)
        size += len(block)
    return size == bag.bytes and digest.hexdigest() == bag.values


def _line(bag: Finished) -> bytes:
    plain = replace(bag, source=None, coords=None, instance_labels=None)
    content = asdict(plain) | {
        name: None if array is None else [array.dtype.str, b64encode(array.tobytes()).decode()]
        for name, array in (("coords", bag.coords), ("instance_labels", bag.instance_labels))
    }
    del content["source"]
    return json.dumps(content).encode() + b"\n"


def parsed(line: bytes) -> Finished | None:
    """Return the bag of a line; None for one that was not written to its end."""
    try:
        content = json.loads(line)
        coords, labels = (_array(content.pop(name)) for name in ("coords", "instance_labels"))
        for name in ("shape", "given_shape", "grid"):
            content[name] = None if content[name] is None else tuple(content[name])
        if not content.keys() <= {one.name for one in fields(Finished)}:
            return None  # of a later version
    except (ValueError, KeyError, TypeError):
        return None
    positions = None if coords is None else coords.reshape(-1, 2)
    return Finished(**content, coords=positions, instance_labels=labels)


def _array(stored: list[str] | None) -> np.ndarray | None:
    return None if stored is None else np.frombuffer(b64decode(stored[1]), np.dtype(stored[0]))
