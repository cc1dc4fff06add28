"""Write the predictions of a suite as CLAM does: ``fold_N.csv`` and ``summary.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import StoreError
from milbench.interchange.outgoing import write_table
from milbench.metrics.catalogue import evaluate
from milbench.metrics.rows import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from milbench.store import Record

SUMMARY = ("", "folds", "test_auc", "val_auc", "test_acc", "val_acc")
RUNS = ("run", "repeat", "fold", "seed", "key")


def write_predictions(records: Iterable[Record], folder: Path) -> dict[str, int]:
    """Write the finished runs, and return how many there are by the folder they are in.

    A folder a data set and method. Runs are numbered by repeat, fold and seed; ``runs.csv``, which
    is milbench's, says which is which. ``test_auc`` is the AUROC of class 1, or the mean over
    classes, each against the rest; empty where a class is absent or there are no validation bags.

    Raises
    ------
    StoreError
        If no run is finished, or bags have several labels, which these files cannot hold.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record["status"] == "done":
            _check_one_class(record)
            name = "/".join(map(_plain, (record["dataset"], record["method"])))
            groups.setdefault(name, []).append(record)
    if not groups:
        raise StoreError("no finished run to write; run the suite first")
    for name, members in groups.items():
        members.sort(key=lambda record: (record["repeat"], record["fold"], record["seed"]))
        _write(members, folder / name)
    return {name: len(members) for name, members in groups.items()}


def _check_one_class(record: Record) -> None:
    if any(isinstance(label, list) for label in record["test"]["label"]):
        raise StoreError(
            f"{record['dataset']}: its bags have several labels, and CLAM's files one class a bag; "
            "the rows stand in the run files, and milbench leaderboard --format csv has the values"
        )


def _plain(name: str) -> str:
    return name.replace("/", "--").replace(" ", "-")


def _write(records: list[Record], folder: Path) -> None:
    for number, record in enumerate(records):
        rows = record["test"]
        score = np.array(rows["score"], dtype=np.float64)  # (N, C)
        decided = decide(score, record["threshold"])
        heading = ("", "slide_id", "Y", "Y_hat", *(f"p_{c}" for c in range(score.shape[1])))
        lines = zip(rows["bag"], rows["label"], decided.tolist(), score.tolist(), strict=True)
        table = [(i, bag, y, y_hat, *p) for i, (bag, y, y_hat, p) in enumerate(lines)]
        write_table(folder / f"fold_{number}.csv", heading, table)
    write_table(
        folder / "summary.csv", SUMMARY, ((i, i, *_values(r)) for i, r in enumerate(records))
    )
    places = [
        (i, *(r[name] for name in ("repeat", "fold", "seed", "key"))) for i, r in enumerate(records)
    ]
    write_table(folder / "runs.csv", RUNS, places)


def _values(record: Record) -> list[Any]:
    """Return AUROC and accuracy of test and validation bags, in the order of CLAM's summary."""
    return [
        _value(metric, record[part], record["threshold"])
        for metric in ("auroc", "accuracy")
        for part in ("test", "validation")
    ]


def _value(metric: str, rows: Mapping[str, Any], threshold: float) -> float | str:
    if not rows["bag"]:
        return ""
    value = evaluate(metric, rows["label"], rows["score"], threshold=threshold).value
    return "" if np.isnan(value) else value
