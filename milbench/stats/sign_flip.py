"""Exact permutation tests by flipped signs, and the swap of two methods' ranks that becomes one.

If two methods are interchangeable for a patient, their scores may be exchanged there. Ranks take
the place of scores, for the methods may be on different scales (Bandos, Rockette and Gur 2005).
Exchanging a patient flips the sign of that patient's part of the AUC difference, so that all
exchanges together are all flips of signs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.errors import StatisticsError
from milbench.stats.ranks import midranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats

EXACT: Final = 16  # up to so many units that matter, all flips are tried
ROUNDING: Final = 1e-12  # sums this close are equal but for rounding
BLOCK: Final = 1_000_000  # signs held at once


class Permutation(NamedTuple):
    """The outcome: the observed sum, its two-sided p, and whether all flips were tried."""

    difference: float
    p: float
    is_exact: bool


def sign_flip(parts: ArrayLike, *, draws: int = 9_999, seed: int = 0) -> Permutation:
    """Test whether the sum of independent parts, each symmetric about 0, is 0.

    Parameters
    ----------
    parts : (n,)
        One a unit: a patient's part of a difference, or a cohort's difference over their number.
    draws
        Random flips, where there are more than 16 parts other than 0.

    Raises
    ------
    StatisticsError
        If a part is not finite, or there is none.
    """
    values = np.asarray(parts, dtype=np.float64).ravel()
    if not values.size or not np.isfinite(values).all():
        raise StatisticsError(
            f"permutation test on {values.size} parts: expected one finite part a unit"
        )
    total = float(values.sum())
    moving = values[np.abs(values) > 0.0]
    least = abs(total) - ROUNDING
    if moving.size <= EXACT:
        sums = np.zeros(1)
        for part in moving:
            sums = np.concatenate([sums + part, sums - part])
        return Permutation(total, float((np.abs(sums) >= least).mean()), is_exact=True)
    extreme = sum(int((np.abs(some) >= least).sum()) for some in _flipped(moving, draws, seed))
    return Permutation(total, (extreme + 1.0) / (draws + 1.0), is_exact=False)


def rank_swap(  # noqa: PLR0913  # data of both methods, and how chance is drawn
    label: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    patient: ArrayLike | None = None,
    *,
    draws: int = 9_999,
    seed: int = 0,
) -> Permutation:
    """Test whether two methods have the same AUROC on one test set.

    Parameters
    ----------
    label : (N,)
        1 for the class, else 0.
    first, second : (N,)
        Scores of the two methods; larger speaks for the class.
    patient : (N,)
        Whose bag a row is; all of a patient are exchanged together. None: every bag its own.

    Raises
    ------
    StatisticsError
        If a class is absent.
    """
    positive = np.asarray(label) == 1
    if positive.all() or not positive.any():
        raise StatisticsError("rank-swap test: expected bags of both classes (FOLD_MISSING_CLASS)")
    a, b = midranks(np.asarray(first)), midranks(np.asarray(second))
    # Swapping i alone turns psi(a_i, a_j) - psi(b_i, b_j) into psi(b_i, a_j) - psi(a_i, b_j). With
    # signs x of +-1 the difference is the sum of x_i (M - S) / 2 over i and x_j (M + S) / 2 over j.
    kept = _wins(a, a, positive) - _wins(b, b, positive)  # (P, Q)
    swapped = _wins(b, a, positive) - _wins(a, b, positive)  # (P, Q)
    parts = np.empty(len(positive))
    parts[positive] = (kept - swapped).sum(axis=1) / 2.0
    parts[~positive] = (kept + swapped).sum(axis=0) / 2.0
    parts /= positive.sum() * (~positive).sum()
    if patient is not None:
        owner = np.unique(np.asarray(patient), return_inverse=True)[1]
        parts = np.asarray(np.bincount(owner, weights=parts), dtype=np.float64)
    return sign_flip(parts, draws=draws, seed=seed)


def _wins(of_class: Floats, of_others: Floats, positive: np.ndarray) -> Floats:
    """Return 1 where a bag of the class ranks above another one, 1/2 for a tie, (P, Q)."""
    gap = of_class[positive][:, None] - of_others[~positive]  # (P, Q)
    return np.asarray((np.sign(gap) + 1.0) / 2.0)


def _flipped(values: Floats, draws: int, seed: int) -> list[Floats]:
    generator = np.random.default_rng(seed)
    width = max(1, BLOCK // values.size)
    return [
        (2.0 * generator.integers(0, 2, size=(min(width, draws - start), values.size)) - 1.0)
        @ values
        for start in range(0, draws, width)
    ]
