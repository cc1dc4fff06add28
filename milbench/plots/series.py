"""A curve over data sets that differ in one number: witness rate, magnification, training size.

Data sets are a series where their names are equal but for one number at the end, ``digits-20`` and
``digits-5``, or ``breakhis-40x`` and ``breakhis-100x``, and where they are seen in the same way and
ranked by the same metric.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from milbench.plots.canvas import BETTER, FAINT, SOFT, panels
from milbench.report.grids import headed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.figure import Figure

    from milbench.leaderboard.table import Row, Section

NAME = re.compile(r"(?P<stem>.*[-_])(?P<number>\d+)(?P<unit>[a-z%]*)")
FEWEST = 3  # data sets that make a curve


class Series(NamedTuple):
    """Data sets along a number: what their names share, and each with its number, ascending."""

    stem: str
    points: tuple[tuple[int, Section], ...]


def series_of(sections: Iterable[Section]) -> Iterator[Series]:
    """Yield every series of at least three data sets."""
    found: dict[tuple[str, ...], list[tuple[int, Section]]] = {}
    for section in sections:
        parts = NAME.fullmatch(section.dataset)
        if parts is not None and not section.level:
            key = (parts["stem"], parts["unit"], section.encoder, section.metric)
            found.setdefault(key, []).append((int(parts["number"]), section))
    for (stem, *_), points in found.items():
        if len(points) >= FEWEST:
            ordered = tuple(sorted(points, key=lambda point: point[0]))
            yield Series(stem.rstrip("-_"), ordered)


def series_figure(series: Series) -> Figure | None:
    """Return a panel a method, its values with their intervals, all others in grey behind.

    Only methods that are complete on every data set; None where there are none.
    """
    rows = [{row.method: row for row in section.rows} for _, section in series.points]
    names = [n for n in rows[-1] if all(n in found and _is_whole(found[n]) for found in rows)]
    if not names:
        return None
    made, places = panels(len(names))
    x = [number for number, _ in series.points]
    values = {name: [found[name].primary for found in rows] for name in names}
    for ax, name in zip(places, names, strict=True):
        for other in names:
            ax.plot(x, [score.value for score in values[other]], color=FAINT, linewidth=0.7)
        mine = values[name]
        ax.vlines(x, [s.low for s in mine], [s.high for s in mine], color=SOFT, linewidth=0.9)
        ax.plot(x, [s.value for s in mine], "o-", color=BETTER, markersize=3)
        ax.set_title(name)
        ax.set_xscale("log")
        ax.set_xticks(x, map(str, x))
        ax.minorticks_off()
    made.supxlabel(f"number at the end of {series.stem}-", fontsize=8)
    made.supylabel(headed(mine[0]), fontsize=8)
    return made


def _is_whole(row: Row) -> bool:
    return row.runs.is_complete and row.primary.value == row.primary.value
