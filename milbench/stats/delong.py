"""The AUROC of fixed models on one test set, with the variance over its patients.

DeLong, DeLong and Clarke-Pearson (1988) for one bag a patient, and Obuchowski (1997) for several,
of which it is the case of clusters of one. For fixed models only: scores of several folds come
from several models and are on several scales.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats, Integers

ROUNDING: Final = 1e-15  # a variance or a difference this small is none
ENOUGH_PATIENTS: Final = 20  # in each class; with fewer the rank-swap test is exact


class AucDifference(NamedTuple):
    """The difference of two AUROCs, the first minus the second."""

    difference: float
    se: float
    z: float
    p: float
    low: float
    high: float
    codes: frozenset[str]


@dataclass(frozen=True, eq=False)
class HoldOutAuc:
    """The AUROC of each of m methods on one test set.

    Parameters
    ----------
    auc : (m,)
        Values.
    covariance : (m, m)
        Of the values, over patients.
    units : (2,)
        Patients with a bag of the class, and with another one.
    """

    names: tuple[str, ...]
    auc: Floats
    covariance: Floats
    units: tuple[int, int]

    @property
    def codes(self) -> frozenset[str]:
        """Return ``FEW_PATIENTS`` below 20 in a class, where the normal law is not believed."""
        return frozenset({"FEW_PATIENTS"} if min(self.units) < ENOUGH_PATIENTS else ())

    def interval(self, name: str, level: float = 0.95, *, scale: str = "logit") -> Interval:
        """Return the interval of one method.

        Parameters
        ----------
        scale
            ``logit``, which stays inside 0 to 1, or ``plain``, which may leave it.

        With an AUROC of 0 or 1 the variance is 0 and says nothing. The interval then has the exact
        bound of "no failure among n" at one side, n the patients of the smaller class: the rule
        of three. NaN where nothing varies otherwise, as with equal scores for all bags.
        """
        at = self.names.index(name)
        value, se = float(self.auc[at]), float(np.sqrt(max(0.0, self.covariance[at, at])))
        if se**2 <= ROUNDING:
            return self._without_variance(value, level)
        half = float(ndtri(0.5 + level / 2.0)) * se
        if scale == "plain":
            return Interval(value - half, value + half, self.codes)
        half /= value * (1.0 - value)
        centre = float(logit(value))
        return Interval(float(expit(centre - half)), float(expit(centre + half)), self.codes)

    def paired(self, a: str, b: str, level: float = 0.95) -> AucDifference:
        """Return the difference of two methods.

        Equal scores have p = 1. A difference without variance, as of two AUROCs of 1 and 0, has
        no p: ``DEGENERATE_VARIANCE``.
        """
        i, j = self.names.index(a), self.names.index(b)
        difference = float(self.auc[i] - self.auc[j])
        spread = self.covariance
        variance = float(spread[i, i] + spread[j, j] - 2.0 * spread[i, j])
        if variance <= ROUNDING:
            known = abs(difference) <= ROUNDING and not (
                self._is_perfect(i) and self._is_perfect(j)
            )
            return _constant(difference, self.codes, known=known)
        se = float(np.sqrt(variance))
        half, z = float(ndtri(0.5 + level / 2.0)) * se, difference / se
        p = 2.0 * float(ndtr(-abs(z)))
        return AucDifference(difference, se, z, p, difference - half, difference + half, self.codes)

    def _is_perfect(self, at: int) -> bool:
        return bool(min(self.auc[at], 1.0 - self.auc[at]) <= ROUNDING)

    def _without_variance(self, value: float, level: float) -> Interval:
        codes = self.codes | {"DEGENERATE_VARIANCE"}
        margin = float(1.0 - (1.0 - level) ** (1.0 / min(self.units)))
        if value <= ROUNDING:
            return Interval(0.0, margin, codes)
        if value >= 1.0 - ROUNDING:
            return Interval(1.0 - margin, 1.0, codes)
        return Interval(float("nan"), float("nan"), codes)


class Interval(NamedTuple):
    """A confidence interval and what is to be known of it."""

    low: float
    high: float
    codes: frozenset[str]


def hold_out_auc(
    names: Sequence[str], label: ArrayLike, scores: ArrayLike, patient: ArrayLike | None = None
) -> HoldOutAuc:
    """Return the AUROC of fixed models on one test set.

    Parameters
    ----------
    label : (N,)
        1 for the class, else 0.
    scores : (m, N)
        Of each method; larger speaks for the class.
    patient : (N,)
        Whose bag a row is. None: every bag its own.

    Raises
    ------
    StatisticsError
        If a class has fewer than two patients, or shapes do not fit.
    """
    positive = np.asarray(label) == 1  # (N,)
    table = np.asarray(scores, dtype=np.float64)  # (m, N)
    if table.shape != (len(names), len(positive)):
        raise StatisticsError(
            f"scores of shape {table.shape} for {len(names)} methods and {len(positive)} bags: "
            "expected (methods, bags)"
        )
    owner = _owners(patient, len(positive))  # (N,)
    units = tuple(len(np.unique(owner[chosen])) for chosen in (positive, ~positive))
    if min(units) < 2:  # noqa: PLR2004  # one unit has no variance
        raise StatisticsError(
            f"{units[0]} patients of the class and {units[1]} others: expected two of each at "
            "least (FOLD_MISSING_CLASS)"
        )
    placed = placements(positive, table)  # (m, N)
    auc = placed[:, positive].mean(axis=1)  # (m,)
    covariance = _covariance(placed - auc[:, None], positive, owner)
    return HoldOutAuc(tuple(names), auc, covariance, (units[0], units[1]))


def placements(positive: np.ndarray, scores: Floats) -> Floats:
    """Return the share of bags of the other kind that each bag is on the right side of, (m, N)."""
    placed = np.empty(scores.shape)
    for row, score in zip(placed, scores, strict=True):
        row[positive] = _share_below(score[positive], score[~positive])
        row[~positive] = 1.0 - _share_below(score[~positive], score[positive])
    return placed


def _share_below(mine: Floats, others: Floats) -> Floats:
    """Return the share of ``others`` below each of ``mine``, ties counting one half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, mine, side="left")
    up_to = np.searchsorted(ordered, mine, side="right")
    return (below + up_to) / (2.0 * len(others))


def _covariance(gaps: Floats, positive: np.ndarray, owner: Integers) -> Floats:
    """Return the covariance (m, m) of the AUROCs, from placements less their AUROC, (m, N)."""
    patients = int(owner.max()) + 1
    sums = np.zeros((2, len(gaps), patients))  # of the class, and of the others
    for side, chosen in enumerate((positive, ~positive)):
        for method, row in enumerate(gaps):
            sums[side, method] = np.bincount(owner[chosen], row[chosen], minlength=patients)
    count, others = int(positive.sum()), int((~positive).sum())
    with_class = len(np.unique(owner[positive]))
    with_others = len(np.unique(owner[~positive]))
    own = sums[0] @ sums[0].T * (with_class / (with_class - 1)) / count**2
    other = sums[1] @ sums[1].T * (with_others / (with_others - 1)) / others**2
    cross = sums[0] @ sums[1].T * (patients / (patients - 1)) / (count * others)
    return np.asarray(own + other + cross + cross.T)


def _owners(patient: ArrayLike | None, bags: int) -> Integers:
    if patient is None:
        return np.arange(bags)
    owner = np.unique(np.asarray(patient), return_inverse=True)[1]
    if owner.shape != (bags,):
        raise StatisticsError(f"{owner.size} patients for {bags} bags: expected one a bag")
    return owner


def _constant(difference: float, codes: frozenset[str], *, known: bool) -> AucDifference:
    """Call equal scores equal; refuse a difference whose spread cannot be known."""
    if known:
        return AucDifference(difference, 0.0, 0.0, 1.0, difference, difference, codes)
    nan = float("nan")
    return AucDifference(difference, 0.0, nan, nan, nan, nan, codes | {"DEGENERATE_VARIANCE"})
