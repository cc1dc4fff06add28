"""Join the results of several machines into one folder, or say why they do not belong together.

Everything is checked before anything is written. Runs are told apart by their keys, so the order
of the folders means nothing, and merging twice is merging once. A kill in the middle leaves whole
files only; the same command then goes on.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.errors import MergeError, StoreError
from milbench.splits.plan import COLUMNS as SPLIT_COLUMNS
from milbench.store import Store, read_record
from milbench.trace.ground import current, faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from milbench.store import Record

# The best knowledge of a data set: it was ready somewhere.
STATES = ("ready", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Twice:
    """One run that two machines made: which file is kept, and whether the predictions agree."""

    kept: Path
    left: Path
    same_predictions: bool


@dataclass
class Merged:
    """What became of one suite.

    Parameters
    ----------
    added, known
        Runs that ``into`` did not have, and runs found more than once with the same content.
    twice
        Runs made more than once; where predictions differ, the merge is refused unless asked for.
    """

    suite: str
    into: Path
    added: int = 0
    known: int = 0
    twice: list[Twice] = field(default_factory=list)

    @property
    def conflicts(self) -> list[Twice]:
        """Return the runs made more than once with other predictions."""
        return [found for found in self.twice if not found.same_predictions]


@dataclass(frozen=True, slots=True)
class _Stored:
    """One record with its file; compared by what was predicted, and by when."""

    path: Path
    record: Record

    @property
    def predictions(self) -> str:
        """Return what no two machines may disagree about."""
        names = ("status", "test", "validation", "threshold", "classes", "chosen", "levels")
        found = {name: self.record.get(name) for name in names}
        return json.dumps(found, sort_keys=True)

    @property
    def merit(self) -> tuple[bool, str, str]:
        """Return what is kept first: finished runs, then newer ones; the text settles ties."""
        is_done = self.record["status"] == "done"
        return is_done, self.record.get("finished", ""), json.dumps(self.record, sort_keys=True)


def merge(
    sources: Sequence[Path], into: Path, *, keep_newest: bool = False, mixed_suites: bool = False
) -> list[Merged]:
    """Join the results in ``sources`` into the folder ``into``; return what became of each suite.

    Parameters
    ----------
    sources
        Folders of results, each with a folder a suite; or folders of suites.
    into
        May exist: then it is one of those that are joined.
    keep_newest
        Of a run made twice with different predictions keep the one that finished last; else the
        merge is refused.
    mixed_suites
        Take results of different versions of a suite file.

    Raises
    ------
    MergeError
        If a source has no results, splits, features, protocol or suites differ, or a run was made
        twice with different predictions; every fault is listed, with the files that differ.
    StoreError
        If a result file is damaged.
    """
    stores = _by_suite([*sources, *([into] if into.is_dir() else [])], into)
    is_suite = (into / "runs").is_dir()
    plans = [
        _plan(suite, found, into if is_suite else into / suite)
        for suite, found in sorted(stores.items())
    ]
    wrong = [fault for plan in plans for fault in plan.faults(keep_newest, mixed_suites)]
    if wrong:
        count = "1 reason" if len(wrong) == 1 else f"{len(wrong)} reasons"
        raise MergeError("\n  ".join([f"nothing merged, for {count}:", *wrong]))
    for plan in plans:
        plan.write()
    return [plan.merged for plan in plans]


def _by_suite(folders: Iterable[Path], into: Path) -> dict[str, list[Store]]:
    found: dict[str, dict[Path, Store]] = {}
    for folder in folders:
        inside = (
            [folder]
            if (folder / "runs").is_dir()
            else sorted(path.parent for path in folder.glob("*/runs") if path.is_dir())
        )
        if not inside and folder != into:
            raise MergeError(
                f"{folder}: no results; expected the folder of 'milbench run --results', or the "
                "folder of one suite in it, with a folder runs"
            )
        for root in inside:
            found.setdefault(_suite_name(root), {})[root.resolve()] = Store(root)
    return {suite: list(stores.values()) for suite, stores in found.items()}


def _suite_name(root: Path) -> str:
    """Return the suite of a store: what its records say; else the name of its folder."""
    first = next(iter(sorted(root.glob("runs/**/*.json"))), None)
    named = None if first is None else read_record(first).get("suite")
    return str(named or root.resolve().name)


@dataclass
class _Plan:
    """What is to be written for one suite."""

    into: Path
    stores: list[Store]
    chosen: dict[str, _Stored]
    merged: Merged
    grounds: list[str]
    suites: list[str]
    splits: dict[str, str]
    states: dict[str, object]

    def faults(self, keep_newest: bool, mixed_suites: bool) -> Iterator[str]:
        yield from self.grounds
        if not mixed_suites:
            yield from self.suites
        for found in [] if keep_newest else self.merged.conflicts:
            yield (
                f"{found.kept} and {found.left} are the same run with different predictions; "
                "--keep newest takes the one that finished last"
            )

    def write(self) -> None:
        """Write every file that is not there yet; a new folder appears as a whole."""
        target, temporary = self.into, None
        if not self.into.exists():
            self.into.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{self.into.name}.", dir=self.into.parent))
            target = temporary
        try:
            self._write_below(target)
            if temporary is not None:
                temporary.chmod(0o755)  # mkdtemp makes folders that nobody else may read
                temporary.rename(self.into)
        finally:
            if temporary is not None and temporary.exists():
                shutil.rmtree(temporary)

    def _write_below(self, target: Path) -> None:
        for stored in self.chosen.values():
            path = Store(target).path_of(stored.record)
            text = stored.path.read_text(encoding="utf-8")
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write_atomic(path, text)
        for name, text in self.splits.items():
            path = target / "splits" / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write_atomic(path, text)
        if self.states:
            Store(target).note_datasets(self.states)  # type: ignore[arg-type]  # as they were read


def _plan(suite: str, stores: list[Store], into: Path) -> _Plan:
    merged = Merged(suite, into)
    read = [(store, [_Stored(p, read_record(p)) for p in store.paths()]) for store in stores]
    strangers = [
        f"{stored.path}: a run of suite {stored.record['suite']!r} among those of {suite!r}"
        for _, found in read
        for stored in found
        if stored.record.get("suite", suite) != suite
    ]
    grounds = [current(s.root, [(f.path, f.record) for f in found]) for s, found in read]
    of_ground, of_suite = faults(grounds)
    splits, of_splits = _splits(stores)
    chosen = _choose(read, merged, into)
    wrong = [*strangers, *of_ground, *of_splits]
    return _Plan(into, stores, chosen, merged, wrong, of_suite, splits, _states(stores))


def _choose(
    read: Sequence[tuple[Store, list[_Stored]]], merged: Merged, into: Path
) -> dict[str, _Stored]:
    """Return one record a run, whatever the order of the stores."""
    chosen: dict[str, _Stored] = {}
    there: set[str] = set()
    for store, found in read:
        for stored in found:
            key = stored.record["key"]
            there |= {key} if store.root.resolve() == into.resolve() else set()
            if key in chosen:
                chosen[key] = _better(chosen[key], stored, merged)
            else:
                chosen[key] = stored
    merged.added = len(chosen.keys() - there)
    return dict(sorted(chosen.items()))


def _better(one: _Stored, other: _Stored, merged: Merged) -> _Stored:
    if one.record == other.record:
        merged.known += 1
        return one
    first, second = sorted((one, other), key=lambda stored: stored.merit, reverse=True)
    # A failure is no prediction: the same run finished elsewhere takes its place.
    agree = one.predictions == other.predictions or second.record["status"] != "done"
    merged.twice.append(Twice(first.path, second.path, agree))
    return first


def _splits(stores: Sequence[Store]) -> tuple[dict[str, str], list[str]]:
    """Return every file of splits, the one with most repeats where several are the same draw."""
    texts: dict[str, tuple[Path, str]] = {}
    wrong = []
    for store in stores:
        for path in sorted((store.root / "splits").glob("*.csv")):
            text = path.read_text(encoding="utf-8")
            known = texts.get(path.name)
            if not text.startswith(",".join(SPLIT_COLUMNS)):
                raise StoreError(f"{path}: no file of splits; expected {','.join(SPLIT_COLUMNS)}")
            if known is None or text.startswith(known[1]):
                texts[path.name] = (path, text)
            elif not known[1].startswith(text):
                wrong.append(f"{known[0]} and {path} are other splits under one name")
    return {name: text for name, (_, text) in sorted(texts.items())}, wrong


def _states(stores: Sequence[Store]) -> dict[str, object]:
    """Return what is known of each data set: that it was ready somewhere, else the first text."""
    found: dict[str, list[Mapping[str, object]]] = {}
    for store in stores:
        for name, state in store.datasets().items():
            found.setdefault(name, []).append(state)
    return {name: min(states, key=_standing) for name, states in sorted(found.items())}


def _standing(state: Mapping[str, object]) -> tuple[int, str]:
    status = str(state.get("status", ""))
    place = STATES.index(status) if status in STATES else len(STATES)
    return place, json.dumps(state, sort_keys=True)
