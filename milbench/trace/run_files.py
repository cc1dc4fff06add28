"""Whether the run files of a suite are sound: whole, unedited, in place, of the stored splits."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple

from milbench.errors import StoreError
from milbench.jobs import roles_hash
from milbench.splits.plan import ROLES
from milbench.store import is_intact, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from milbench.store import Record, Store

# By (repeat, fold): the hash of the roles of all bags, and the bags that are tested.
Parts = dict[tuple[int, int], tuple[str, frozenset[str]]]


class Fault(NamedTuple):
    """What is wrong with a file."""

    file: str
    what: str


def check_run_files(store: Store) -> tuple[list[Fault], list[dict[str, Any]]]:
    """Return what is wrong with the run files of ``store``, and the records that can be read."""
    faults: list[Fault] = []
    records: list[dict[str, Any]] = []
    splits: dict[Path, Parts | str] = {}
    for path in store.paths():
        name = path.relative_to(store.root).as_posix()
        try:
            record = read_record(path)
        except StoreError as error:
            faults.append(Fault(name, str(error).removeprefix(f"{path}: ")))
            continue
        records.append(record)
        faults += [Fault(name, what) for what in _wrong(record, path, store, splits)]
    broken = sorted((path, what) for path, what in splits.items() if isinstance(what, str))
    faults += [Fault(path.relative_to(store.root).as_posix(), str(w)) for path, w in broken]
    return faults, records


def _wrong(
    record: Record, path: Path, store: Store, splits: dict[Path, Parts | str]
) -> Iterator[str]:
    if is_intact(record) is False:
        yield "edited since it was written: its content is not what its hash says"
    if store.path_of(record) != path:
        yield f"not where it belongs, {store.path_of(record).relative_to(store.root).as_posix()}"
    hashes = record.get("hashes", {})
    if not hashes.get("split") or not hashes.get("part"):
        return
    file = store.splits_path(record["dataset"], hashes["split"])
    if file not in splits:
        splits[file] = _parts(file)
    parts = splits[file]
    if not isinstance(parts, str):
        yield from _fits(record, parts, file)


def _fits(record: Record, parts: Mapping[tuple[int, int], Any], file: Path) -> Iterator[str]:
    place = record["repeat"], record["fold"]
    if place not in parts:
        yield f"repeat {place[0]}, fold {place[1]} are not in {file.name}"
        return
    part, tested = parts[place]
    if part != record["hashes"]["part"]:
        yield f"made on other splits than {file.name} holds for repeat {place[0]}, fold {place[1]}"
    elif "test" in record and frozenset(record["test"]["bag"]) != tested:
        yield f"its test bags are not those of {file.name}"


def _parts(file: Path) -> Parts | str:
    """Return the folds of a file of splits, or what is wrong with it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        bags: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            place = int(row["repeat"]), int(row["fold"])
            bags.setdefault(place, []).append((row["bag_id"], ROLES.index(row["role"])))
    except FileNotFoundError:
        return "not there: which bags were tested in which fold cannot be checked"
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        return f"damaged: {error}; delete it and run the suite again, which draws the same splits"
    test = ROLES.index("test")
    return {
        place: (roles_hash(roles), frozenset(bag for bag, role in roles if role == test))
        for place, roles in bags.items()
    }
