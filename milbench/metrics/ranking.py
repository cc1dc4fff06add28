"""Metrics that only read the order of the scores: AUROC, average precision, and the like.

All are read off one curve: how many bags of the class, and how many others, score at least each
threshold. A bag counts as often as its weight says, so that a bootstrap draw is a column of
weights and a plain evaluation is a column of ones. Bags with equal scores enter together, so a tie
counts one half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.metrics.rows import Floats, Rows, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Curve(NamedTuple):
    """Weighted counts at each of G distinct thresholds, from the largest score down.

    Parameters
    ----------
    hits : (G, B)
        Bags of the class that score at least the threshold, in each of B draws.
    false_alarms : (G, B)
        Other bags that do.
    """

    hits: Floats
    false_alarms: Floats


def trace(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Curve:
    """Count hits and false alarms at every threshold.

    Parameters
    ----------
    positive : (N,)
        Which bags are of the class.
    score : (N,)
        Larger speaks for the class.
    weights : (N, B)
        How often each bag counts in each draw.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # last of equal scores
    counted = weights[order]  # (N, B)
    hits = np.cumsum(counted * positive[order, None], axis=0)[ends]  # (G, B)
    return Curve(hits, np.cumsum(counted, axis=0)[ends] - hits)


def area_under_roc(curve: Curve) -> Floats:
    """Return the area under the ROC curve, (B,); NaN where a class is absent."""
    hits, false_alarms = curve
    steps = np.diff(false_alarms, axis=0, prepend=0.0)  # (G, B)
    before = np.vstack([np.zeros_like(hits[:1]), hits[:-1]])  # (G, B)
    area = (steps * (hits + before)).sum(axis=0) / 2.0  # (B,)
    return ratio(area, hits[-1] * false_alarms[-1])


def average_precision(curve: Curve) -> Floats:
    """Return the precision averaged over hits, in steps and not trapezoids, (B,).

    NaN where a class is absent: without hits it is undefined, without others it is 1 whatever
    the scores say.
    """
    hits, false_alarms = curve
    precision = np.nan_to_num(ratio(hits, hits + false_alarms))  # (G, B), 0 before the first bag
    gained = (np.diff(hits, axis=0, prepend=0.0) * precision).sum(axis=0)  # (B,)
    return np.where(false_alarms[-1] > 0, ratio(gained, hits[-1]), np.nan)


def sensitivity_at_95_specificity(curve: Curve) -> Floats:
    """Return the best sensitivity of a threshold with specificity of at least 0.95, (B,).

    No interpolation between thresholds; 0 when every finite threshold is too unspecific; NaN
    where a class is absent.
    """
    hits, false_alarms = curve
    specific = 20.0 * false_alarms <= false_alarms[-1]  # (G, B), whole numbers: no rounding
    best = np.where(specific, hits, 0.0).max(axis=0)  # (B,)
    return np.where(false_alarms[-1] > 0, ratio(best, hits[-1]), np.nan)


def one_vs_rest(measure: Callable[[Curve], Floats], rows: Rows, weights: Floats) -> Floats:
    """Return ``measure`` of each class against all others, (C, B)."""
    return np.stack([_of_class(measure, rows, weights, c) for c in range(rows.n_classes)])


def headline(measure: Callable[[Curve], Floats], rows: Rows, weights: Floats) -> Floats:
    """Return ``measure`` of class 1 of two, or its mean over more classes, (B,)."""
    if rows.n_classes == 2:  # noqa: PLR2004  # class 1 is the positive one
        return _of_class(measure, rows, weights, 1)
    return np.asarray(one_vs_rest(measure, rows, weights).mean(axis=0))


def _of_class(
    measure: Callable[[Curve], Floats], rows: Rows, weights: Floats, number: int
) -> Floats:
    return measure(trace(rows.label == number, rows.score[:, number], weights))
