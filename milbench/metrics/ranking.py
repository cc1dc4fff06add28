"""Metrics that only read the order of the scores: AUROC, average precision, and the like.

All follow from running sums: how many bags of the class are among the best k, and how many others.
A bag counts as often as its weight says, so that a bootstrap draw is a column of weights and a
plain evaluation is a column of ones. Bags with equal scores enter together, so a tie counts one
half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.metrics.rows import Floats, Integers, Rows, Weights, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Measure = Callable[[NDArray[np.bool_], Floats, Weights], Floats]

# From so many columns on, adding row to row is faster than numpy's cumsum, which goes down column
# by column: 7 times with 1250 columns, 20 times with 8000, half the speed with 250 (numpy 2.4).
WIDE: Final = 500
TINY: Final = np.finfo(np.float32).tiny  # less than any count, and not 0


class Curve(NamedTuple):
    """Weighted counts at each of G thresholds, the distinct scores of the class, largest first.

    Parameters
    ----------
    hits : (G, B)
        Bags of the class that score at least the threshold, in each of B draws.
    false_alarms : (G, B)
        Other bags that do.
    positives, negatives : (B,)
        All bags of the class, and all others.
    """

    hits: Weights
    false_alarms: Weights
    positives: Weights
    negatives: Weights


def area_under_roc(positive: NDArray[np.bool_], score: Floats, weights: Weights) -> Floats:
    """Return the area under the ROC curve, (B,); NaN where a class is absent.

    It is the share of pairs of a bag of the class and another one in which the former scores
    higher, ties counting one half.

    Parameters
    ----------
    positive : (N,)
        Which bags are of the class.
    score : (N,)
        Larger speaks for the class.
    weights : (N, B)
        How often each bag counts in each draw.
    """
    others = np.flatnonzero(~positive)
    best, worse = _ranked(positive, score), -score[others]
    hits = _running_sums(weights, best)  # (P + 1, B)
    counts = weights[others]  # (Q, B)
    above = np.searchsorted(-score[best], worse, side="left")  # (Q,)
    beside = np.searchsorted(-score[best], worse, side="right")  # (Q,)
    won = _pairs(hits, above, counts)
    won_or_drawn = won if np.array_equal(above, beside) else _pairs(hits, beside, counts)
    return ratio((won + won_or_drawn) / 2.0, hits[-1] * counts.sum(axis=0))  # (B,)


def average_precision(positive: NDArray[np.bool_], score: Floats, weights: Weights) -> Floats:
    """Return the precision averaged over hits, in steps and not trapezoids, (B,).

    NaN where a class is absent: without hits it is undefined, without others it is 1 whatever
    the scores say. Parameters as for :func:`area_under_roc`.
    """
    curve = trace(positive, score, weights)
    found = curve.hits + curve.false_alarms  # (G, B)
    np.maximum(found, TINY, out=found)  # 0 of 0 is no precision
    precision = np.divide(curve.hits, found, dtype=np.float64)  # (G, B)
    gained = np.diff(curve.hits, axis=0, prepend=np.float32(0.0))  # (G, B)
    average = ratio(np.einsum("gb,gb->b", gained, precision), curve.positives)  # (B,)
    return np.where(curve.negatives > 0, average, np.nan)


def sensitivity_at_95_specificity(
    positive: NDArray[np.bool_], score: Floats, weights: Weights
) -> Floats:
    """Return the best sensitivity of a threshold with specificity of at least 0.95, (B,).

    No interpolation between thresholds; 0 when every finite threshold is too unspecific; NaN
    where a class is absent. Parameters as for :func:`area_under_roc`.
    """
    curve = trace(positive, score, weights)
    specific = 20.0 * curve.false_alarms <= curve.negatives  # (G, B), whole numbers: no rounding
    best = (curve.hits * specific).max(axis=0, initial=0.0)  # (B,)
    return np.where(curve.negatives > 0, ratio(best, curve.positives), np.nan)


def trace(positive: NDArray[np.bool_], score: Floats, weights: Weights) -> Curve:
    """Count hits and false alarms at each threshold; parameters as for :func:`area_under_roc`."""
    best, worst = _ranked(positive, score), _ranked(~positive, score)
    hits, false_alarms = _running_sums(weights, best), _running_sums(weights, worst)
    thresholds = np.unique(-score[best])  # (G,), turned, so that the largest comes first
    return Curve(
        hits=hits[np.searchsorted(-score[best], thresholds, side="right")],
        false_alarms=false_alarms[np.searchsorted(-score[worst], thresholds, side="right")],
        positives=hits[-1],
        negatives=false_alarms[-1],
    )


def one_vs_rest(measure: Measure, rows: Rows, weights: Weights) -> Floats:
    """Return ``measure`` of each class against all others, (C, B)."""
    return np.stack([_of_class(measure, rows, weights, c) for c in range(rows.n_classes)])


def headline(measure: Measure, rows: Rows, weights: Weights) -> Floats:
    """Return ``measure`` of class 1 of two, or its mean over more classes, (B,)."""
    if rows.n_classes == 2:  # noqa: PLR2004  # class 1 is the positive one
        return _of_class(measure, rows, weights, 1)
    return np.asarray(one_vs_rest(measure, rows, weights).mean(axis=0))


def _of_class(measure: Measure, rows: Rows, weights: Weights, number: int) -> Floats:
    return measure(rows.has(number), rows.score[:, number], weights)


def _ranked(chosen: NDArray[np.bool_], score: Floats) -> Integers:
    """Return the positions of the chosen bags, the largest score first."""
    positions = np.flatnonzero(chosen)
    return positions[np.argsort(-score[positions], kind="stable")]


def _running_sums(weights: Weights, order: Integers) -> Weights:
    """Return the weights of the first k bags of ``order`` for every k from 0, (K + 1, B)."""
    sums = np.empty((len(order) + 1, weights.shape[1]), weights.dtype)
    sums[0] = 0.0
    if weights.shape[1] < WIDE:
        np.cumsum(weights[order], axis=0, out=sums[1:])
        return sums
    for before, after, bag in zip(sums[:-1], sums[1:], order.tolist(), strict=True):
        np.add(before, weights[bag], out=after)
    return sums


def _pairs(hits: Weights, ahead: Integers, counts: Weights) -> Weights:
    """Return how many pairs of a hit and another bag there are, (B,).

    Parameters
    ----------
    hits : (P + 1, B)
        Running sums over the bags of the class.
    ahead : (Q,)
        How many bags of the class are paired with each other bag.
    counts : (Q, B)
        How often each other bag counts.
    """
    return np.asarray(np.einsum("qb,qb->b", hits[ahead], counts))
