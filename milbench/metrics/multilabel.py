"""Metrics of bags that may have several labels at once, or none.

Each label is a question of its own with a probability of its own; the probabilities of a bag need
not sum to 1. A metric of one question is given by its mean over the labels (macro), which does not
depend on how common they are; four others look at all labels of a bag together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.metrics import ranking
from milbench.metrics.rows import Floats, Rows, Weights, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Weighted = Callable[[Rows, Weights], Floats]

# Metrics of two classes that are meant label by label. Accuracy is none of them, for two readings
# of it are published: subset-accuracy and 1 - hamming-loss.
MACRO: Final = frozenset(
    {
        "auroc",
        "average-precision",
        "sensitivity-at-95-specificity",
        "balanced-accuracy",
        "f1",
        "sensitivity",
        "specificity",
        "mcc",
        "brier",
        "log-loss",
        "ece",
    }
)


def of_label(rows: Rows, number: int) -> Rows:
    """Return the question "has it this label?" as rows with two classes, 1 where it has."""
    own = rows.score[:, number]
    both = np.column_stack([1.0 - own, own])  # (N, 2)
    return Rows(rows.label[:, number], both, rows.predicted[:, number])


def per_label(measure: Weighted, rows: Rows, weights: Weights) -> Floats:
    """Return a metric of two classes for each label, (L, B)."""
    return np.stack([measure(of_label(rows, n), weights) for n in range(rows.n_classes)])


def macro(name: str, each: Floats) -> Floats:
    """Return the mean over labels (L, B), (B,); NaN where one is NaN.

    F1 alone leaves out a label that is neither there nor decided for, as it does with classes.
    """
    if name != "f1":
        return np.asarray(each.mean(axis=0))
    defined = ~np.isnan(each)
    return ratio(np.where(defined, each, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))


def micro_auroc(rows: Rows, weights: Weights) -> Floats:
    """Return the AUROC over all pairs of a bag and a label, (B,), as if they were bags."""
    repeated = np.repeat(weights, rows.n_classes, axis=0)  # (N * L, B)
    return ranking.area_under_roc(rows.label.ravel() == 1, rows.score.ravel(), repeated)


def micro_f1(rows: Rows, weights: Weights) -> Floats:
    """Return F1 over all pairs of a bag and a label, (B,)."""
    right = (rows.predicted * rows.label).sum(axis=1).astype(np.float64)  # (N,)
    wrong = (rows.predicted != rows.label).sum(axis=1).astype(np.float64)  # (N,)
    hits = right @ weights  # (B,)
    return ratio(2.0 * hits, 2.0 * hits + wrong @ weights)


def subset_accuracy(rows: Rows, weights: Weights) -> Floats:
    """Return the share of bags whose labels are all decided right, (B,)."""
    right = (rows.predicted == rows.label).all(axis=1).astype(np.float64)  # (N,)
    return ratio(right @ weights, weights.sum(axis=0))


def hamming_loss(rows: Rows, weights: Weights) -> Floats:
    """Return the share of pairs of a bag and a label that are decided wrong, (B,)."""
    wrong = (rows.predicted != rows.label).mean(axis=1)  # (N,)
    return ratio(wrong @ weights, weights.sum(axis=0))


TOGETHER: Final[Mapping[str, Weighted]] = {
    "micro-auroc": micro_auroc,
    "micro-f1": micro_f1,
    "subset-accuracy": subset_accuracy,
    "hamming-loss": hamming_loss,
}
