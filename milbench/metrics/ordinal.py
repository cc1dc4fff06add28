"""Metrics of ordered classes, such as grades: how far off the decisions are.

Each is a function of a confusion matrix of shape (C, C, B), see :mod:`milbench.metrics.counts`.
Grades count as 0, 1, 2 and so on, one step apart.
"""

from __future__ import annotations

import numpy as np

from milbench.metrics.rows import Floats, ratio


def absolute_error(matrix: Floats) -> Floats:
    """Return the mean distance of the decided grade from the true one, (B,)."""
    return ratio((_distance(matrix) * matrix).sum(axis=(0, 1)), matrix.sum(axis=(0, 1)))


def absolute_error_per_class(matrix: Floats) -> Floats:
    """Return the mean distance for each true grade, (C, B); NaN for an absent grade."""
    return ratio((_distance(matrix) * matrix).sum(axis=1), matrix.sum(axis=1))


def macro_absolute_error(matrix: Floats) -> Floats:
    """Return the mean over the grades that occur, (B,), so that rare grades count as much."""
    per_class = absolute_error_per_class(matrix)  # (C, B)
    defined = ~np.isnan(per_class)
    total = np.where(defined, per_class, 0.0).sum(axis=0)
    return ratio(total, defined.sum(axis=0).astype(float))


def within_one(matrix: Floats) -> Floats:
    """Return the share of bags that are decided right or one grade off, (B,)."""
    near = (_distance(matrix) <= 1) * matrix
    return ratio(near.sum(axis=(0, 1)), matrix.sum(axis=(0, 1)))


def kendall_tau(matrix: Floats) -> Floats:
    """Return Kendall's tau-b of true and decided grade, (B,); NaN where either is constant."""
    true, decided, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum(axis=(0, 1))
    agree = (matrix * _beyond(matrix)).sum(axis=(0, 1))  # (B,) pairs in the same order
    differ = (matrix * _beyond(matrix[:, ::-1])[:, ::-1]).sum(axis=(0, 1))
    apart_true = (total**2 - (true**2).sum(axis=0)) / 2.0  # pairs that are not tied
    apart_decided = (total**2 - (decided**2).sum(axis=0)) / 2.0
    return ratio(agree - differ, np.sqrt(apart_true * apart_decided))


def _distance(matrix: Floats) -> Floats:
    grade = np.arange(len(matrix), dtype=np.float64)
    return np.asarray(np.abs(grade[:, None] - grade)[:, :, None])  # (C, C, 1)


def _beyond(matrix: Floats) -> Floats:
    """Return how many bags have both a higher true and a higher decided grade, (C, C, B)."""
    sums = np.zeros_like(matrix)
    tail = matrix[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]  # (C, C, B), from here on
    sums[:-1, :-1] = tail[1:, 1:]
    return sums
