"""What holds for every split, drawn or read: no leak between roles, and no class left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.splits.plan import ROLES, TEST, TRAIN

if TYPE_CHECKING:
    from milbench.bags import BagTable
    from milbench.splits.plan import Splits


def check_splits(splits: Splits, table: BagTable, place: str) -> None:
    """Refuse splits that would give wrong or undefined numbers.

    Parameters
    ----------
    place
        What the message names: a data set or a file.

    Raises
    ------
    SplitError
        PATIENT_LEAK if a group has two roles in one fold; FOLD_MISSING_CLASS if training or test
        part of a fold lack a class.
    """
    groups, members = np.unique(np.array(splits.groups, dtype=object), return_inverse=True)
    for repeat, fold in np.ndindex(splits.n_repeats, splits.n_folds):
        roles, where = splits.roles[repeat, fold], f"{place}, repeat {repeat}, fold {fold}"
        _check_leak(roles, groups, members, where)
        _check_classes(roles, table, where)


def _check_leak(roles: np.ndarray, groups: np.ndarray, members: np.ndarray, where: str) -> None:
    has_role = np.zeros((len(groups), len(ROLES)), dtype=bool)
    has_role[members, roles] = True
    leaks = np.flatnonzero(has_role.sum(axis=1) > 1)
    if len(leaks):
        held = " and ".join(
            r for r, is_held in zip(ROLES, has_role[leaks[0]], strict=True) if is_held
        )
        raise SplitError(
            f"{where}: PATIENT_LEAK: patient {groups[leaks[0]]!r} has bags in {held} "
            f"({len(leaks)} such); keep all bags of a patient in one part"
        )


def _check_classes(roles: np.ndarray, table: BagTable, where: str) -> None:
    for role in (TRAIN, TEST):
        present = np.bincount(table.labels[roles == role], minlength=len(table.classes))
        for name, count in zip(table.classes, present, strict=True):
            if count == 0:
                raise SplitError(
                    f"{where}: FOLD_MISSING_CLASS: no bag of class {name!r} in the "
                    f"{ROLES[role]} part; use fewer folds, or another seed"
                )
