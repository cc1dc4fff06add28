"""The unit of work that an executor runs: train some runs of one cell and store their records.

Each record is on the disk before the task reports back, so a killed worker loses only the run, or
the stack of runs, it was in.
"""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from milbench.errors import MilbenchError
from milbench.features import open_features
from milbench.memory import keep_freed_memory
from milbench.records import Aggregator
from milbench.registry import load_registry
from milbench.splits import load_splits
from milbench.store import SCHEMA, Store
from milbench.train.denormals import denormals_flushed
from milbench.train.engine import train_run, train_stack, unsuitable
from milbench.train.machine import keep_products, peak_memory_mb, versions
from milbench.train.matmul import DEFAULT
from milbench.train.resident import resident
from milbench.train.tune import tune_run, tune_runs
from milbench.train.tune_stacked import fit_all_stacked, why_apart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from milbench.bags import BagTable
    from milbench.jobs import Cell, Run
    from milbench.splits import Part, Splits
    from milbench.train.engine import Outcome
    from milbench.train.matmul import Matmul
    from milbench.train.resident import Resident


@dataclass(frozen=True)
class Task:
    """Runs of one cell, with the paths of what they need; small enough to send to a process.

    Parameters
    ----------
    features, splits
        Files that hold the instances and the roles of the bags.
    store
        Folder of the suite's results.
    suite_digest
        Digest of the suite file, for the record.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    threads
        Threads that torch may use in this task.
    alone
        Why the runs are trained one after the other; empty text when they may be stacked.
    matmul
        What multiplies matrices; decided once, in the main process.
    planned
        How many runs of the plan share the order of bags; no fewer when some are done already.
    """

    runs: tuple[Run, ...]
    features: Path
    splits: Path
    store: Path
    suite_digest: str
    device: str = "cpu"
    threads: int = 1
    alone: str = ""
    matmul: Matmul = DEFAULT
    planned: int = 1


class Finished(NamedTuple):
    """What became of one run, small enough to send back."""

    key: str
    dataset: str
    method: str
    status: str
    reason: str
    path: Path


class Apart(NamedTuple):
    """The answer to a task whose runs are to be trained in tasks of their own, and why."""

    reason: str


def work(task: Task) -> list[Finished] | Apart:
    """Train the runs of ``task``, store one record each, and return what became of them.

    Runs that may be stacked are handed back untrained where the probe, or the stack itself, says
    that they cannot.
    """
    keep_freed_memory()
    keep_products()
    torch.set_num_threads(task.threads)
    store = Store(task.store)
    with denormals_flushed():
        if task.alone:
            return [_finish(store, _record(run, task)) for run in task.runs]
        records = _stack_records(task)
        if isinstance(records, Apart):
            return records
        return [_finish(store, record) for record in records]


def failure(run: Run, suite_digest: str, error: BaseException) -> dict[str, Any]:
    """Return the record of a run that could not be finished."""
    lines = traceback.format_exception(error)
    reason = str(error) or type(error).__name__
    if not isinstance(error, MilbenchError):
        reason = f"{type(error).__name__}: {reason}"
    return _head(run, suite_digest) | {
        "status": "failed",
        "reason": reason.splitlines()[0][:500],
        "traceback": "".join(lines),
    }


def store_failure(task: Task, error: BaseException) -> list[Finished]:
    """Record every run of ``task`` as failed by ``error``, in the main process."""
    store = Store(task.store)
    return [_finish(store, failure(run, task.suite_digest, error)) for run in task.runs]


def _finish(store: Store, record: dict[str, Any]) -> Finished:
    return Finished(
        key=record["key"],
        dataset=record["dataset"],
        method=record["method"],
        status=record["status"],
        reason=record["reason"],
        path=store.add(record),
    )


def _record(run: Run, task: Task) -> dict[str, Any]:
    try:
        data, table, splits = _load(task.features, task.splits, task.device, task.matmul)
        record = load_registry().record(Aggregator, run.cell.aggregator)
        reason = unsuitable(record, data, run.cell.parents)
        if reason:
            return _head(run, task.suite_digest) | {"status": "skipped", "reason": reason}
        part = splits.part(run.repeat, run.fold)
        train = train_run if run.cell.tuning is None else tune_run
        outcome = train(run, record, data, part)
        return _done(run, outcome, (table, part), task)
    except Exception as error:  # noqa: BLE001  # a method may raise anything; it is recorded whole
        return failure(run, task.suite_digest, error)


def _stack_records(task: Task) -> list[dict[str, Any]] | Apart:
    """Return one record a run, or why the runs cannot be trained as a stack."""
    try:
        data, table, splits = _load(task.features, task.splits, task.device, task.matmul)
        cell = task.runs[0].cell
        record = load_registry().record(Aggregator, cell.aggregator)
        if unsuitable(record, data, cell.parents):
            return Apart("the data set does not suit the method")
        reason = why_apart(cell, record, data, task.planned)
        if reason:
            return Apart(reason)
        parts = [splits.part(run.repeat, run.fold) for run in task.runs]
        outcomes = _side_by_side(task.runs, record, data, parts)
    except Exception as error:  # noqa: BLE001  # run by run it is told of the run it belongs to
        return Apart(f"the stack failed: {type(error).__name__}: {error}"[:300])
    return [
        failure(run, task.suite_digest, outcome)
        if isinstance(outcome, MilbenchError)
        else _done(run, outcome, (table, part), task)
        for run, outcome, part in zip(task.runs, outcomes, parts, strict=True)
    ]


def _side_by_side(
    runs: Sequence[Run], record: Aggregator, data: Resident, parts: Sequence[Part]
) -> list[Outcome | MilbenchError]:
    if runs[0].cell.tuning is None:
        return train_stack(runs, record, data, parts)
    fit = partial(fit_all_stacked, record=record, data=data)
    return tune_runs(runs, record, data, parts, fit)


def _done(run: Run, outcome: Outcome, where: tuple[BagTable, Part], task: Task) -> dict[str, Any]:
    """Return the record of a finished run; ``where`` is the table and its part of it."""
    body = _body(outcome, *where, task)
    said = body | _levels(run.cell, outcome)
    return _head(run, task.suite_digest) | said | _chosen(run.cell, outcome)


@lru_cache(maxsize=2)
def _load(
    features: Path, splits: Path, device: str, matmul: Matmul
) -> tuple[Resident, BagTable, Splits]:
    # The main process has checked the content hash; a worker maps the same file. It has also
    # refused leaks that the suite does not allow.
    opened = open_features(features, verify=False)
    read = load_splits(splits, opened.table, leaks="allowed")
    return resident(opened, device, matmul), opened.table, read


def _head(run: Run, suite_digest: str) -> dict[str, Any]:
    cell = run.cell
    return {
        "schema": SCHEMA,
        "key": run.key,
        "status": "done",
        "reason": "",
        "traceback": "",
        "suite": cell.suite,
        "suite_hash": suite_digest,
        "dataset": cell.dataset,
        "encoder": cell.encoder,
        "method": cell.row,
        "aggregator": cell.aggregator,
        "args": cell.args,
        "recipe": asdict(cell.recipe),
        "protocol": {
            "standardise": cell.standardise,
            "threshold": cell.threshold,
            "order": cell.order,
        },
        "repeat": run.repeat,
        "fold": run.fold,
        "seed": run.seed,
        "hashes": {
            "features": cell.features,
            "split": cell.split,
            "part": run.part,
            "settings": cell.settings,
            "config": cell.digest,
            "code": cell.code,
        },
        "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
    } | _given(cell)


def _given(cell: Cell) -> dict[str, Any]:
    """Return the tiler, where there was one, and what a tuned run was given to try."""
    tiler = {"tiler": cell.tiler} if cell.tiler else {}
    if cell.tuning is None:
        return tiler
    return tiler | {"tuning": {"trials": len(cell.tuning.trials), "space": cell.tuning.space}}


def _chosen(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    """Return the trials of a tuned run, and the settings that were chosen as those of the run."""
    if cell.tuning is None:
        return {}
    kept = cell.trials()[outcome.chosen]
    return {
        "args": kept.args,
        "recipe": asdict(kept.recipe),
        "trials": [trial._asdict() for trial in outcome.trials],
        "chosen": outcome.chosen,
    }


def _body(outcome: Outcome, table: BagTable, part: Part, task: Task) -> dict[str, Any]:
    test, valid = (None, None) if outcome.coarse is None else outcome.coarse[:2]
    return {
        "classes": list(table.classes),
        "engine": outcome.fitted.engine,
        "engine_reason": task.alone or outcome.fitted.note,
        "precision": outcome.fitted.precision,
        "matmul": outcome.fitted.matmul,
        "device": task.device,
        "epochs": outcome.fitted.epochs,
        "best_epoch": outcome.fitted.best_epoch,
        "parameters": outcome.fitted.parameters,
        "threshold": outcome.threshold,
        "fit_seconds": outcome.fit_seconds,
        "predict_seconds": outcome.predict_seconds,
        "peak_memory_mb": peak_memory_mb(),
        "versions": versions(),
        "test": _rows(table, part.test, outcome.test, test),
        "validation": _rows(table, part.val, outcome.valid, valid),
    }


def _levels(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    """Return the tree and who answered for its coarse level; nothing where there is one level."""
    if cell.levels is None or outcome.coarse is None:
        return {}
    said = {"answered_by": outcome.coarse.source, "threshold": outcome.coarse.threshold}
    return {"levels": asdict(cell.levels) | said}


def _rows(
    table: BagTable, positions: np.ndarray, score: np.ndarray, coarse: np.ndarray | None
) -> dict[str, Any]:
    bags = positions.tolist()
    rows = {
        "bag": [table.ids[bag] for bag in bags],
        "patient": [table.patients[bag] for bag in bags],
        "label": table.labels[positions].tolist(),
        "score": score.tolist(),
    }
    return rows if coarse is None else rows | {"coarse_score": coarse.tolist()}
