"""What stands behind one number: its runs, what they were made from, and how it follows from them.

The number is computed a second time from the stored rows, step by step, and must be the one of the
leaderboard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import TraceError
from milbench.leaderboard.build import CIRCUMSTANCES, build
from milbench.leaderboard.select import select
from milbench.metrics.catalogue import value_of
from milbench.metrics.definitions import find
from milbench.metrics.multilabel import MACRO
from milbench.stats.estimate import estimate
from milbench.store import is_intact
from milbench.trace.address import read_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from milbench.leaderboard.board import Board
    from milbench.leaderboard.level import Level
    from milbench.leaderboard.select import Record
    from milbench.leaderboard.table import Row, Score, Section
    from milbench.metrics import Predictions
    from milbench.metrics.definitions import Kind
    from milbench.store import Store
    from milbench.trace.address import Address

HOW: Mapping[Kind, str] = {
    "ranking": (
        "computed on the test bags of each run, then averaged over folds, seeds and repeats; "
        "scores of different models are on different scales, so they are never pooled"
    ),
    "count": (
        "computed on the decisions about all test bags of a repeat and seed, then averaged over "
        "seeds and repeats; the value of a single fold is not averaged"
    ),
    "proper": "mean over all test bags of a repeat and seed, then over seeds and repeats",
    "calibration": (
        "computed on all test bags of a repeat and seed, in 15 bins, then averaged over seeds and "
        "repeats"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrace:
    """One run behind a number.

    Parameters
    ----------
    file
        Its record, with the predictions inside; relative to the suite's results.
    is_intact
        Whether the record is as it was written; None where it holds no hash of its content.
    bags
        Test bags.
    value
        The metric on the rows of this run alone; NaN where it is undefined there.
    """

    repeat: int
    fold: int
    seed: int
    key: str
    file: str
    is_intact: bool | None
    finished: str
    bags: int
    value: float
    threshold: float | list[float] | None
    epochs: int | None
    engine: str
    engine_reason: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything behind one number.

    Parameters
    ----------
    score, row
        As the leaderboard has them.
    how
        In words how runs become the number.
    repeats
        ``(repeat, value)``, whose mean the number is.
    is_reproduced
        Whether the number, computed again step by step, is the one of the leaderboard to the bit.
    hashes, versions
        By what, every value that occurs among the runs; more than one is worth a look.
    splits_file
        Relative to the suite's results; empty where it is not there.
    unused
        How many records of the data set do not count, by why.
    """

    address: Address
    encoder: str
    level: str
    score: Score
    row: Row
    is_primary: bool
    section_metric: str
    patients: int
    bags: int
    how: str
    repeats: tuple[tuple[int, float], ...]
    is_reproduced: bool
    runs: tuple[RunTrace, ...]
    others: tuple[str, ...]
    aggregator: str
    args: Mapping[str, Any]
    recipe: Mapping[str, Any]
    protocol: Mapping[str, Any]
    hashes: Mapping[str, tuple[str, ...]]
    versions: Mapping[str, tuple[str, ...]]
    splits: str
    splits_file: str
    unused: Mapping[str, int]


def explain(text: str, board: Board, records: Iterable[Record], store: Store) -> Explanation:
    """Return what stands behind the number at the address ``text``.

    Raises
    ------
    TraceError
        If there is no such number; the message lists what there is.
    """
    address, level = read_address(text, board)
    stored = list(records)
    # The other methods stay: rank, marks and Holm's correction depend on them.
    alone = replace(
        board,
        datasets=(level.dataset,),
        secondary=tuple(dict.fromkeys((*board.secondary, *_more(address, level)))),
    )
    section = _section(alone, stored, level, address)
    row = next(row for row in section.rows if row.method == address.method)
    selection = select(alone, level.dataset, stored)
    found = selection.methods[address.method]
    predictions = level.predictions(found)
    if predictions is None:
        raise TraceError(
            f"{address}: no finished run; {_none(row)}run: milbench run --suite {address.suite}"
        )
    return Explanation(
        **_computed(address, row, predictions),
        **_origin(found.done),
        address=address,
        encoder=level.dataset.encoder,
        level=level.name,
        row=row,
        is_primary=address.metric == section.metric,
        section_metric=section.metric,
        runs=_runs(address.metric, found.done, predictions, store),
        others=found.reasons,
        splits=board.splits,
        splits_file=_splits_file(store, level.dataset.name, selection.split),
        unused={"older": selection.stale, "unplanned": selection.unplanned},
    )


def _more(address: Address, level: Level) -> tuple[str, ...]:
    """Return the metric of the address where a suite must be asked for it."""
    is_there = address.metric in (level.metric, *level.secondary)
    return () if is_there else (address.metric,)


def _section(board: Board, records: list[Record], level: Level, address: Address) -> Section:
    made = build(board, records)
    for section in made.sections:
        if section.level == level.name:
            return section
    reason = made.skipped[0].reason if made.skipped else "no results"
    raise TraceError(f"{address}: {level.dataset.name}: {reason}")


def _none(row: Row) -> str:
    return f"{'; '.join(row.reasons)}; " if row.reasons else ""


def _computed(address: Address, row: Row, predictions: Predictions) -> dict[str, Any]:
    """Return the number with the steps to it, computed again."""
    score = row.score(address.metric)
    again = estimate(address.metric, predictions)
    numbers = sorted({repeat for repeat, *_ in predictions.runs()})
    return {
        "score": score,
        "how": _how(address.metric, predictions),
        "repeats": tuple(zip(numbers, again.per_repeat.tolist(), strict=True)),
        "is_reproduced": bool(np.array_equal(again.value, score.value, equal_nan=True)),
        "patients": again.n_patients,
        "bags": again.n_bags,
    }


def _how(metric: str, predictions: Predictions) -> str:
    words = HOW[find(metric).kind]
    is_mean = predictions.is_multi_label and metric in MACRO
    return f"mean over the labels, each {words}" if is_mean else words


def _runs(
    metric: str, done: Sequence[Record], predictions: Predictions, store: Store
) -> tuple[RunTrace, ...]:
    values = {
        (repeat, fold, seed): _alone(metric, predictions, positions)
        for repeat, fold, seed, positions in predictions.runs()
    }
    return tuple(_run(record, values[_name(record)], store) for record in done)


def _alone(metric: str, predictions: Predictions, positions: np.ndarray) -> float:
    if not predictions.is_probability and find(metric).kind != "ranking":
        return float("nan")
    rows = predictions.rows(positions)
    return float(value_of(metric, rows, np.ones((len(positions), 1)))[0])


def _name(record: Record) -> tuple[int, int, int]:
    return record["repeat"], record["fold"], record["seed"]


def _run(record: Record, value: float, store: Store) -> RunTrace:
    return RunTrace(
        repeat=record["repeat"],
        fold=record["fold"],
        seed=record["seed"],
        key=record["key"],
        file=store.path_of(record).relative_to(store.root).as_posix(),
        is_intact=is_intact(record),
        finished=record.get("finished", ""),
        bags=len(record["test"]["bag"]),
        value=value,
        threshold=record.get("threshold"),
        epochs=record.get("epochs"),
        engine=record.get("engine", ""),
        engine_reason=record.get("engine_reason", ""),
        device=record.get("device", ""),
        precision=record.get("precision", "float32"),
    )


def _origin(done: Sequence[Record]) -> dict[str, Any]:
    """Return what the runs were made from; settings are those of the first one."""
    first = done[0]
    suites = [{"suite": record.get("suite_hash", "")} for record in done]
    hashes = [dict(record.get("hashes", {})) for record in done]
    for each in hashes:
        each.pop("part", None)  # another one in each fold
    named = [
        dict(record.get("versions", {}))
        | {name: str(record[name]) for name in CIRCUMSTANCES if name in record}
        for record in done
    ]
    return {
        "aggregator": first.get("aggregator", ""),
        "args": first.get("args", {}),
        "recipe": first.get("recipe", {}),
        "protocol": first.get("protocol", {}),
        "hashes": _distinct([a | b for a, b in zip(suites, hashes, strict=True)]),
        "versions": _distinct(named),
    }


def _distinct(facts: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for each in facts for name in each)
    return {name: tuple(sorted({each[name] for each in facts if each.get(name)})) for name in names}


def _splits_file(store: Store, dataset: str, split: str) -> str:
    path = store.splits_path(dataset, split)
    return path.relative_to(store.root).as_posix() if path.is_file() else ""
