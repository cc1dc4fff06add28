"""Intervals of all differences that hold together, from the joint draws of P (max-t).

The largest of all standardised differences is drawn with them, so that the correlation of the
methods is used: narrower than Bonferroni's, and all intervals are right at once (Westfall and
Young 1993).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.stats.resampled import ROUNDING

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats
    from milbench.stats.bootstrap import Bootstrap


class Simultaneous(NamedTuple):
    """One difference, a minus b, among all pairs; NaN where nothing varies or it is undefined."""

    a: str
    b: str
    difference: float
    low: float
    high: float
    p: float


def simultaneous(bootstrap: Bootstrap, *, level: float = 0.95) -> tuple[Simultaneous, ...]:
    """Return all pairs with intervals that hold together, and p corrected for all of them."""
    pairs = list(combinations(bootstrap.names, 2))
    draws = np.stack([bootstrap.differences(a, b) for a, b in pairs])  # (pairs, B)
    values = np.array(
        [bootstrap.estimates[a].value - bootstrap.estimates[b].value for a, b in pairs]
    )
    errors = np.array([bootstrap.standard_error(a, b) for a, b in pairs])  # (pairs,)
    sound = (
        np.isfinite(draws).all(axis=1) & np.isfinite(values) & (np.ptp(draws, axis=1) > ROUNDING)
    )
    if not sound.any():
        return tuple(_row(pair, value) for pair, value in zip(pairs, values.tolist(), strict=True))
    largest = _largest(draws[sound])  # (B,)
    width = float(np.quantile(largest, level))
    return tuple(
        _row(pair, value, error * width, _p(largest, value / error)) if fine else _row(pair, value)
        for pair, value, error, fine in zip(
            pairs, values.tolist(), errors.tolist(), sound.tolist(), strict=True
        )
    )


def _largest(draws: Floats) -> Floats:
    """Return the largest standardised difference of each draw, (B,).

    Standardised by the variance over patients; that between repeats widens errors, not the shape.
    """
    centred = draws - draws.mean(axis=1, keepdims=True)
    return np.asarray(np.abs(centred / draws.std(axis=1, ddof=1, keepdims=True)).max(axis=0))


def _p(largest: Floats, t: float) -> float:
    return float(((largest >= abs(t) - ROUNDING).sum() + 1.0) / (largest.size + 1.0))


def _row(
    pair: tuple[str, str], value: float, half: float = float("nan"), p: float = float("nan")
) -> Simultaneous:
    return Simultaneous(*pair, value, value - half, value + half, p)
