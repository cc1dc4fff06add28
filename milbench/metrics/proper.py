"""Metrics of probabilities: Brier score and log loss (proper scores), and calibration error."""

from __future__ import annotations

from typing import Final

import numpy as np

from milbench.metrics.rows import Floats, Integers, Rows, Weights, ratio

SMALLEST: Final = 1e-7  # a true class given less is charged as if given this
BINS: Final = 15


def brier(rows: Rows, weights: Weights) -> Floats:
    """Return the mean squared error of the probabilities, (B,).

    With two classes that of class 1, in [0, 1]; with more the sum over classes, in [0, 2], which
    is also what scikit-learn takes for each.
    """
    truth = np.eye(rows.n_classes)[rows.label]  # (N, C)
    errors = (rows.score - truth) ** 2  # (N, C)
    one_class = rows.n_classes == 2  # noqa: PLR2004  # two columns say the same twice
    return _mean(errors[:, 1] if one_class else errors.sum(axis=1), weights)


def log_loss(rows: Rows, weights: Weights) -> Floats:
    """Return the mean of minus the log of the true class's probability, at least 1e-7, (B,)."""
    return _mean(-np.log(np.maximum(_given_to_truth(rows), SMALLEST)), weights)


def clipped(rows: Rows, weights: Weights) -> Floats:
    """Return how many bags gave their true class less than 1e-7, (B,)."""
    return np.asarray((_given_to_truth(rows) < SMALLEST) @ weights)


def calibration_error(rows: Rows, weights: Weights, *, bins: int = BINS) -> Floats:
    """Return the expected calibration error, (B,).

    With two classes of the probability of class 1; with more of the largest probability, against
    whether the largest one is right (Guo et al. 2017).
    """
    if rows.n_classes == 2:  # noqa: PLR2004  # class 1 is the positive one
        return _binned_gap(rows.score[:, 1], rows.label == 1, weights, bins)
    right = rows.score.argmax(axis=1) == rows.label
    return _binned_gap(rows.score.max(axis=1), right, weights, bins)


def classwise_calibration_error(rows: Rows, weights: Weights, *, bins: int = BINS) -> Floats:
    """Return the calibration error of each class's probability, (C, B)."""
    return np.stack(
        [
            _binned_gap(rows.score[:, c], rows.label == c, weights, bins)
            for c in range(rows.n_classes)
        ]
    )


def mean_classwise_calibration_error(rows: Rows, weights: Weights) -> Floats:
    """Return the mean over classes of their calibration errors, (B,)."""
    return np.asarray(classwise_calibration_error(rows, weights).mean(axis=0))


def bin_of(probability: Floats, bins: int) -> Integers:
    """Return the bin of each probability, (N,); bins are (low, high], the first has 0."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    found = np.searchsorted(edges, probability, side="left") - 1
    return np.asarray(np.clip(found, 0, bins - 1), dtype=np.int64)


def _given_to_truth(rows: Rows) -> Floats:
    return rows.score[np.arange(len(rows.label)), rows.label]  # (N,)


def _mean(loss: Floats, weights: Weights) -> Floats:
    return ratio(loss @ weights, weights.sum(axis=0))  # (B,)


def _binned_gap(probability: Floats, happened: np.ndarray, weights: Weights, bins: int) -> Floats:
    """Average the gap of probability and frequency over the bins."""
    chosen = np.arange(bins)[:, None] == bin_of(probability, bins)  # (bins, N)
    gaps = (chosen * (probability - happened)) @ weights  # (bins, B)
    return ratio(np.abs(gaps).sum(axis=0), weights.sum(axis=0))  # (B,)
