"""Quality against cost, with the methods that nobody beats at a lower cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from milbench.leaderboard.front import pareto
from milbench.report import format as write
from milbench.report.grids import headed
from milbench.report.html.axis import linear, logarithmic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from milbench.leaderboard.table import Row, Section
    from milbench.report.html.axis import Tick

HEIGHT = 240  # pixels
ROOM = (6.0, 13.0)  # percent and pixels between two numbers

Place = tuple[float, float]


class Point(NamedTuple):
    """One method.

    Parameters
    ----------
    x, y
        In percent of the width, and in pixels from above.
    number
        On the front, the cheapest is 1; else 0.
    is_told
        Whether there is room for the number.
    """

    x: float
    y: float
    number: int
    is_told: bool
    control: bool
    text: str


class Segment(NamedTuple):
    """A piece of the front: x in percent, y in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Costs:
    """One drawing.

    Parameters
    ----------
    x_ticks, y_ticks
        In percent of the width, and in pixels from above.
    front
        The methods on the front, the cheapest first: name, cost, quality.
    left_out
        Methods without one of the two values; they are told below the drawing.
    """

    title: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]
    segments: tuple[Segment, ...]
    front: tuple[tuple[str, str, str], ...]
    left_out: str
    height: int = HEIGHT


def costs_of(section: Section) -> Iterator[Costs]:
    """Yield the drawings of one data set: by seconds to train, and by parameters."""
    if section.level:  # said with the data set's own classes
        return
    seconds = {row.method: row.cost.fit_seconds for row in section.rows}
    parameters = {row.method: row.cost.parameters for row in section.rows}
    told = {row.method: write.seconds(row.cost.fit_seconds) for row in section.rows}
    yield from _costs(section, "Training time of a run, seconds", seconds, told)
    told = {row.method: write.count(row.cost.parameters) for row in section.rows}
    yield from _costs(section, "Parameters", parameters, told)


def _costs(
    section: Section, title: str, cost: dict[str, float], told: dict[str, str]
) -> Iterator[Costs]:
    rows = [row for row in section.rows if _is_shown(row, cost[row.method])]
    x = logarithmic(cost[row.method] for row in rows)
    y = linear(row.primary.value for row in rows)
    if x is None or y is None or len(rows) < 2:  # noqa: PLR2004  # nothing to weigh
        return
    greater = rows[0].primary.greater_is_better

    def up(share: float) -> float:
        return _pixels(share if greater else 100.0 - share)  # the better is always above

    places = {row.method: (x.at(cost[row.method]), up(y.at(row.primary.value))) for row in rows}
    merits = {
        row.method: (cost[row.method], row.primary.value * (1 if greater else -1)) for row in rows
    }
    front = pareto(merits)
    by_name = {row.method: row for row in rows}
    yield Costs(
        title=f"{rows[0].primary.title} against {title[0].lower()}{title[1:]}",
        x_title=title,
        y_title=headed(rows[0].primary),
        x_ticks=x.ticks,
        y_ticks=tuple(tick._replace(at=up(tick.at)) for tick in y.ticks),
        points=tuple(_points(rows, places, front, told)),
        segments=tuple(_steps([places[name] for name in front])),
        front=tuple(
            (name, told[name], write.number(by_name[name].primary.value)) for name in front
        ),
        left_out=", ".join(row.method for row in section.rows if row not in rows),
    )


def _is_shown(row: Row, cost: float) -> bool:
    return row.runs.is_complete and cost > 0 and not math.isnan(row.primary.value)


def _points(
    rows: Sequence[Row],
    places: Mapping[str, Place],
    front: Sequence[str],
    told: Mapping[str, str],
) -> Iterator[Point]:
    """Yield every point, those of the front last, so that they lie above the others."""
    numbered: list[Place] = []
    for row in sorted(rows, key=lambda row: row.method in front):
        x, y = places[row.method]
        number = front.index(row.method) + 1 if row.method in front else 0
        has_room = all(abs(x - i) > ROOM[0] or abs(y - j) > ROOM[1] for i, j in numbered)
        if number and has_room:
            numbered.append((x, y))
        text = f"{row.method}: {told[row.method]}, {write.number(row.primary.value)}"
        yield Point(x, y, number, bool(number) and has_room, row.control, text)


def _steps(places: Sequence[Place]) -> Iterator[Segment]:
    """Yield the front as stairs: across to the next one's cost, then up to its quality."""
    for (x1, y1), (x2, y2) in pairwise(places):
        yield Segment(x1, y1, x2, y1)
        yield Segment(x2, y1, x2, y2)


def _pixels(share: float) -> float:
    return round(HEIGHT * (1.0 - share / 100.0), 1)
