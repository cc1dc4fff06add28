"""Methods are compared row by row: the same bags, in the same folds, with the same seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.metrics import Predictions


def align(methods: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Return the methods with their rows in one order: repeat, fold, seed, bag.

    Raises
    ------
    StatisticsError
        ``UNPAIRED_SPLITS``, with the first rows that differ, if two methods do not share runs,
        bags, labels, patients and classes; or if there are no methods.
    """
    if not methods:
        raise StatisticsError("no methods to compare: expected at least one")
    ordered = {name: _sorted(predictions) for name, predictions in methods.items()}
    first, *others = ordered
    for other in others:
        _check_pair((first, ordered[first]), (other, ordered[other]))
    return ordered


def _sorted(predictions: Predictions) -> Predictions:
    p = predictions
    return p.take(np.lexsort((p.bag, p.seed, p.fold, p.repeat)))


def _check_pair(first: tuple[str, Predictions], second: tuple[str, Predictions]) -> None:
    (name_a, a), (name_b, b) = first, second
    keys = ("repeat", "fold", "seed", "bag")
    if not all(np.array_equal(getattr(a, key), getattr(b, key)) for key in keys):
        rows_a, rows_b = _keys(a), _keys(b)
        raise StatisticsError(
            f"UNPAIRED_SPLITS: {name_a} and {name_b} were not tested on the same rows. "
            f"Only in {name_a}: {_named(rows_a - rows_b)}. Only in {name_b}: "
            f"{_named(rows_b - rows_a)}. Finish the missing runs, or compare complete methods only"
        )
    if a.classes != b.classes:
        raise StatisticsError(
            f"UNPAIRED_SPLITS: {name_a} has classes {a.classes}, {name_b} has {b.classes}; "
            "both must come from one data set"
        )
    for column in ("label", "patient"):
        unequal = getattr(a, column) != getattr(b, column)  # (M,) or (M, L)
        differs = np.flatnonzero(unequal.reshape(len(a), -1).any(axis=1))
        if differs.size:
            where = differs[0]
            raise StatisticsError(
                f"UNPAIRED_SPLITS: bag {str(a.bag[where])!r} has {column} "
                f"{getattr(a, column)[where]} in {name_a} and {getattr(b, column)[where]} in "
                f"{name_b}; run both on the same version of the data set"
            )


def _keys(p: Predictions) -> set[tuple[Any, ...]]:
    return set(
        zip(p.repeat.tolist(), p.fold.tolist(), p.seed.tolist(), p.bag.tolist(), strict=True)
    )


def _named(rows: set[tuple[Any, ...]], most: int = 3) -> str:
    if not rows:
        return "nothing"
    texts = [
        f"repeat {repeat} fold {fold} seed {seed} bag {bag!r}"
        for repeat, fold, seed, bag in sorted(rows)[:most]
    ]
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return "; ".join(texts) + more
