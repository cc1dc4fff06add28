"""Read a table of scores by fold that somebody else computed, one row a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from milbench.errors import DatasetError, ScoreError
from milbench.sheets.sheet import read_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Place = tuple[str, str, str]  # repeat, fold, seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column of a file is what; an empty name stands for a column that is not there.

    Parameters
    ----------
    where
        Only rows with these values, by column.
    """

    dataset: str = "dataset"
    method: str = "method"
    value: str = "value"
    repeat: str = "repeat"
    fold: str = "fold"
    seed: str = "seed"
    cohort: str = "cohort"
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores by data set, method and run.

    Parameters
    ----------
    source
        Name of the file.
    scores
        ``{data set: {method: {(repeat, fold, seed): value}}}``, in the order of the file.
    cohorts
        Of each data set; its own name where the file has none.
    """

    source: str
    scores: Mapping[str, Mapping[str, Mapping[Place, float]]]
    cohorts: Mapping[str, str]


def read_scores(path: Path, columns: Columns) -> ScoreTable:
    """Read the table at ``path``, in any form that :func:`milbench.read_sheet` knows.

    Columns for repeat, fold, seed and cohort may be absent.

    Raises
    ------
    ScoreError
        If the file cannot be read, a needed column is missing, a value is no finite number, a run
        of a method stands twice (the message names both lines), or no row is left.
    """
    scores: dict[str, dict[str, dict[Place, float]]] = {}
    cohorts: dict[str, str] = {}
    seen: dict[tuple[str, ...], int] = {}
    for line, row in _rows(path, columns):
        dataset, method = row[columns.dataset], row[columns.method]
        place = tuple(row.get(name, "") for name in (columns.repeat, columns.fold, columns.seed))
        key = (dataset, method, *place)
        if key in seen:
            raise ScoreError(
                f"{path}, line {line}: {method} on {dataset} stands in line {seen[key]} already, "
                "with the same repeat, fold and seed; name the column that tells them apart, or "
                "choose rows with --where"
            )
        seen[key] = line
        value = _number(path, line, row[columns.value])
        scores.setdefault(dataset, {}).setdefault(method, {})[place[0], place[1], place[2]] = value
        _check_cohort(path, line, cohorts, (dataset, row.get(columns.cohort) or dataset))
    if not scores:
        raise ScoreError(
            f"{path}: no row with {dict(columns.where)}; look at the columns of --where"
        )
    return ScoreTable(path.name, scores, cohorts)


def _rows(path: Path, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        sheet = read_sheet(path).whole()
    except DatasetError as error:
        raise ScoreError(str(error)) from error
    for name in (columns.dataset, columns.method, columns.value, *columns.where):
        if name not in sheet.columns:
            raise ScoreError(f"{path}: no column {name!r}; it has: {', '.join(sheet.columns)}")
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        row = dict(zip(sheet.columns, cells, strict=True))
        if all(row[name] == value for name, value in columns.where.items()):
            yield line, row


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ScoreError(f"{path}, line {line}: value {text!r}; expected a finite number")
    return value


def _check_cohort(path: Path, line: int, cohorts: dict[str, str], found: tuple[str, str]) -> None:
    dataset, cohort = found
    if cohorts.setdefault(dataset, cohort) != cohort:
        raise ScoreError(
            f"{path}, line {line}: {dataset} is of cohort {cohort}, and of {cohorts[dataset]} above"
        )
