"""What the results of a machine rest on, and where two machines differ in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from milbench.leaderboard.board import view_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from milbench.store import Record

# What a ground is named by in a message.
KINDS = {"split": "splits", "features": "features", "protocol": "protocol of training"}


@dataclass(frozen=True)
class Ground:
    """What the newest results in one folder were computed from.

    Parameters
    ----------
    facts
        By kind and by what it is of (a data set, or a data set in a view): a hash, and a file that
        has it.
    suite
        Hash of the suite file of the newest run, with that run's file; None without runs.
    """

    root: Path
    facts: Mapping[tuple[str, str], tuple[str, Path]] = field(default_factory=dict)
    suite: tuple[str, Path] | None = None


def current(root: Path, records: Iterable[tuple[Path, Record]]) -> Ground:
    """Return the ground of the newest records of each data set; older ones count nowhere."""
    newest_first = sorted(records, key=lambda found: _age(found[1]), reverse=True)
    facts: dict[tuple[str, str], tuple[str, Path]] = {}
    for path, record in newest_first:
        for kind, of, value in _facts(record):
            facts.setdefault((kind, of), (value, path))
    suite = next(((r.get("suite_hash", ""), path) for path, r in newest_first), None)
    return Ground(root, facts, suite)


def faults(grounds: Sequence[Ground]) -> tuple[list[str], list[str]]:
    """Return where grounds differ: in splits, features or protocol, and in the suite file."""
    filled = sorted((g for g in grounds if g.facts), key=lambda ground: str(ground.root))
    of_ground = [fault for fact in _shared(filled) for fault in _differing(filled, fact)]
    of_suite = [
        f"{a.suite[1]} and {b.suite[1]} are of different versions of the suite file "
        f"({a.suite[0]}, {b.suite[0]}); --mixed-suites takes both"
        for a, b in pairwise(filled)
        if a.suite is not None and b.suite is not None and a.suite[0] != b.suite[0]
    ]
    return of_ground, of_suite


def _facts(record: Record) -> Iterator[tuple[str, str, str]]:
    hashes = record.get("hashes", {})
    dataset, view = record["dataset"], view_in(record)
    yield "split", dataset, hashes.get("split", "")
    yield "features", f"{dataset} ({view})", hashes.get("features", "")
    yield "protocol", dataset, json.dumps(record.get("protocol", {}), sort_keys=True)


def _age(record: Record) -> tuple[str, str]:
    return record.get("finished", ""), record["key"]


def _shared(grounds: Sequence[Ground]) -> list[tuple[str, str]]:
    return sorted({fact for ground in grounds for fact in ground.facts})


def _differing(grounds: Sequence[Ground], fact: tuple[str, str]) -> Iterator[str]:
    kind, of = fact
    having = [ground.facts[fact] for ground in grounds if fact in ground.facts]
    for (value, path), (other, other_path) in pairwise(having):
        if value != other:
            yield (
                f"{of}: other {KINDS[kind]} in {path} ({_short(value)}) than in {other_path} "
                f"({_short(other)})"
            )


def _short(value: str) -> str:
    return value if value.startswith("{") else value[:16]
