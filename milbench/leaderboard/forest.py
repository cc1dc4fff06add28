"""Differences on several data sets and the mean over them, as a forest plot shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.stats.random_effects import random_effects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.leaderboard.table import Leaderboard, Section, Versus
    from milbench.stats.random_effects import Forest


def combined(
    cohorts: Sequence[str],
    metrics: Sequence[str],
    differences: Sequence[float],
    errors: Sequence[float],
) -> Forest | None:
    """Return the mean over data sets; None where there is none.

    There is none over data sets that share a cohort, for these share patients; nor over different
    metrics, nor where a difference is undefined or its error is 0. One value a data set.
    """
    sound = all(error > 0 for error in errors) and all(map(math.isfinite, differences))
    apart = len(set(cohorts)) == len(cohorts) > 1
    if not (sound and apart and len(set(metrics)) == 1):
        return None
    return random_effects(list(cohorts), differences, errors)


def forests_of(
    sections: Sequence[Section], methods: Sequence[str], reference: str | None
) -> Mapping[str, Forest]:
    """Return for each method its differences from the reference; none for the reference itself.

    Parameters
    ----------
    methods
        Those that are complete on all ``sections``.
    """
    found = {name: _forest(sections, name, reference) for name in methods if name != reference}
    return {name: forest for name, forest in found.items() if forest is not None}


def on_each(board: Leaderboard) -> dict[str, list[tuple[str, Versus]]]:
    """Return the difference of each method from the reference on each data set.

    In the order of the table over all data sets; only of methods and data sets that were tested.
    Empty where data sets are ranked by different metrics, which have no common unit.
    """
    if board.overall is None or len(set(board.overall.metrics)) > 1:
        return {}
    sections = [section for section in board.sections if not section.level]
    shared = {s.dataset for s in sections if sum(s.dataset == o.dataset for o in sections) > 1}
    found: dict[str, list[tuple[str, Versus]]] = {s.method: [] for s in board.overall.standings}
    for section in sections:
        place = section.dataset
        place = f"{place} ({section.encoder})" if place in shared else place
        for row in section.rows:
            if row.versus is not None and row.method in found:
                found[row.method].append((place, row.versus))
    return {method: entries for method, entries in found.items() if entries}


def _forest(sections: Sequence[Section], method: str, reference: str | None) -> Forest | None:
    differences, errors = [], []
    for section in sections:
        for pair in section.comparisons:
            if {pair.a, pair.b} == {method, reference}:
                differences.append(pair.difference if pair.a == method else -pair.difference)
                errors.append(pair.se)
    if len(differences) < len(sections):
        return None
    cohorts = [section.cohort for section in sections]
    return combined(cohorts, [section.metric for section in sections], differences, errors)
