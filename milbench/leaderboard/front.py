"""Which methods nobody beats at a lower cost: the Pareto front of quality against cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def pareto(points: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """Return the names on the front, the cheapest first.

    A point is on it if no other is at least as good at no more cost, and better in one of the two.
    Equal points are all on it or all not. Points with NaN are on none.

    Parameters
    ----------
    points
        By name: cost, smaller is better, and merit, larger is better.
    """
    known = {name: p for name, p in points.items() if not any(map(math.isnan, p))}
    front, best = [], -math.inf
    cheapest = math.inf
    for name, (cost, merit) in sorted(known.items(), key=lambda item: (item[1][0], -item[1][1])):
        if merit > best or (merit, cost) == (best, cheapest):
            front.append(name)
            best, cheapest = merit, cost
    return tuple(front)
