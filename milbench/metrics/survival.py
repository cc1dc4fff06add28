"""Harrell's C-index: whether patients with the earlier event are given the higher risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics.rows import Floats, Weights, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

TIED: Final = 1e-8  # risks this close are equal, as in scikit-survival
ENOUGH_EVENTS: Final = 30  # in all
ENOUGH_IN_A_FOLD: Final = 5


def concordance(time: ArrayLike, event: ArrayLike, risk: ArrayLike, weights: Weights) -> Floats:
    """Return the share of comparable pairs in the right order, (B,), equal risks counting half.

    A pair is comparable when one patient had the event and the other one was known to be without
    it at that time: a later time, or the same time and no event (Harrell et al. 1982).

    Parameters
    ----------
    time : (N,)
        To the event or to the end of observation.
    event : (N,)
        1 where the event was seen, 0 where observation ended before.
    risk : (N,)
        Larger for an earlier event.
    weights : (N, B)
        How often each patient counts.

    Returns
    -------
    (B,)
        NaN where no pair is comparable.

    Raises
    ------
    ScoreError
        If lengths differ, a number is not finite, or ``event`` holds more than 0 and 1.
    """
    times, risks = np.asarray(time, dtype=np.float64), np.asarray(risk, dtype=np.float64)
    seen = np.asarray(event)
    _check(times, seen, risks)
    happened = seen.astype(bool)
    earlier = times[:, None] < times  # (N, N)
    same = (times[:, None] == times) & ~happened
    comparable = (happened[:, None] & (earlier | same)).astype(np.float64)
    gap = risks[:, None] - risks  # (N, N)
    order = np.where(np.abs(gap) <= TIED, 0.5, gap > 0)
    right = (weights * ((comparable * order) @ weights)).sum(axis=0)
    return ratio(right, (weights * (comparable @ weights)).sum(axis=0))


def c_index(time: ArrayLike, event: ArrayLike, risk: ArrayLike) -> float:
    """Return the C-index of all patients; see :func:`concordance`."""
    return float(concordance(time, event, risk, np.ones((len(np.asarray(risk)), 1)))[0])


def event_codes(event_by_fold: Sequence[ArrayLike]) -> frozenset[str]:
    """Return ``FEW_UNITS`` with fewer than 30 events in all, or than 5 in a fold.

    Parameters
    ----------
    event_by_fold
        The events of the patients tested in each fold of one repeat.
    """
    found = [int(np.asarray(events).astype(bool).sum()) for events in event_by_fold]
    few = sum(found) < ENOUGH_EVENTS or min(found, default=0) < ENOUGH_IN_A_FOLD
    return frozenset({"FEW_UNITS"} if few else ())


def _check(time: Floats, event: np.ndarray, risk: Floats) -> None:
    if not time.shape == event.shape == risk.shape or time.ndim != 1:
        raise ScoreError(
            f"times {time.shape}, events {event.shape}, risks {risk.shape}: expected one of each "
            "for every patient"
        )
    if not (np.isfinite(time).all() and np.isfinite(risk).all()):
        raise ScoreError("a time or risk is NaN or infinite; record such a run as failed")
    if not np.isin(event, (0, 1)).all():
        raise ScoreError(f"events {np.unique(event)[:5].tolist()}: expected 0 and 1 only")
