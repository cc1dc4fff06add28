"""The instances of the bags that are finished, on the disk before the last bag is.

A contiguous HDF5 array needs its length beforehand, and bags come one by one, so their rows go to
a file of their own first: at no time does the memory hold more than a block. Where encoding is
dear that file has a name, with a line for each finished bag beside it, and a run that was killed
goes on behind the last of them.
"""

from __future__ import annotations

import json
import logging
import tempfile
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from math import prod
from shutil import rmtree
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from milbench.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

BLOCK_BYTES = 2**20
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
        SHA-256 of the bytes.
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
        The rows, one bag after the other.
    lines
        One line of JSON for each finished bag; None where nothing is kept.
    finished
        The bags that an earlier run finished, by id.
    """

    place: Path
    rows: IO[bytes]
    lines: IO[bytes] | None = None
    finished: dict[str, Finished] = field(default_factory=dict)
    end: int = 0  # first byte behind the last finished bag
    _values: Any = field(default_factory=sha256)
    _count: int = 0

    def begin(self) -> None:
        """Forget the rows of a bag that was not finished."""
        with disk(self.place):
            self.rows.seek(self.end)
            self.rows.truncate()
        self._values, self._count = sha256(), 0

    def add(self, instances: np.ndarray) -> None:
        """Append instances of the bag that is under way."""
        self._values.update(instances.data)
        self._count += len(instances)
        with disk(self.place):
            self.rows.write(instances.data)

    def finish(self, bag: Finished) -> Finished:
        """Keep ``bag``, whose rows were added since :meth:`begin`, and return it complete."""
        done = replace(bag, start=self.end, rows=self._count, values=self._values.hexdigest())
        with disk(self.place):
            self.rows.flush()
            if self.lines is not None:
                self.lines.write(_line(done))
                self.lines.flush()
        self.end += done.bytes
        return done

    def read(self, bag: Finished) -> Iterator[np.ndarray]:
        """Yield the rows of a finished bag, a mebibyte or one row at a time."""
        file = self.rows if bag.source is None else bag.source.file
        dtype = np.dtype(bag.dtype)
        width = prod(bag.shape) * dtype.itemsize
        rows = max(1, BLOCK_BYTES // width)
        file.seek(bag.start)
        for first in range(0, bag.rows, rows):
            block = file.read(min(rows, bag.rows - first) * width)
            yield np.frombuffer(block, dtype).reshape(-1, *bag.shape)


@contextmanager
def open_journal(path: Path, folder: Path | None = None, about: str = "") -> Iterator[Journal]:
    """Open the journal for the feature store at ``path``; without a folder nothing is kept.

    ``about`` is kept in the folder for whoever looks at it later. A folder is removed at the end,
    and left where it is when an error or a kill ends the building after a bag was finished.
    """
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if folder is None:
        with disk(path):
            file = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115  # closed below
        with file:
            yield Journal(path, file)
        return
    with disk(path):
        folder.mkdir(exist_ok=True)
        (folder / ABOUT).write_text(about, encoding="utf-8")
        rows, lines = ((folder / name).open("a+b") for name in ("rows", "bags"))
    is_done = False
    with rows, lines:
        journal = _resumed(Journal(path, rows, lines), lines)
        try:
            yield journal
            is_done = True
        finally:
            if is_done or journal.end == 0:
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
        journal.end += bag.bytes
        kept += len(line)
    lines.truncate(kept)
    journal.begin()
    if journal.finished:
        log.info("%s: %d bags were finished before", journal.place, len(journal.finished))
    return journal


def is_whole(file: IO[bytes], bag: Finished) -> bool:
    """Return whether the rows of a bag in ``file`` are those that were written."""
    digest, left = sha256(), bag.bytes
    file.seek(bag.start)
    while block := file.read(min(BLOCK_BYTES, left)):
        digest.update(block)
        left -= len(block)
    return left == 0 and digest.hexdigest() == bag.values


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
