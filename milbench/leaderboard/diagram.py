"""What a rank diagram shows: the places of methods, and who was not told apart from whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from milbench.stats.letters import cliques
from milbench.stats.ranks import midranks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from milbench.leaderboard.table import Overall, Section


@dataclass(frozen=True, slots=True)
class Place:
    """One method on the axis of ranks, 1 for the best.

    ``low`` and ``high`` are the ranks that the tests, or draws of cohorts, leave open; NaN where
    nothing was tested.
    """

    method: str
    control: bool
    position: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RankDiagram:
    """The places, best first, and the groups of places within which no two differ.

    Parameters
    ----------
    axis
        What the position is.
    cliques
        Each group once, as ascending numbers of places, none within another. A group need not hold
        the places between its first and its last: a test may tell neighbours apart and not the
        methods around them. Methods that differ from all others are in none.
    note
        Which test joined the groups.
    """

    axis: str
    places: tuple[Place, ...]
    cliques: tuple[tuple[int, ...], ...]
    note: str


def section_diagram(section: Section) -> RankDiagram | None:
    """Return the diagram of one data set; None where fewer than two methods were tested."""
    rows = [
        row
        for row in section.rows
        if row.rank is not None and row.primary.value == row.primary.value
    ]
    if len(rows) < 2:  # noqa: PLR2004  # nothing to compare
        return None
    merits = np.array(
        [r.primary.value if r.primary.greater_is_better else -r.primary.value for r in rows]
    )
    places = tuple(
        Place(row.method, row.control, float(position), *map(float, row.rank or ()))
        for row, position in zip(rows, midranks(-merits), strict=True)
    )
    marked = {frozenset((pair.a, pair.b)) for pair in section.comparisons if pair.mark}
    return RankDiagram(
        axis="rank",
        places=places,
        cliques=_groups([place.method for place in places], marked),
        note="Joined: not told apart by the patient-level test (Holm over all pairs).",
    )


def overall_diagram(overall: Overall) -> RankDiagram | None:
    """Return the diagram over all data sets; None where fewer than two methods are complete.

    Without a test over cohorts it has mean ranks only, and no groups.
    """
    ranked = [s for s in overall.standings if not math.isnan(s.mean_rank)]
    if len(ranked) < 2:  # noqa: PLR2004  # nothing to compare
        return None
    across = overall.across
    bounds = (
        {}
        if across is None
        else {n: (m, low, high) for n, (m, low, high) in across.mean_ranks.items()}
    )
    nan = math.nan
    places = [
        Place(s.method, s.control, *bounds.get(s.method, (s.mean_rank, nan, nan))) for s in ranked
    ]
    places.sort(key=lambda place: (place.position, place.method))
    names = [place.method for place in places]
    if across is None:
        return RankDiagram("mean rank", tuple(places), (), overall.note)
    differing = {frozenset((pair.a, pair.b)) for pair in across.pairs if pair.differs}
    return RankDiagram(
        axis="mean rank",
        places=tuple(places),
        cliques=_groups(names, differing),
        note="Joined: not told apart by the signed-rank test over cohorts (Holm over all pairs).",
    )


def _groups(
    names: Sequence[str], differing: Collection[frozenset[str]]
) -> tuple[tuple[int, ...], ...]:
    alike = np.ones((len(names), len(names)), dtype=bool)
    for i, j in combinations(range(len(names)), 2):
        alike[i, j] = alike[j, i] = frozenset((names[i], names[j])) not in differing
    return tuple(group for group in cliques(alike) if len(group) > 1)
