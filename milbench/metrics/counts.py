"""Metrics of decisions: accuracy, F1, kappa and others, each a function of a confusion matrix.

Every matrix has the shape (C, C, B): true class, decided class, and one layer for each of B
weightings of the bags.
"""

from __future__ import annotations

import numpy as np

from milbench.metrics.rows import Floats, Rows, Weights, ratio


def confusion(rows: Rows, weights: Weights) -> Floats:
    """Count the bags of each true and decided class.

    Parameters
    ----------
    weights : (N, B)
        How often each bag counts in each draw.

    Returns
    -------
    (C, C, B)
        Always with all C classes, whether or not they occur.
    """
    classes = rows.n_classes
    cell = rows.label * classes + rows.predicted  # (N,)
    chosen = (np.arange(classes * classes)[:, None] == cell).astype(weights.dtype)  # (C * C, N)
    counted = (chosen @ weights).astype(np.float64, copy=False)  # (C * C, B)
    return np.reshape(counted, (classes, classes, -1))  # (C, C, B)


def recall(matrix: Floats) -> Floats:
    """Return the share of each class that was found, (C, B); NaN for an absent class."""
    return ratio(_diagonal(matrix), matrix.sum(axis=1))


def specificity(matrix: Floats) -> Floats:
    """Return the share of the other bags that each class was not decided for, (C, B)."""
    others = matrix.sum(axis=(0, 1)) - matrix.sum(axis=1)  # (C, B)
    wrong = matrix.sum(axis=0) - _diagonal(matrix)  # (C, B)
    return ratio(others - wrong, others)


def f1(matrix: Floats) -> Floats:
    """Return F1 of each class, (C, B); NaN for a class neither true nor decided for."""
    return ratio(2.0 * _diagonal(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def class_one_or_mean(per_class: Floats) -> Floats:
    """Return class 1 of two, or the mean of more, (B,); NaN where any is NaN."""
    if len(per_class) == 2:  # noqa: PLR2004  # class 1 is the positive one
        return np.asarray(per_class[1])
    return np.asarray(per_class.mean(axis=0))


def class_one_or_mean_of_defined(per_class: Floats) -> Floats:
    """Return class 1 of two, or the mean of those of more that are not NaN, (B,)."""
    if len(per_class) == 2:  # noqa: PLR2004  # class 1 is the positive one
        return np.asarray(per_class[1])
    defined = ~np.isnan(per_class)  # (C, B)
    return ratio(np.where(defined, per_class, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))


def accuracy(matrix: Floats) -> Floats:
    """Return the share of right decisions, (B,)."""
    return ratio(_diagonal(matrix).sum(axis=0), matrix.sum(axis=(0, 1)))


def balanced_accuracy(matrix: Floats) -> Floats:
    """Return the mean recall of all classes, (B,); NaN where a class is absent.

    scikit-learn averages the classes that occur, which is another quantity in each fold.
    """
    return np.asarray(recall(matrix).mean(axis=0))


def matthews(matrix: Floats) -> Floats:
    """Return the correlation of true and decided class, (B,) (Gorodkin 2004, for C classes).

    0 when the decisions are constant and the truth is not, or the other way round; NaN when both
    are constant.
    """
    true, decided, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum(axis=(0, 1))
    both = total * _diagonal(matrix).sum(axis=0) - (true * decided).sum(axis=0)  # (B,)
    spread_true = total**2 - (true**2).sum(axis=0)
    spread_decided = total**2 - (decided**2).sum(axis=0)
    known = np.nan_to_num(ratio(both, np.sqrt(spread_true * spread_decided)))
    return np.where((spread_true == 0) & (spread_decided == 0), np.nan, known)


def kappa(matrix: Floats, *, quadratic: bool) -> Floats:
    """Return Cohen's kappa, (B,), plain or with the squared distance of the classes as cost.

    NaN when truth and decisions are constant and equal. The cost uses the class numbers of the
    data set, so a grade that does not occur changes nothing.
    """
    number = np.arange(len(matrix), dtype=np.float64)
    distance = np.abs(number[:, None] - number)  # (C, C)
    cost = (distance**2 if quadratic else np.sign(distance))[:, :, None]  # (C, C, 1)
    true, decided, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum(axis=(0, 1))
    by_chance = (cost * true[:, None] * decided[None]).sum(axis=(0, 1))  # (B,)
    return 1.0 - ratio(total * (cost * matrix).sum(axis=(0, 1)), by_chance)


def _diagonal(matrix: Floats) -> Floats:
    return matrix[np.arange(len(matrix)), np.arange(len(matrix))]  # (C, B)
