"""Curves of a method with a band over patients: ROC, precision and recall, and reliability.

A draw takes patients with replacement, as the intervals of the table do; the band holds the middle
95 % of the draws at each place, for itself. It does not hold the spread between trainings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.metrics.reliability import reliability
from milbench.metrics.rows import ratio
from milbench.stats.draws import drawn_patients, strata_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Floats, Integers

    Reading = Callable[["Steps", Floats], Floats]

DRAWS = 200
GRID = np.linspace(0.0, 1.0, 51)
BINS = 10
TAILS = (0.025, 0.975)
ROUNDING = 1e-9  # counts are whole, shares of them are not


class Band(NamedTuple):
    """A curve and its band at each x; NaN where undefined."""

    x: Floats
    y: Floats
    low: Floats
    high: Floats


class Steps(NamedTuple):
    """Weighted counts from each distinct score upwards, (G, B), the first 0, the last all."""

    hits: Floats
    false_alarms: Floats


class Calibration(NamedTuple):
    """How often what was said came true, with its band, at the mean probability of each bin."""

    said: Floats
    happened: Floats
    low: Floats
    high: Floats
    share: Floats


def roc(predictions: Predictions, seed: int) -> Band:
    """Return sensitivity at each false positive rate, the mean of the curves of all test folds.

    Steps, and slopes where bags of both kinds have one score, so that the area below is the AUROC
    of the table. With two classes that of class 1, else the mean of each class against the rest, or
    of each label.
    """
    return _band(predictions, seed, _sensitivity)


def precision_recall(predictions: Predictions, seed: int) -> Band:
    """Return precision at each recall, put together as for :func:`roc`; none at recall 0.

    It is that of the first threshold which reaches the recall, as for average precision.
    """
    found = _band(predictions, seed, _precision)
    return Band(*(values[1:] for values in found))


def calibration(predictions: Predictions, seed: int) -> Calibration:
    """Return the reliability curve over all test rows.

    With two classes of the probability of class 1, else of the largest one; of several labels, of
    all probabilities of all bags. Every bag counts once a repeat and seed.
    """
    p = predictions
    if p.is_multi_label:
        said, came = p.score.ravel(), p.label.ravel().astype(np.float64)  # (M * L,)
    elif p.n_classes == 2:  # noqa: PLR2004  # class 1 is the positive one
        said, came = p.score[:, 1], (p.label == 1).astype(np.float64)
    else:
        said, came = p.score.max(axis=1), (p.score.argmax(axis=1) == p.label).astype(np.float64)
    curve = reliability(said, came, bins=BINS)
    place = np.clip(np.searchsorted(curve.edges, said, side="left") - 1, 0, BINS - 1)  # (M,)
    inside = np.equal.outer(np.arange(BINS), place).astype(np.float64)  # (bins, M)
    weights = np.repeat(_weights(p, seed), len(said) // len(p), axis=0)  # (M, B)
    drawn = ratio(inside @ (came[:, None] * weights), inside @ weights)  # (bins, B)
    low, high = _around(curve.happened, drawn[:, 1:])
    return Calibration(curve.said, curve.happened, low, high, curve.bags / curve.bags.sum())


def _band(predictions: Predictions, seed: int, reading: Reading) -> Band:
    weights = _weights(predictions, seed)  # (M, B)
    total, counted = np.zeros((GRID.size, weights.shape[1])), np.zeros((1, weights.shape[1]))
    for curve in _curves(predictions, weights):
        known = (curve.hits[-1] > 0) & (curve.false_alarms[-1] > 0)  # (B,)
        total += np.where(known, reading(curve, GRID), 0.0)
        counted += known
    means = ratio(total, counted)  # (x, B)
    low, high = _around(means[:, 0], means[:, 1:])
    return Band(GRID, means[:, 0], low, high)


def _curves(predictions: Predictions, weights: Floats) -> Iterator[Steps]:
    is_binary = predictions.n_classes == 2 and not predictions.is_multi_label  # noqa: PLR2004
    classes = [1] if is_binary else range(predictions.n_classes)
    for _, _, _, positions in predictions.runs():
        rows = predictions.rows(positions)
        for number in classes:
            yield steps(rows.has(number), rows.score[:, number], weights[positions])


def steps(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Steps:
    """Count hits and false alarms from each distinct score upwards, the largest first.

    Parameters
    ----------
    positive, score : (N,)
        Which bags are of the class, and how much speaks for it.
    weights : (N, B)
        How often each bag counts in each draw.
    """
    distinct, place = np.unique(-score, return_inverse=True)
    counts = np.zeros((2, len(distinct) + 1, weights.shape[1]))  # (2, G, B), first nothing
    np.add.at(counts[0], place[positive] + 1, weights[positive])
    np.add.at(counts[1], place[~positive] + 1, weights[~positive])
    sums = counts.cumsum(axis=1)
    return Steps(sums[0], sums[1])


def _sensitivity(curve: Steps, x: Floats) -> Floats:
    """Return the sensitivity at a false positive rate of ``x``, (x, B)."""
    wanted = x[:, None] * curve.false_alarms[-1]  # (x, B)
    reached = _count(curve.false_alarms, wanted + ROUNDING) - 1  # (x, B)
    further = np.minimum(reached + 1, len(curve.hits) - 1)
    here, there = (np.take_along_axis(curve.hits, at, axis=0) for at in (reached, further))
    low, high = (np.take_along_axis(curve.false_alarms, at, axis=0) for at in (reached, further))
    way = np.nan_to_num(ratio(np.maximum(wanted - low, 0.0), high - low))
    return ratio(here + way * (there - here), curve.hits[-1])


def _precision(curve: Steps, x: Floats) -> Floats:
    """Return the precision at the first threshold with a recall of at least ``x``, (x, B)."""
    wanted = x[:, None] * curve.hits[-1]  # (x, B)
    first = _count(curve.hits, wanted - ROUNDING)  # (x, B); no count is that close to another
    precision = ratio(curve.hits, curve.hits + curve.false_alarms)  # (G, B)
    return np.nan_to_num(np.take_along_axis(precision, first, axis=0))


def _count(sums: Floats, bound: Floats) -> Integers:
    """Return how many of the running sums (G, B) are at most the bounds (x, B), for each of them.

    One sum after the other: all at once would be an array that no cache holds.
    """
    count = np.zeros(bound.shape, dtype=np.int64)
    for row in sums:
        count += row <= bound
    return count


def _weights(predictions: Predictions, seed: int) -> Floats:
    """Return how often each row counts, (M, 1 + B): once, then in each draw."""
    patients, owner = np.unique(predictions.patient, return_inverse=True)
    draws = drawn_patients(strata_of(predictions, owner), DRAWS, DRAWS, seed)
    counts = np.concatenate([np.ones((len(patients), 1)), *draws], axis=1)
    return np.asarray(counts[owner])


def _around(point: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the middle 95 % of the draws, moved so that their mean is the curve.

    As the intervals of the table: a draw repeats patients, which pulls a curve away from itself.
    NaN where fewer than half of the draws have a value.

    Parameters
    ----------
    point : (x,)
    drawn : (x, B)
    """
    is_known = np.isnan(drawn).mean(axis=1) < 0.5  # noqa: PLR2004
    ends = np.full((2, len(drawn)), np.nan)
    known = drawn[is_known]
    shift = point[is_known] - np.nanmean(known, axis=1)
    ends[:, is_known] = np.clip(np.nanquantile(known, TAILS, axis=1) + shift, 0.0, 1.0)
    return ends[0], ends[1]
