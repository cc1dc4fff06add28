"""How often each patient is drawn: with replacement, each stratum as large as it is.

A stratum holds the patients with the same set of classes, so that no draw lacks a class. Several
labels make many such sets, and a stratum of n patients shows 1/n too little of its variance, one of
a single patient none: there the small strata are drawn as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Integers, Weights

    Number = type[np.float32 | np.float64]

ENOUGH_FOR_STRATUM: Final = 10  # patients with the same labels; then a tenth is missing at most


def strata_of(predictions: Predictions, owner: Integers) -> list[Integers]:
    """Return the numbers of the patients that have the same set of classes.

    Of labels: that have bags with and bags without the same ones. With two labels or more, sets
    that fewer than 10 patients have are one stratum; a draw may then lack a rare label in a fold,
    and leaves the fold out.

    Parameters
    ----------
    owner : (M,)
        The number of the patient of each row, from 0.
    """
    if predictions.is_multi_label:
        return _strata_of_labels(predictions, owner)
    has = np.zeros((owner.max() + 1, predictions.n_classes), dtype=bool)  # (P, C)
    has[owner, predictions.label] = True
    return _equal(has)


def _strata_of_labels(predictions: Predictions, owner: Integers) -> list[Integers]:
    has = np.zeros((owner.max() + 1, predictions.n_classes, 2), dtype=bool)  # (P, L, 2)
    rows, labels = np.indices(predictions.label.shape)  # (M, L) each
    has[owner[rows], labels, predictions.label] = True
    strata = _equal(has.reshape(len(has), -1))
    if predictions.n_classes == 1:
        return strata
    large = [patients for patients in strata if len(patients) >= ENOUGH_FOR_STRATUM]
    small = [patients for patients in strata if len(patients) < ENOUGH_FOR_STRATUM]
    return [*large, np.sort(np.concatenate(small))] if small else large


def _equal(has: np.ndarray) -> list[Integers]:
    """Return the positions of equal rows."""
    _, stratum = np.unique(has, axis=0, return_inverse=True)
    return [np.flatnonzero(stratum == s) for s in range(stratum.max() + 1)]


def drawn_patients(
    strata: Sequence[Integers], draws: int, block: int, seed: int, number: Number = np.float64
) -> Iterator[Weights]:
    """Yield how often each patient is drawn, (P, B), at most ``block`` draws at a time.

    Parameters
    ----------
    strata
        The numbers of the patients of each stratum.
    block
        The random numbers go to one stratum after the other within a block, so another size gives
        other draws.
    number
        Type of the counts.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        counts = np.empty((sum(len(stratum) for stratum in strata), size), number)
        for stratum in strata:
            n = len(stratum)
            counts[stratum] = generator.multinomial(n, np.full(n, 1.0 / n), size=size).T
        yield counts
