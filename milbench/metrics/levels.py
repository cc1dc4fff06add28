"""Metrics that look at both levels of a label hierarchy at once.

The rows are those of the coarse level, and know the same bags at the fine one. The *branch* of a
fine class is the coarse class above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics.rows import Finer, Floats, Rows, Weights, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def summed(fine: Floats, parents: Sequence[int]) -> Floats:
    """Return the probability of each coarse class, (N, K): the sum of those below it.

    Parameters
    ----------
    fine : (N, C)
        Probabilities of the fine classes.
    parents : (C,)
        The coarse class of each fine one; every coarse class is the parent of some.
    """
    groups = np.eye(1 + max(parents))[list(parents)]  # (C, K)
    return np.asarray(fine @ groups)


def hierarchical_f(rows: Rows, weights: Weights) -> Floats:
    """Return the F measure of the decided fine classes with their branches, (B,).

    Each bag stands for the set of its fine class and the branch of it, without the root; counted
    over all bags (micro). With two levels precision, recall and F are all the mean of the fine
    accuracy and of the share of right branches.
    """
    finer = _finer(rows)
    shared = _right(finer).astype(float) + _right_branch(finer)  # (N,), 0 to 2
    return _mean(shared / 2.0, weights)


def consistency(rows: Rows, weights: Weights) -> Floats:
    """Return how often the decided coarse class is the branch of the decided fine one, (B,)."""
    finer = _finer(rows)
    return _mean(finer.parents[finer.predicted] == rows.predicted, weights)


def mistake_height(rows: Rows, weights: Weights) -> Floats:
    """Return how far up the tree wrong fine classes meet the true ones, on average, (B,).

    1 where the branch is right, 2 at the root; NaN without a mistake.
    """
    finer = _finer(rows)
    wrong = ~_right(finer)  # (N,)
    height = 2.0 - _right_branch(finer)  # (N,)
    return ratio((wrong * height) @ weights, wrong.astype(float) @ weights)


def fine_given_coarse(rows: Rows, weights: Weights) -> Floats:
    """Return the share of right fine classes where the decided coarse class is right, (B,)."""
    right = rows.predicted == rows.label  # (N,)
    both = right & _right(_finer(rows))
    return ratio(both.astype(float) @ weights, right.astype(float) @ weights)


def _finer(rows: Rows) -> Finer:
    if rows.finer is None:
        raise ScoreError("a metric of two levels on rows of one; give it the coarse rows of a tree")
    return rows.finer


def _right(finer: Finer) -> NDArray[np.bool_]:
    return np.asarray(finer.predicted == finer.label)  # (N,)


def _right_branch(finer: Finer) -> NDArray[np.bool_]:
    return np.asarray(finer.parents[finer.predicted] == finer.parents[finer.label])  # (N,)


def _mean(value: NDArray[np.float64 | np.bool_], weights: Weights) -> Floats:
    return ratio(value.astype(float) @ weights, weights.sum(axis=0))
