"""Which records of a suite count: the newest of what was planned, all from the same ground."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import ScoreError
from milbench.leaderboard.board import view_in
from milbench.leaderboard.table import Cost, Runs
from milbench.metrics import Predictions
from milbench.metrics.levels import summed
from milbench.metrics.patient_level import by_patient

if TYPE_CHECKING:
    from milbench.leaderboard.board import Board, DatasetInfo
    from milbench.levels import Levels

COLUMNS = ("bag", "patient", "label", "score")
Record = Mapping[str, Any]
RunName = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one method on one data set that count.

    Parameters
    ----------
    done, failed, skipped
        By what became of the run; each planned run at most once, in the order of the runs.
    """

    planned: frozenset[RunName]
    done: tuple[Record, ...]
    failed: tuple[Record, ...]
    skipped: tuple[Record, ...]

    @property
    def runs(self) -> Runs:
        """Return the counts."""
        return Runs(
            planned=len(self.planned),
            done=len(self.done),
            failed=len(self.failed),
            skipped=len(self.skipped),
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why runs failed or were skipped, the commonest first, with counts."""
        counted = Counter(
            (record["status"], record.get("reason") or "no reason given")
            for record in (*self.failed, *self.skipped)
        )
        return tuple(
            f"{count} {status}: {reason}"
            for (status, reason), count in sorted(counted.items(), key=lambda c: (-c[1], c[0]))
        )

    @property
    def cost(self) -> Cost:
        """Return the mean cost of a finished run."""
        return Cost(
            fit_seconds=_mean(self.done, "fit_seconds"),
            predict_seconds=_mean(self.done, "predict_seconds"),
            peak_memory=_mean(self.done, "peak_memory_mb"),
            parameters=_mean(self.done, "parameters"),
        )

    @property
    def kept(self) -> int:
        """Return how many finished runs of a tuned row chose the published setting."""
        return sum(record.get("chosen") == 0 for record in self.done)

    @property
    def hashes(self) -> tuple[str, str]:
        """Return the hashes of the settings and of the code; empty without a finished run."""
        return _settings(self.done[0]) if self.done else ("", "")

    @property
    def source(self) -> str:
        """Return where coarse probabilities come from: a ``head``, or the ``sum`` of fine ones."""
        return str(_levels(self.done[0]).get("answered_by", "sum")) if self.done else ""

    def predictions(self, dataset: DatasetInfo) -> Predictions | None:
        """Return all test rows of the finished runs; None where no run is finished."""
        return _scored(self.done, dataset) if self.done else None

    def coarse(self, dataset: DatasetInfo) -> Predictions | None:
        """Return the same rows at the coarse level of ``dataset``; None where it has none."""
        if not self.done or dataset.levels is None:
            return None
        return _coarse(self.done, dataset.levels, _predictions(self.done, dataset.classes))


@dataclass(frozen=True, slots=True)
class Selection:
    """The records of one data set: those that count, by method, and how many do not."""

    features: str
    split: str
    methods: Mapping[str, Found]
    stale: int
    unplanned: int

    @property
    def used(self) -> tuple[Record, ...]:
        """Return every finished record that counts."""
        return tuple(record for found in self.methods.values() for record in found.done)


def select(board: Board, dataset: DatasetInfo, records: Iterable[Record]) -> Selection:
    """Return the records that count for ``dataset``, whatever the order of ``records``.

    A record counts when it was made with the settings that the suite asks for now, however old it
    is. The ground of a data set is its splits, the protocol of training, and the features of each
    view. Only the newest record's ground is current, and in it only the newest settings and code
    of each method; among several records of one run the newest wins. All others are
    stale, and so are those of another label hierarchy.
    """
    views = board.own_views(dataset)
    mine = [
        record
        for record in records
        if record["dataset"] == dataset.name
        and view_in(record) == views.get(record["method"], dataset.encoder)
    ]
    asked = [r for r in mine if board.has_settings(r) and _has_tree(r, dataset.levels)]
    newest_first = sorted(asked, key=_age, reverse=True)
    ground = _ground(newest_first[0]) if newest_first else ("", "")
    features: dict[str, str] = {}  # of each view, by the newest record of the ground
    current = [
        record
        for record in newest_first
        if _ground(record) == ground
        and _features(record) == features.setdefault(view_in(record), _features(record))
    ]
    methods, stale, unplanned = {}, len(mine) - len(current), len(current)
    for method in board.methods:
        own = [record for record in current if record["method"] == method.label]
        runs = _newest_runs(own)
        found = _found(runs, board.planned(dataset, method.label), dataset)
        methods[method.label] = found
        stale += len(own) - len(runs)
        unplanned -= len(own) - len(runs) + sum(run in found.planned for run in runs)
    shared = features.get(dataset.encoder, "")
    return Selection(shared, ground[0], methods, stale, unplanned)


def _has_tree(record: Record, levels: Levels | None) -> bool:
    """Return whether a record's coarse rows, if it has any, are those of the tree ``levels``."""
    made_with = _levels(record).get("parents")
    return made_with is None or (levels is not None and tuple(made_with) == levels.parents)


def _levels(record: Record) -> Record:
    """Return the tree of a record and who answered for its coarse level; empty before trees."""
    found: Record = record.get("levels", {})
    return found


def _age(record: Record) -> tuple[str, str]:
    return record.get("finished", ""), record["key"]


def _ground(record: Record) -> tuple[str, str]:
    protocol = json.dumps(record.get("protocol", {}), sort_keys=True)
    return record.get("hashes", {}).get("split", ""), protocol


def _features(record: Record) -> str:
    found: str = record.get("hashes", {}).get("features", "")
    return found


def _newest_runs(newest_first: list[Record]) -> dict[RunName, Record]:
    """Return the newest record of each run among those with the newest settings and code."""
    runs: dict[RunName, Record] = {}
    for record in newest_first:
        if _settings(record) == _settings(newest_first[0]):
            runs.setdefault((record["repeat"], record["fold"], record["seed"]), record)
    return runs


def _settings(record: Record) -> tuple[str, str]:
    hashes = record.get("hashes", {})
    return hashes.get("config", ""), hashes.get("code", "")


def _found(
    runs: Mapping[RunName, Record], planned: frozenset[RunName], dataset: DatasetInfo
) -> Found:
    asked = [runs[run] for run in sorted(planned & runs.keys())]
    if not _are_sound(asked, dataset):
        asked = [_judged(record, dataset) for record in asked]
    by_status = {
        status: tuple(record for record in asked if record["status"] == status)
        for status in ("done", "failed", "skipped")
    }
    return Found(planned, **by_status)


def _are_sound(records: list[Record], dataset: DatasetInfo) -> bool:
    """Return whether the rows of all finished records are sound together, so those of each are."""
    done = tuple(record for record in records if record["status"] == "done")
    sizes = [{len(record["test"][name]) for name in COLUMNS} for record in done]
    if any(len(size) > 1 for size in sizes):
        return False
    try:
        if done:
            _read(done, dataset)
    except (ScoreError, ValueError):  # such a record, or two that contradict each other
        return False
    return True


def _judged(record: Record, dataset: DatasetInfo) -> Record:
    """Return ``record``, as a failure where no metric can be computed from its rows."""
    if record["status"] != "done":
        return record
    try:
        _read((record,), dataset)
    except (ScoreError, ValueError) as error:  # numpy refuses ragged rows by ValueError
        return {**record, "status": "failed", "reason": str(error)}
    return record


def _read(records: tuple[Record, ...], dataset: DatasetInfo) -> None:
    """Read the rows of ``records`` at every level; what is wrong with them is raised."""
    fine = _scored(records, dataset)
    if dataset.levels is not None:
        _coarse(records, dataset.levels, fine)


def _scored(records: tuple[Record, ...], dataset: DatasetInfo) -> Predictions:
    """Return the rows that are scored: one a bag, or one a patient where the data set says so."""
    rows = _predictions(records, dataset.classes)
    if rows.is_multi_label != dataset.is_multi_label:
        raise ScoreError(
            f"rows with {'several labels' if rows.is_multi_label else 'one class'} a bag, and "
            f"{dataset.name} has {'several' if dataset.is_multi_label else 'one'}; run it again"
        )
    return by_patient(rows, dataset.patient_rule) if dataset.patient_rule else rows


def _predictions(records: tuple[Record, ...], classes: tuple[str, ...]) -> Predictions:
    sizes = [len(record["test"]["bag"]) for record in records]
    return Predictions(
        bag=_column(records, "bag"),
        patient=_column(records, "patient"),
        label=_column(records, "label"),
        score=_column(records, "score"),
        repeat=np.repeat([record["repeat"] for record in records], sizes),
        fold=np.repeat([record["fold"] for record in records], sizes),
        seed=np.repeat([record["seed"] for record in records], sizes),
        threshold=np.repeat([_threshold(record) for record in records], sizes, axis=0),
        classes=classes,
    )


def _coarse(records: tuple[Record, ...], levels: Levels, fine: Predictions) -> Predictions:
    """Return the coarse rows beside the ``fine`` ones; sums where a record has none of its own."""
    scores = [_coarse_score(record["test"], levels) for record in records]
    sizes = [len(record["test"]["bag"]) for record in records]
    return Predictions(
        bag=fine.bag,
        patient=fine.patient,
        label=np.array(levels.parents)[fine.label],
        score=np.concatenate(scores),
        repeat=fine.repeat,
        fold=fine.fold,
        seed=fine.seed,
        threshold=np.repeat([_threshold(_levels(record)) for record in records], sizes),
        classes=levels.coarse,
        fine=fine,
        parents=levels.parents,
    )


def _coarse_score(rows: Mapping[str, Any], levels: Levels) -> np.ndarray:
    if "coarse_score" in rows:
        return np.asarray(rows["coarse_score"])
    return summed(np.asarray(rows["score"]), levels.parents)


def _column(records: tuple[Record, ...], name: str) -> np.ndarray:
    return np.concatenate([np.asarray(record["test"][name]) for record in records])


def _threshold(record: Record) -> float | list[float]:
    """Return the threshold of two classes, or those of labels."""
    found = record.get("threshold")
    if isinstance(found, list):
        return [float(one) for one in found]
    return 0.5 if found is None else float(found)


def _mean(records: tuple[Record, ...], name: str) -> float:
    values = [float(record[name]) for record in records if record.get(name) is not None]
    return sum(values) / len(values) if values else float("nan")
