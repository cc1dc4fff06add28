"""The result files of a suite: one JSON file a run, written whole or not at all.

::

    results/<suite>/runs/<data set>/<method>/<key>.json
    results/<suite>/splits/<data set>-<digest>.csv
    results/<suite>/datasets.json

Every reported number is a pure function of the rows in these files. They merge in git, survive a
kill at any moment, and need no database. Each holds the hash of its content, so that an edit by
hand is seen (``milbench verify``); it decides nothing else.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from milbench.atomic import write_atomic
from milbench.errors import StoreError
from milbench.search import TUNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from milbench.jobs import Run

SCHEMA = 1
SEAL = "content"  # the field that holds the hash of all others
Record = Mapping[str, Any]
_NEEDED = ("schema", "key", "status", "dataset", "method", "repeat", "fold", "seed")


class Store:
    """The results of one suite under the folder ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, run: Run) -> Path:
        """Return where the record of ``run`` lies once it is written."""
        return self._path(run.cell.dataset, run.cell.row, run.key)

    def add(self, record: Record) -> Path:
        """Write one record, with the hash of its content, and return its path."""
        path = self.path_of(record)
        sealed = {**record, SEAL: content_hash(record)}
        write_atomic(path, json.dumps(sealed, allow_nan=False, separators=(",", ":")) + "\n")
        return path

    def path_of(self, record: Record) -> Path:
        """Return where ``record`` belongs."""
        return self._path(record["dataset"], record["method"], record["key"])

    def paths(self) -> tuple[Path, ...]:
        """Return the path of every stored record, sorted."""
        return tuple(sorted(self.root.glob("runs/**/*.json")))

    def splits_path(self, dataset: str, split: str) -> Path:
        """Return where the splits of a data set with the digest ``split`` lie."""
        return self.root / "splits" / f"{dataset}-{split}.csv"

    def records(self) -> Iterator[Record]:
        """Yield every stored record, in the order of the paths.

        Raises
        ------
        StoreError
            If a file is damaged; the message names it.
        """
        for path in self.paths():
            yield read_record(path)

    def read_all(self) -> tuple[Record, ...]:
        """Return every stored record, as :meth:`records` does one by one."""
        with _collector_paused():
            return tuple(self.records())

    def of_method(self, method: str) -> Iterator[Record]:
        """Yield the records of one row of the leaderboard, on all data sets.

        Raises
        ------
        StoreError
            If a file is damaged; the message names it.
        """
        for path in self.root.glob(f"runs/*/{_folder(method)}/*.json"):
            yield read_record(path)

    def datasets(self) -> dict[str, dict[str, Any]]:
        """Return what the last run knew of each data set: status, reason, notes."""
        path = self.root / "datasets.json"
        return _json(path) if path.exists() else {}

    def note_datasets(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep why data sets were skipped and how they were split, for a later leaderboard."""
        write_atomic(self.root / "datasets.json", json.dumps(states, indent=1) + "\n")

    def _path(self, dataset: str, method: str, key: str) -> Path:
        return self.root / "runs" / _folder(dataset) / _folder(method) / f"{key}.json"


def done_keys(records: Iterable[Record]) -> frozenset[str]:
    """Return the keys of all finished results; a failure does not count."""
    return frozenset(record["key"] for record in records if record["status"] == "done")


def content_hash(record: Record) -> str:
    """Return the SHA-256 of a record without its seal, 64 hexadecimal digits.

    Of its JSON with sorted names: the order of the fields in the file means nothing.
    """
    unsealed = {name: value for name, value in record.items() if name != SEAL}
    text = json.dumps(unsealed, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def is_intact(record: Record) -> bool | None:
    """Return whether a record is as it was written; None where it holds no hash of its content."""
    return None if SEAL not in record else bool(record[SEAL] == content_hash(record))


def read_record(path: Path) -> dict[str, Any]:
    """Return the record stored at ``path``.

    Raises
    ------
    StoreError
        If the file is truncated, is no record, or has another schema.
    """
    record = _json(path)
    missing = [name for name in _NEEDED if name not in record]
    if missing:
        raise StoreError(f"{path}: no field {missing[0]!r}; {_CURE}")
    if record["schema"] != SCHEMA:
        raise StoreError(
            f"{path}: schema {record['schema']!r}, expected {SCHEMA}; "
            "it was written by another version of milbench"
        )
    return record


_CURE = "delete this file and run the suite again; only this run is repeated"


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Leave out the search for cycles, of which JSON has none; it takes longer than the reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path}: damaged at line {error.lineno}, column {error.colno}: {error.msg}; {_CURE}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read: {error}; {_CURE}") from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: holds a {type(content).__name__}, expected an object; {_CURE}")
    return content


def _folder(name: str) -> str:
    # Two names may share a folder: files are told apart by their keys.
    return name.replace(TUNED, "--tuned").replace("/", "--")
