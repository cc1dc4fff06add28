"""How often each patient is drawn: with replacement, each stratum as large as it is.

A stratum holds the patients with the same set of classes, so that no draw lacks a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Integers, Weights

    Number = type[np.float32 | np.float64]


def strata_of(predictions: Predictions, owner: Integers) -> list[Integers]:
    """Return the numbers of the patients that have the same set of classes.

    Parameters
    ----------
    owner : (M,)
        The number of the patient of each row, from 0.
    """
    has = np.zeros((owner.max() + 1, predictions.n_classes), dtype=bool)  # (P, C)
    has[owner, predictions.label] = True
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
