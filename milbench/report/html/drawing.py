"""The small drawings inside table cells: an interval on an axis, and the groups of a ranking."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milbench.report.html.axis import Axis, Tick

GROUP_WIDTH = 14  # pixels from one group to the next


@dataclass(frozen=True, slots=True)
class Bar:
    """A point with its interval, in percent of the width of its cell.

    Parameters
    ----------
    low, high
        None without an interval.
    kind
        What the point is: ``better``, ``worse``, ``control``, ``mean``, or nothing in particular.
    text
        The same in words, for those who cannot see it.
    far
        Ends of a thin line behind the interval: where one more value would lie.
    """

    at: float
    low: float | None
    high: float | None
    kind: str
    text: str
    far: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """What lies behind the bars of one column: ticks, a zero line, a band of equality."""

    ticks: tuple[Tick, ...]
    zero: float | None = None
    band: tuple[float, float] | None = None


def bar(
    axis: Axis, value: float, bounds: tuple[float, float], text: str, kind: str = ""
) -> Bar | None:
    """Return ``value`` with its interval on ``axis``; None where there is no value."""
    if math.isnan(value):
        return None
    low, high = bounds
    if math.isnan(low) or math.isnan(high):
        return Bar(axis.at(value), None, None, kind, text)
    return Bar(axis.at(value), axis.at(low), axis.at(high), kind, text)


@dataclass(frozen=True, slots=True)
class GroupCell:
    """What the columns of groups show in one row: x in pixels of members, and of lines passing.

    ``up`` and ``down`` say whether the line goes on above and below.
    """

    marks: tuple[GroupMark, ...]
    width: int
    text: str


@dataclass(frozen=True, slots=True)
class GroupMark:
    """One group in one row."""

    x: int
    is_member: bool
    up: bool
    down: bool


def group_cell(groups: tuple[tuple[int, ...], ...], row: int, names: list[str]) -> GroupCell:
    """Return the drawing of all ``groups`` beside the row of one method."""
    marks = [
        GroupMark(
            GROUP_WIDTH // 2 + number * GROUP_WIDTH, row in group, row > group[0], row < group[-1]
        )
        for number, group in enumerate(groups)
        if group[0] <= row <= group[-1]
    ]
    alike = sorted({other for group in groups if row in group for other in group} - {row})
    text = f"not told apart from {', '.join(names[other] for other in alike)}" if alike else ""
    return GroupCell(
        tuple(marks), max(1, len(groups)) * GROUP_WIDTH, text or "differs from all others"
    )
