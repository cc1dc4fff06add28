"""A rank diagram: methods on an axis of ranks, groups joined that were not told apart.

After Demšar (2006, https://jmlr.org/papers/v7/demsar06a.html), with one difference: his bars join
neighbours within a critical distance, while pairwise tests may leave groups that are no neighbours.
So a group is a line with a dot for each of its members.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.plots.canvas import BETTER, INK, SOFT, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from milbench.leaderboard.diagram import Place, RankDiagram

LINE = 0.19  # inches from one name, or group, to the next
SIDE = 0.28  # of the axis, for the names on either side


def rank_figure(diagram: RankDiagram) -> Figure:
    """Return the diagram; the best method is on the left."""
    count = len(diagram.places)
    left = math.ceil(count / 2)
    groups = len(diagram.cliques)
    depth = groups + left + 1.5
    made = figure((depth + 3.0) * LINE)
    ax = made.add_subplot()
    ax.set_axis_off()
    room = max(count - 1, 1) * SIDE
    ax.set_xlim(1 - room, count + room)
    ax.set_ylim(-depth, 2.5)
    _axis(ax, diagram)
    for level, group in enumerate(diagram.cliques, 1):
        xs = [diagram.places[place].position for place in group]
        ax.plot([min(xs), max(xs)], [-level, -level], color=BETTER, linewidth=1.6)
        ax.plot(xs, [-level] * len(xs), "o", color=BETTER, markersize=3.5)
    for number, place in enumerate(diagram.places):
        is_left = number < left
        row = groups + 1.2 + (number if is_left else count - 1 - number)
        _name(ax, place, -row, 1 - room / 8 if is_left else count + room / 8, is_left=is_left)
    return made


def _axis(ax: Axes, diagram: RankDiagram) -> None:
    count = len(diagram.places)
    ax.plot([1, count], [0, 0], color=INK, linewidth=0.9)
    for rank in range(1, count + 1):
        ax.plot([rank, rank], [0, 0.35], color=INK, linewidth=0.9)
        ax.text(rank, 0.6, str(rank), ha="center", va="bottom", fontsize=7)
    ax.text((1 + count) / 2, 1.7, diagram.axis.capitalize(), ha="center", va="bottom")


def _name(ax: Axes, place: Place, y: float, x: float, *, is_left: bool) -> None:
    """Draw the line from a place on the axis down to its name."""
    xs, ys = [place.position, place.position, x], [0, y, y]
    ax.plot(xs, ys, color=SOFT, linewidth=0.6, zorder=0)
    ax.plot([place.position], [0], "o", color=INK, markersize=3)
    style = "italic" if place.control else "normal"
    gap, side = (" ", "left") if not is_left else (" ", "right")
    text = f"{gap}{place.method}" if not is_left else f"{place.method}{gap}"
    ax.text(x, y, text, ha=side, va="center", style=style)
