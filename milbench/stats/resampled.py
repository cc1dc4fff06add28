"""How draws of a bootstrap are read: an interval, a difference, a p.

Draws hold the variance over patients only. Splits and training seeds add theirs, by widening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats

ROUNDING: Final = 1e-12  # values this close are equal but for rounding


class Paired(NamedTuple):
    """The difference of two methods, a minus b, in units of the metric.

    Parameters
    ----------
    low, high
        Percentile interval; it holds the variance over patients and between repeats.
    p
        Two-sided; at least 2 / (draws + 1).
    """

    difference: float
    low: float
    high: float
    p: float
    codes: frozenset[str]


def read_difference(
    drawn: Floats, difference: float, extra: float, level: float, codes: frozenset[str]
) -> Paired:
    """Return a difference with interval and p.

    Methods that agree in every draw have p = 1. A difference that is the same in every draw
    but not 0 has no known spread: p is NaN, with the code ``DEGENERATE_VARIANCE``.

    Parameters
    ----------
    drawn : (B,)
        The difference in each draw; NaN where it is undefined there.
    extra
        Variance to add to that over patients.
    """
    there = defined(drawn)
    if np.isnan(difference) or not there.size:
        return Paired(difference, np.nan, np.nan, np.nan, codes)
    if is_constant(there):
        return _constant_difference(difference, codes)
    wide = widened(there, difference, extra)
    low, high = np.quantile(wide, tails(level))
    return Paired(difference, float(low), float(high), two_sided(wide), codes)


def defined(drawn: Floats) -> Floats:
    """Return the draws that have a value."""
    return np.asarray(drawn[~np.isnan(drawn)])


def is_constant(drawn: Floats) -> bool:
    """Return whether there are draws, and all are equal."""
    return bool(drawn.size and np.ptp(drawn) <= ROUNDING)


def widened(drawn: Floats, point: float, extra: float) -> Floats:
    """Centre draws on ``point`` and stretch them until their variance has grown by ``extra``.

    They are centred because a draw repeats some bags and lacks others, which moves metrics of
    small folds: calibration error grows, the hardest negative of a fold is often not there. The
    plain percentiles would then miss the value itself.
    """
    if is_constant(drawn):
        return np.full_like(drawn, point)
    stretch = float(np.sqrt(1.0 + extra / drawn.var(ddof=1)))
    return np.asarray(point + (drawn - drawn.mean()) * stretch)


def two_sided(drawn: Floats) -> float:
    """Return twice the smaller tail beyond 0; the draw that was observed counts in both."""
    below, above = (drawn <= ROUNDING).sum(), (drawn >= -ROUNDING).sum()
    return min(1.0, 2.0 * (float(min(below, above)) + 1.0) / (drawn.size + 1.0))


def tails(level: float) -> tuple[float, float]:
    """Return the two shares of draws between which an interval of that level lies."""
    return (1.0 - level) / 2.0, (1.0 + level) / 2.0


def _constant_difference(difference: float, codes: frozenset[str]) -> Paired:
    if abs(difference) <= ROUNDING:
        return Paired(difference, 0.0, 0.0, 1.0, codes)
    return Paired(difference, np.nan, np.nan, np.nan, codes | {"DEGENERATE_VARIANCE"})
