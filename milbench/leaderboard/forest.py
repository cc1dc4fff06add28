"""Differences on several data sets and the mean over them, as a forest plot shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.stats.random_effects import random_effects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.leaderboard.table import Section
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
