"""Metrics that only more than two classes need: Hand and Till's M, weighted means, top two."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from milbench.metrics import counts, ranking
from milbench.metrics.rows import Floats, Rows, Weights, ratio


def hand_till(rows: Rows, weights: Weights) -> Floats:
    """Return the mean AUROC of all pairs of classes, (B,) (Hand and Till 2001, M).

    Each pair is ranked by the score of the one class and by that of the other. How common the
    classes are has no influence. NaN where a class is absent.
    """
    pairs = list(combinations(range(rows.n_classes), 2))
    total = np.zeros(weights.shape[1])
    for one, other in pairs:
        inside = np.flatnonzero((rows.label == one) | (rows.label == other))
        label, score, counted = rows.label[inside], rows.score[inside], weights[inside]
        for own in (one, other):
            total += ranking.area_under_roc(label == own, score[:, own], counted) / 2.0
    return total / len(pairs)


def weighted_auroc(rows: Rows, weights: Weights) -> Floats:
    """Return the mean AUROC of the classes against the rest by how common they are, (B,)."""
    per_class = ranking.one_vs_rest(ranking.area_under_roc, rows, weights)  # (C, B)
    return ratio((per_class * _support(rows, weights)).sum(axis=0), weights.sum(axis=0))


def weighted_f1(rows: Rows, weights: Weights) -> Floats:
    """Return the mean F1 of the classes by how common they are, (B,)."""
    per_class = counts.f1(counts.confusion(rows, weights))  # (C, B)
    support = _support(rows, weights)
    total = np.where(support > 0, per_class * support, 0.0).sum(axis=0)
    return ratio(total, weights.sum(axis=0))


def top_two(rows: Rows, weights: Weights) -> Floats:
    """Return the share of bags whose true class is among the two with the largest scores, (B,).

    Of equal scores the first class comes first, as in a decision.
    """
    own = rows.score[np.arange(len(rows.label)), rows.label][:, None]  # (N, 1)
    earlier = np.arange(rows.n_classes) < rows.label[:, None]  # (N, C)
    before = ((rows.score > own) | ((rows.score == own) & earlier)).sum(axis=1)  # (N,)
    return ratio((before < 2).astype(np.float64) @ weights, weights.sum(axis=0))  # noqa: PLR2004


def _support(rows: Rows, weights: Weights) -> Floats:
    """Return how many bags each class has, (C, B)."""
    of_class = (np.arange(rows.n_classes)[:, None] == rows.label).astype(np.float64)  # (C, N)
    return np.asarray(of_class @ weights)
