"""Forest plots: differences from the reference with intervals, on one data set and over several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.plots.canvas import BETTER, FAINT, INK, SOFT, WORSE, figure, panels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from milbench.leaderboard.table import Section, Versus
    from milbench.stats.random_effects import Forest

LINE = 0.22  # inches a row


def section_forest(section: Section, title: str, rope: float) -> Figure | None:
    """Return the difference of each method from the reference; None where nothing was tested."""
    rows = [(row.method, row.versus) for row in section.rows if row.versus is not None]
    if not rows:
        return None
    made = figure(LINE * len(rows) + 0.9, width=4.6)
    ax = made.add_subplot()
    for y, (_, versus) in enumerate(rows):
        color = _color(versus)
        ax.plot([versus.low, versus.high], [y, y], color=color)
        ax.plot([versus.difference], [y], "o", color=color, markersize=4)
    _rows(ax, [name for name, _ in rows], rope)
    ax.set_xlabel(f"{title} difference from {section.reference}, 95% interval")
    return made


def overall_forest(
    entries: Mapping[str, Sequence[tuple[str, Versus]]],
    forests: Mapping[str, Forest],
    reference: str,
    rope: float,
) -> Figure | None:
    """Return a panel a method: the difference on each data set, and the mean as a diamond.

    None where there are no differences on several data sets.

    Parameters
    ----------
    entries
        By method: the name of each data set, and the difference there.
    forests
        By method: the mean, where one may be given.
    """
    most = max(map(len, entries.values()), default=0)
    if most < 2:  # noqa: PLR2004  # one data set has its own plot
        return None
    made, axes = panels(len(entries), height=(most + 1) * 0.16 + 0.55)
    places = list(dict.fromkeys(place for found in entries.values() for place, _ in found))
    for ax, (name, found) in zip(axes, entries.items(), strict=True):
        for place, versus in found:
            y, color = places.index(place), _color(versus)
            ax.plot([versus.low, versus.high], [y, y], color=color, linewidth=0.9)
            ax.plot([versus.difference], [y], "o", color=color, markersize=3)
        _rows(ax, [*places, *["mean over these"] * bool(forests)], rope)
        if name in forests:
            _diamond(ax, forests[name], len(places))
        ax.set_title(name)
    made.supxlabel(f"difference from {reference}, 95% interval", fontsize=8)
    return made


def _diamond(ax: Axes, forest: Forest, y: int) -> None:
    if not math.isnan(forest.mean):
        ends = [forest.low, forest.mean, forest.high, forest.mean]
        ax.plot([forest.next_low, forest.next_high], [y, y], color=SOFT, linewidth=0.8)
        ax.fill(ends, [y + d for d in (0, -0.35, 0, 0.35)], color=INK)


def _rows(ax: Axes, names: list[str], rope: float) -> None:
    ax.axvspan(-rope, rope, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    ax.axvline(0.0, color=SOFT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=1)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def _color(versus: Versus) -> str:
    if not versus.mark:
        return INK
    return BETTER if versus.is_better else WORSE
