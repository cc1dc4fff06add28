"""Whole splits that a data set brings: the role of every bag in every fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.splits.plan import ROLES, UNUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.bags import BagTable
    from milbench.splits.plan import SplitPlan


def given_roles(
    table: BagTable,
    plan: SplitPlan,
    name: str,
    given: Mapping[tuple[int, int], Mapping[str, str]] | None,
) -> list[list[np.ndarray]]:
    """Return the roles, nested repeats, folds and bags, of the repeats that ``plan`` asks for.

    Raises
    ------
    SplitError
        If there are none, they have other repeats or folds, or a bag has no role.
    """
    if not given:
        raise SplitError(f"{name}: brings no splits; use the scheme 'kfold'")
    repeats, folds = ({place[axis] for place in given} for axis in (0, 1))
    if len(given) != len(repeats) * len(folds):
        raise SplitError(f"{name}: given splits: repeats have different folds")
    if len(repeats) < plan.repeats or len(folds) != plan.folds:
        raise SplitError(
            f"{name}: given splits have {len(repeats)} repeats of {len(folds)} folds; set "
            f"splits.repeats = {len(repeats)} and splits.folds = {len(folds)}"
        )
    wanted = sorted(repeats)[: plan.repeats]
    return [
        [_roles(table, given[r, f], f"{name}, given repeat {r}, fold {f}") for f in sorted(folds)]
        for r in wanted
    ]


def never_used(table: BagTable, roles: list[list[np.ndarray]]) -> tuple[str, ...]:
    """Return a note on the bags that are in no part of any fold, if there are any."""
    never = np.flatnonzero((np.array(roles) == UNUSED).all(axis=(0, 1)))
    if not len(never):
        return ()
    example = table.ids[never[0]]
    return (f"In no fold of the given splits: {len(never)} of {len(table)} bags ({example}, ...).",)


def _roles(table: BagTable, roles: Mapping[str, str], place: str) -> np.ndarray:
    without = [bag for bag in table.ids if bag not in roles]
    if without:
        raise SplitError(
            f"{place}: {len(without)} bags have no role, such as {without[0]!r}; every bag needs "
            "one in every fold"
        )
    return np.array([ROLES.index(roles[bag]) for bag in table.ids], dtype=np.int8)
