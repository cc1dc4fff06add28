"""Where values lie on an axis, as shares of its length, so that a drawing fits any width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_TICKS = 5
NICE = (1.0, 2.0, 5.0, 10.0)
MARGIN = 0.04  # of the range, so that no mark touches the edge


class Tick(NamedTuple):
    """A labelled place, in percent of the axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic axis from ``low`` to ``high``, with its ticks."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[Tick, ...]

    def at(self, value: float) -> float:
        """Return the place of ``value`` in percent, inside the axis."""
        return _share(value, self.low, self.high, is_log=self.is_log)


def linear(values: Iterable[float], *, include: Iterable[float] = ()) -> Axis | None:
    """Return an axis around all finite ``values`` and ``include``; None where there is no value."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return None
    known = [*found, *include]
    low, high = min(known), max(known)
    room = (high - low) * MARGIN or max(abs(high), 1.0) * MARGIN
    low, high = low - room, high + room
    step = _step((high - low) / MOST_TICKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    marks = [round(k * step, 10) + 0.0 for k in range(first, last + 1)]
    ticks = [Tick(_share(mark, low, high), f"{mark:.{digits}f}") for mark in marks]
    return Axis(low, high, is_log=False, ticks=tuple(ticks))


def logarithmic(values: Iterable[float]) -> Axis | None:
    """Return a logarithmic axis around all positive ``values``; None where there is none."""
    found = [value for value in values if value > 0 and math.isfinite(value)]
    if not found:
        return None
    low, high = math.log10(min(found)), math.log10(max(found))
    room = max((high - low) * 2 * MARGIN, (1.0 - (high - low)) / 2)  # at least a decade
    low, high = 10 ** (low - room), 10 ** (high + room)
    ticks = [Tick(_share(m, low, high, is_log=True), _short(m)) for m in _decades(low, high)]
    return Axis(low, high, is_log=True, ticks=tuple(ticks))


def _share(value: float, low: float, high: float, *, is_log: bool = False) -> float:
    if is_log:
        value, low, high = (math.log10(max(v, 1e-300)) for v in (value, low, high))
    return round(100.0 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def _step(size: float) -> float:
    """Return the smallest nice step that is at least ``size``."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(nice * power for nice in NICE if nice * power >= size * (1 - 1e-9))


def _decades(low: float, high: float) -> list[float]:
    """Return powers of ten inside the axis, every second or third if many, finer ones if few."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    apart = max(1, math.ceil((last - first + 1) / MOST_TICKS))
    marks = [10.0**k for k in range(first, last + 1, apart)]
    if len(marks) > 1:
        return marks
    fine = [m * 10.0**k for k in range(first - 1, last + 2) for m in (1, 2, 5)]
    return [mark for mark in fine if low <= mark <= high]


def _short(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
