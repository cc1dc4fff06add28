"""Fill in what a suite leaves to the table: columns, classes, task and metric."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from milbench.errors import ScoreError, SuiteError
from milbench.metrics.definitions import rankable, why_not
from milbench.tables.classes import METRIC, classes_in, task_of
from milbench.tables.lines import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.own_data import OwnData


def resolved(own: OwnData, folder: Path) -> OwnData:
    """Return ``own`` with nothing left to be found, so that it means the same without the table.

    Parameters
    ----------
    folder
        What relative paths are relative to.

    Raises
    ------
    DatasetError
        If the table cannot be read, or its columns or labels are unclear.
    SuiteError
        If there is no such metric, or classes, task and fusion do not fit each other.
    """
    if own.metric:
        _check_metric(own)
    if own.is_resolved:
        return own
    table = read_table(folder / own.bags, own)
    classes = own.classes or classes_in((line.label for line in table.lines), table.path)
    task = own.task or task_of(classes)
    if task == "binary" and len(classes) != 2:  # noqa: PLR2004  # two classes
        raise SuiteError(
            f"data set {own.name!r}: task binary, and {table.path} has {len(classes)} classes: "
            f"{', '.join(classes)}; name two of them in classes, or leave the task out"
        )
    columns = table.columns
    if own.fusion != "none" and not columns.patient:
        raise SuiteError(
            f"data set {own.name!r}: fusion {own.fusion!r} joins the slides of a patient, and "
            f"{table.path} has no column of patients; name it with --patient-column"
        )
    metric = own.metric or METRIC[task]
    found = asdict(columns) | {"classes": classes, "task": task, "metric": metric}
    return own.model_copy(update=found)


def _check_metric(own: OwnData) -> None:
    try:
        rankable(own.metric)
        fault = why_not(own.metric, is_multi_label=False)
    except ScoreError as error:
        fault = str(error)
    if fault:
        raise SuiteError(f"data set {own.name!r}, metric: {fault}")
