"""All test rows of one method on one data set, checked once and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from milbench.errors import ScoreError
from milbench.metrics.rows import (
    Finer,
    Floats,
    Integers,
    Rows,
    are_probabilities,
    decide,
    decide_labels,
    has,
    normalise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Texts = NDArray[np.str_]

COLUMNS: Final = ("bag", "patient", "label", "score", "repeat", "fold", "seed", "threshold")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of one method: one row for each test bag of each run.

    Parameters
    ----------
    bag, patient : (M,) text
        Which bag a row is about, and whose it is.
    label : (M,) int64, or (M, L) of 0 and 1
        The true class, a position in ``classes``; or, where bags may have several labels, which of
        ``classes`` each has.
    score : (M, C) float64
        Probability of each class. Rows that sum to 1 within 1e-3 are normalised; otherwise
        ``is_probability`` is False and only ranking metrics can be computed. Those of labels are
        probabilities where they lie in [0, 1].
    repeat, fold, seed : (M,) int64
        The run a row comes from.
    threshold : (M,) float64, or (M, L)
        With two classes, from which probability of class 1 the bag is called positive; or from
        which probability each label is decided for.
    classes
        Names of the classes, or of the labels.
    fine, parents
        Where the classes are those of a coarse level: the same rows at the fine one, and the
        coarse class of each fine class; else None and empty.
    is_probability
        Whether every row is a distribution over the classes, or over each label; found out, not
        given.

    Raises
    ------
    ScoreError
        If a score is NaN or infinite (the message names the bags), the columns differ in length,
        a label is not a class, labels are not 0 and 1, a run holds a bag twice, or a bag has two
        labels, or sets of them, or two patients.
    """

    bag: Texts
    patient: Texts
    label: Integers
    score: Floats
    repeat: Integers
    fold: Integers
    seed: Integers
    threshold: Floats
    classes: tuple[str, ...]
    fine: Predictions | None = None
    parents: tuple[int, ...] = ()
    is_probability: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        for name in ("bag", "patient"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.str_))
        for name in ("label", "repeat", "fold", "seed"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        for name in ("score", "threshold"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        self._check_columns()
        self._check_scores()
        self._check_bags()
        score, is_probability = self.score, are_probabilities(self.score)
        if not self.is_multi_label:
            score, is_probability = normalise(self.score)
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "is_probability", is_probability)

    def __len__(self) -> int:
        """Return M, the number of rows."""
        return len(self.bag)

    @property
    def n_classes(self) -> int:
        """Return C, the number of classes of the data set, or of its labels."""
        return len(self.classes)

    @property
    def is_multi_label(self) -> bool:
        """Return whether a bag may have several labels."""
        return self.label.ndim > 1

    def has(self, number: int) -> NDArray[np.bool_]:
        """Return which rows are of a class, or have a label, (M,)."""
        return has(self.label, number)

    def runs(self) -> Iterator[tuple[int, int, int, Integers]]:
        """Yield repeat, fold, seed and the positions of the rows of each run, in that order."""
        yield from self._runs

    @cached_property
    def _runs(self) -> tuple[tuple[int, int, int, Integers], ...]:
        repeat, fold, seed = self.repeat.tolist(), self.fold.tolist(), self.seed.tolist()
        return tuple(
            (repeat[positions[0]], fold[positions[0]], seed[positions[0]], positions)
            for positions in grouped(joined(self.repeat, self.fold, self.seed))
        )

    def rows(self, positions: Integers) -> Rows:
        """Return some of the rows, ready to be scored."""
        score, threshold = self.score[positions], self.threshold[positions]  # (N, C)
        decided = (decide_labels if self.is_multi_label else decide)(score, threshold)
        return Rows(self.label[positions], score, decided, self._finer(positions))

    def _finer(self, positions: Integers) -> Finer | None:
        if self.fine is None:
            return None
        rows = self.fine.rows(positions)
        return Finer(rows.label, rows.predicted, np.array(self.parents))

    def take(self, positions: Integers) -> Predictions:
        """Return the rows at ``positions``, in that order."""
        columns = {name: getattr(self, name)[positions] for name in COLUMNS}
        fine = None if self.fine is None else self.fine.take(positions)
        return replace(self, **columns, fine=fine)

    def _check_columns(self) -> None:
        fewest = 1 if self.is_multi_label else 2  # one class leaves nothing to predict
        if len(self.classes) < fewest:
            raise ScoreError(f"classes {self.classes}: expected at least two")
        if self.score.shape != (len(self), self.n_classes):
            raise ScoreError(
                f"scores of shape {self.score.shape}: expected {(len(self), self.n_classes)}, "
                f"one row a bag and one column for each of {', '.join(self.classes)}"
            )
        wide = self.score.shape if self.is_multi_label else (len(self),)
        for name in ("patient", "label", "repeat", "fold", "seed", "threshold"):
            found = getattr(self, name).shape
            wanted = wide if name in ("label", "threshold") else (len(self),)
            if found != wanted:
                raise ScoreError(f"column {name}: shape {found}, expected {wanted}")
        if not len(self):
            raise ScoreError("no rows: expected at least one test bag")
        largest = 1 if self.is_multi_label else self.n_classes - 1
        each = np.asarray((self.label < 0) | (self.label > largest))  # (M,) or (M, L)
        outside = each.reshape(len(self), -1).any(axis=1)  # (M,)
        if outside.any():
            raise ScoreError(f"bags {_first(self.bag[outside])} have labels outside 0 to {largest}")

    def _check_scores(self) -> None:
        of_row = self.threshold.reshape(len(self), -1)
        broken = ~np.isfinite(self.score).all(axis=1) | ~np.isfinite(of_row).all(axis=1)
        if broken.any():
            raise ScoreError(
                f"bags {_first(self.bag[broken])} have a NaN or infinite score or threshold "
                f"({int(broken.sum())} rows); record such a run as failed and run it again"
            )

    def _check_bags(self) -> None:
        names, number = np.unique(self.bag, return_inverse=True)
        key = joined(self.repeat, self.fold, self.seed, number)  # (M,)
        _, first, count = np.unique(key, return_index=True, return_counts=True)
        if (count > 1).any():
            raise ScoreError(
                f"bags {_first(self.bag[first[count > 1]])} occur more than once in one run; "
                "expected one row for each test bag"
            )
        for column in ("label", "patient"):
            _, one_each = np.unique(joined(number, self._codes_of(column)), return_index=True)
            twice = names[np.bincount(number[one_each]) > 1]
            if twice.size:
                raise ScoreError(f"bags {_first(twice)} have more than one {column}")

    def _codes_of(self, column: str) -> Integers:
        values = getattr(self, column)
        return np.unique(values, axis=0, return_inverse=True)[1].astype(np.int64)


def joined(*columns: Integers) -> Integers:
    """Return one number for each row, equal where rows are equal, in the order of the columns.

    Parameters
    ----------
    columns : (M,) each
        Whole numbers; the first column counts first.
    """
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        distinct, code = np.unique(column, return_inverse=True)
        key = np.unique(key * len(distinct) + code, return_inverse=True)[1]
    return key


def grouped(key: Integers) -> Iterator[Integers]:
    """Yield the positions of each distinct number, in the order of the numbers.

    Parameters
    ----------
    key : (M,)
        Whole numbers.
    """
    order = np.argsort(key, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _first(bags: Texts, most: int = 5) -> str:
    distinct = np.unique(bags)
    named = ", ".join(repr(str(bag)) for bag in distinct[:most])
    return named if len(distinct) <= most else f"{named} and {len(distinct) - most} more"
