"""What holds for every split, drawn or read: no leak between roles, and no class left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.splits.plan import ROLES, TEST, TRAIN, UNUSED

if TYPE_CHECKING:
    from milbench.bags import BagTable
    from milbench.splits.plan import Leaks, Splits


def check_splits(splits: Splits, table: BagTable, place: str, leaks: Leaks = "refused") -> None:
    """Refuse splits that would give wrong or undefined numbers.

    Parameters
    ----------
    place
        What the message names: a data set or a file.
    leaks
        Whether patients may have bags in two parts of a fold.

    Raises
    ------
    SplitError
        PATIENT_LEAK if a group has two roles in one fold; FOLD_MISSING_CLASS if training or test
        part of a fold lack a class.
    """
    is_given = splits.plan is not None and splits.plan.scheme == "given"
    allow = ', or write leaks = "allowed" in [splits], which marks every row' if is_given else ""
    groups, members = np.unique(np.array(splits.groups, dtype=object), return_inverse=True)
    for repeat, fold in np.ndindex(splits.n_repeats, splits.n_folds):
        roles, where = splits.roles[repeat, fold], f"{place}, repeat {repeat}, fold {fold}"
        leak = _leak(roles, groups, members) if leaks == "refused" else ""
        if leak:
            raise SplitError(f"{where}: {leak}; keep all bags of a patient in one part{allow}")
        _check_classes(roles, table, where)


def told(splits: Splits) -> Splits:
    """Return the splits, marked and with a note where they leak."""
    groups, members = np.unique(np.array(splits.groups, dtype=object), return_inverse=True)
    places = [(r, f) for r in range(splits.n_repeats) for f in range(splits.n_folds)]
    found = {place: _leak(splits.roles[place], groups, members) for place in places}
    leaks = {place: leak for place, leak in found.items() if leak}
    if not leaks:
        return splits
    (repeat, fold), example = next(iter(leaks.items()))
    note = (
        f"The splits leak, as the suite allows, in {len(leaks)} of {len(places)} folds: every "
        f"value here is too good. Repeat {repeat}, fold {fold}: {example}."
    )
    return replace(splits, notes=(*splits.notes, note), is_leaking=True)


def _leak(roles: np.ndarray, groups: np.ndarray, members: np.ndarray) -> str:
    """Return which group has bags in several parts of a fold, or empty text."""
    has_role = np.zeros((len(groups), len(ROLES)), dtype=bool)
    has_role[members, roles] = True
    in_parts = has_role[:, :UNUSED]  # a bag that is left out can be no leak
    leaks = np.flatnonzero(in_parts.sum(axis=1) > 1)
    if not len(leaks):
        return ""
    held = " and ".join(ROLES[role] for role in np.flatnonzero(in_parts[leaks[0]]))
    return f"PATIENT_LEAK: patient {groups[leaks[0]]!r} has bags in {held} ({len(leaks)} such)"


def _check_classes(roles: np.ndarray, table: BagTable, where: str) -> None:
    for role in (TRAIN, TEST):
        present = np.bincount(table.labels[roles == role], minlength=len(table.classes))
        for name, count in zip(table.classes, present, strict=True):
            if count == 0:
                raise SplitError(
                    f"{where}: FOLD_MISSING_CLASS: no bag of class {name!r} in the "
                    f"{ROLES[role]} part; use fewer folds, or another seed"
                )
