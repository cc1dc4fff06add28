"""Read splits from a CSV file ``bag_id,group_id,repeat,fold,role`` and check them line by line."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from milbench.errors import SplitError
from milbench.splits.check import check_splits
from milbench.splits.plan import COLUMNS, ROLES, Splits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.bags import BagTable
    from milbench.splits.plan import Leaks, SplitPlan

NO_ROLE = -1


def load_splits(
    path: Path, table: BagTable, *, plan: SplitPlan | None = None, leaks: Leaks = "refused"
) -> Splits:
    """Read the splits at ``path`` and check them against the bags of ``table``.

    Every repeat must have the same folds, counted from 0, and every fold must give each bag
    exactly one role. The order of the lines does not matter.

    Parameters
    ----------
    plan
        Where given, the file must hold its repeats and folds; without it, a file that was cut
        exactly between two folds cannot be told from a shorter one.
    leaks
        Whether patients may have bags in two parts of a fold, as ``given`` splits may where a
        suite says so.

    Raises
    ------
    SplitError
        If the file is absent, truncated or malformed, does not fit the bags, leaks a patient
        between roles, or lacks a class in a part.
    """
    reader = _Reader(path, table)
    for line, row in _rows(path):
        reader.add(line, row)
    splits = Splits(table.ids, table.patients, reader.roles(), plan)
    if plan is not None:
        _check_plan(splits, plan, path)
    check_splits(splits, table, str(path), leaks)
    return splits


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each line below the heading with its number."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SplitError(f"{path}: no such file of splits; run again to draw them") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{path}: cannot be read: {error}; delete it and run again") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(lines, [])
        if tuple(heading) != COLUMNS:
            raise SplitError(
                f"{path}, line 1: columns {','.join(heading)!r}; expected {','.join(COLUMNS)!r}"
            )
        yield from ((lines.line_num, row) for row in lines)
    except csv.Error as error:
        raise SplitError(
            f"{path}, line {lines.line_num}: not CSV: {error}; delete the file and run again"
        ) from error


def _check_plan(splits: Splits, plan: SplitPlan, path: Path) -> None:
    found, wanted = splits.roles.shape[:2], (plan.repeats, plan.n_folds)
    if found != wanted:
        raise SplitError(
            f"{path}: {found[0]} repeats of {found[1]} folds, expected {wanted[0]} of {wanted[1]}; "
            "delete the file and run again"
        )


class _Reader:
    """The roles read so far, by repeat and fold."""

    def __init__(self, path: Path, table: BagTable) -> None:
        self._path = path
        self._table = table
        self._position = {bag: index for index, bag in enumerate(table.ids)}
        self._roles: dict[tuple[int, int], np.ndarray] = {}

    def add(self, line: int, row: list[str]) -> None:
        """Check one line and keep its role."""
        if len(row) != len(COLUMNS):
            fault = f"{len(row)} columns, expected {len(COLUMNS)}: truncated?"
            self._fail(line, f"{fault} Delete the file and run again")
        bag, group, repeat, fold, role = row
        if bag not in self._position:
            self._fail(line, f"bag {bag!r} is not in the data set; is this its split file?")
        position = self._position[bag]
        if group != self._table.patients[position]:
            known = self._table.patients[position]
            self._fail(line, f"bag {bag!r} is in group {group!r}, but its patient is {known!r}")
        if role not in ROLES:
            self._fail(line, f"role {role!r}; expected one of {', '.join(ROLES)}")
        place = self._number(line, "repeat", repeat), self._number(line, "fold", fold)
        unread = np.full(len(self._table), NO_ROLE, dtype=np.int8)
        roles = self._roles.setdefault(place, unread)
        if roles[position] != NO_ROLE:
            self._fail(line, f"bag {bag!r} has a second role in repeat {repeat}, fold {fold}")
        roles[position] = ROLES.index(role)

    def roles(self) -> np.ndarray:
        """Return the roles (repeats, folds, B) once every line is read."""
        places = sorted(self._roles)
        repeats, folds = (len({place[axis] for place in places}) for axis in (0, 1))
        if not places or places != list(np.ndindex(repeats, folds)):
            raise SplitError(
                f"{self._path}: {len(places)} folds that do not fill a grid of repeats and folds "
                "counted from 0; truncated? Delete the file and run again"
            )
        for place in places:
            self._check_complete(place)
        return np.stack([self._roles[place] for place in places]).reshape(repeats, folds, -1)

    def _check_complete(self, place: tuple[int, int]) -> None:
        missing = np.flatnonzero(self._roles[place] == NO_ROLE)
        if len(missing):
            raise SplitError(
                f"{self._path}: repeat {place[0]}, fold {place[1]} has no role for {len(missing)} "
                f"bags, such as {self._table.ids[missing[0]]!r}; truncated? Delete the file and "
                "run again"
            )

    def _number(self, line: int, column: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            self._fail(line, f"{column} {text!r} is not a whole number from 0")
        return int(text)

    def _fail(self, line: int, fault: str) -> NoReturn:
        raise SplitError(f"{self._path}, line {line}: {fault}")
