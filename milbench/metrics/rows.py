"""Test rows ready to be scored: true class, score of every class, and the class decided for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Weights = NDArray[np.float32 | np.float64]  # how often bags count

SUM_TOLERANCE: Final = 1e-3  # float32 softmax is off by up to 1e-5; more is another thing
ROUNDING: Final = 1e-12  # sums this close to 1 are left alone, for dividing would break ties


class Finer(NamedTuple):
    """The fine level of rows that are about the coarse one.

    Parameters
    ----------
    label, predicted : (N,)
        True and decided fine classes.
    parents : (C,)
        The coarse class of each fine one.
    """

    label: Integers
    predicted: Integers
    parents: Integers


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """The rows of one set of test bags.

    Parameters
    ----------
    label : (N,), or (N, L) of 0 and 1
        True classes; or, where bags may have several labels, which of them each has.
    score : (N, C)
        One score a class, or one a label.
    predicted : (N,), or (N, L) of 0 and 1
        The class, or the labels, decided for.
    finer
        The fine level, where these are coarse classes.
    """

    label: Integers
    score: Floats
    predicted: Integers
    finer: Finer | None = None

    @property
    def n_classes(self) -> int:
        """Return C, the classes of the data set, whether or not all of them occur."""
        return int(self.score.shape[1])

    @property
    def is_multi_label(self) -> bool:
        """Return whether a bag may have several labels."""
        return self.label.ndim > 1

    def has(self, number: int) -> NDArray[np.bool_]:
        """Return which bags are of a class, or have a label, (N,)."""
        return has(self.label, number)


def has(label: Integers, number: int) -> NDArray[np.bool_]:
    """Return which rows are of a class, or have a label, (N,); labels are (N,) or (N, L)."""
    return np.asarray(label[:, number] == 1 if label.ndim > 1 else label == number)


def decide_labels(score: Floats, threshold: float | Floats) -> Integers:
    """Return which labels are decided for, (N, L): those whose score is at least the threshold.

    Parameters
    ----------
    score : (N, L)
        One score a label.
    threshold : scalar, (L,) or (N, L)
        From validation bags, or 0.5.
    """
    return np.asarray(score >= threshold, dtype=np.int64)


def are_probabilities(score: Floats) -> bool:
    """Return whether all scores of labels lie in [0, 1]; those of a bag need not sum to 1."""
    return bool((score >= 0.0).all() and (score <= 1.0).all())


def decide(score: Floats, threshold: float | Floats) -> Integers:
    """Return the class of each row: class 1 from ``threshold`` upwards, or the largest score.

    Parameters
    ----------
    score : (N, C)
        With two classes the second column is compared with the threshold.
    threshold : scalar or (N,)
        Of no use with more than two classes, where the first largest score decides.
    """
    if score.shape[1] == 2:  # noqa: PLR2004  # two classes have a threshold
        return np.asarray(score[:, 1] >= threshold, dtype=np.int64)  # (N,)
    return np.asarray(score.argmax(axis=1), dtype=np.int64)  # (N,)


def normalise(score: Floats) -> tuple[Floats, bool]:
    """Return the scores, and whether they are probabilities.

    Rows that sum to 1 within 1e-3 are divided by their sum; when any row does not, or any score
    is negative, all scores come back as they were.

    Parameters
    ----------
    score : (N, C)
        Finite scores.
    """
    total = score.sum(axis=1, keepdims=True)  # (N, 1)
    distance = np.abs(total - 1.0)
    if (distance >= SUM_TOLERANCE).any() or (score < 0.0).any():
        return score, False
    return np.where(distance > ROUNDING, score / total, score), True


def ratio(numerator: Weights, denominator: Weights) -> Floats:
    """Divide; NaN where the denominator is 0."""
    quotient: Floats = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0, dtype=np.float64)
    return quotient
