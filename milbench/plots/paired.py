"""Paired differences: what every fold says about a method and the reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import gaussian_kde

from milbench.plots.canvas import BETTER, FAINT, INK, SOFT, figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from milbench.leaderboard.table import Score, Section
    from milbench.metrics.rows import Floats

LINE = 0.42  # inches a row
FEWEST = 5  # folds, for a density


class Folds(NamedTuple):
    """The differences of the folds of one method from the reference, and T's interval."""

    method: str
    differences: Floats
    low: float
    high: float


def paired_figure(section: Section, title: str) -> Figure | None:
    """Return a raincloud a method; None where nothing was tested.

    Above the line a density of the differences, on it their mean with the interval of the
    corrected t-test, below it every fold.
    """
    rows = list(paired_folds(section))
    if not rows:
        return None
    made = figure(LINE * len(rows) + 0.9, width=4.6)
    ax = made.add_subplot()
    ax.axvline(0.0, color=SOFT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=0)
    for y, row in enumerate(rows):
        _cloud(ax, y, row.differences)
        _rain(ax, y, row.differences)
        ax.plot([row.low, row.high], [y, y], color=INK)
        ax.plot([row.differences.mean()], [y], "o", color=INK, markersize=3.5)
    ax.set_yticks(range(len(rows)), [row.method for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.7)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"{title} difference from {section.reference}, fold by fold")
    return made


def paired_folds(section: Section) -> Iterator[Folds]:
    """Yield the folds of each tested method against the reference, in the order of the table."""
    reference = next((row for row in section.rows if row.method == section.reference), None)
    if reference is None:
        return
    base = _by_fold(reference.primary)
    pairs = {frozenset((pair.a, pair.b)): pair for pair in section.comparisons}
    for row in section.rows:
        pair = pairs.get(frozenset((row.method, reference.method)))
        if pair is None:
            continue
        mine = _by_fold(row.primary)
        found = [mine[fold] - base[fold] for fold in sorted(mine.keys() & base.keys())]
        known = np.array([value for value in found if not math.isnan(value)])
        if known.size:
            low, high = (
                (pair.t_low, pair.t_high) if pair.a == row.method else (-pair.t_high, -pair.t_low)
            )
            yield Folds(row.method, known, low, high)


def _by_fold(score: Score) -> dict[tuple[int, int], float]:
    return {(repeat, fold): value for repeat, fold, value in score.folds}


def _cloud(ax: Axes, y: int, values: Floats) -> None:
    if values.size < FEWEST or np.ptp(values) < 1e-9:  # noqa: PLR2004  # no density of a point
        return
    room = np.ptp(values) * 0.15
    x = np.linspace(values.min() - room, values.max() + room, 100)
    density = gaussian_kde(values)(x)
    ax.fill_between(x, y - 0.06, y - 0.06 - 0.4 * density / density.max(), color=FAINT, linewidth=0)


def _rain(ax: Axes, y: int, values: Floats) -> None:
    """Draw the folds below the line, in three rows one after the other, so that equal ones show."""
    offsets = 0.14 + 0.07 * (np.arange(values.size) % 3)
    ax.plot(values, y + offsets, ".", color=BETTER, markersize=2.5, alpha=0.7, markeredgewidth=0)
