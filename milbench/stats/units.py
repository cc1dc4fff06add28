"""The bootstrap over patients for metrics of other rows: instances, lesions, survival, labels.

One test set, one model a method. A metric is given as a function of weights of its rows, so one
set of draws serves all methods, as in :mod:`milbench.stats.bootstrap`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.errors import StatisticsError
from milbench.stats.draws import drawn_patients
from milbench.stats.resampled import Paired, defined, read_difference, tails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats, Integers, Weights

    Statistic = Callable[[Weights], Floats]  # from weights (N, B) of the rows to values (B,)

BLOCK: Final = 500_000  # weights held at once


@dataclass(frozen=True, eq=False)
class UnitBootstrap:
    """The same draws of patients for all methods.

    Parameters
    ----------
    values : (m,)
        With every row once.
    draws : (m, B)
        In each draw; NaN where undefined.
    """

    names: tuple[str, ...]
    values: Floats
    draws: Floats

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the percentile interval of one method; NaN where it is never defined."""
        drawn = defined(self.draws[self.names.index(name)])
        if not drawn.size:
            return float("nan"), float("nan")
        low, high = np.quantile(drawn, tails(level))
        return float(low), float(high)

    def paired(self, a: str, b: str, level: float = 0.95) -> Paired:
        """Return the difference of two methods, with interval and p."""
        i, j = self.names.index(a), self.names.index(b)
        difference = float(self.values[i] - self.values[j])
        return read_difference(self.draws[i] - self.draws[j], difference, 0.0, level, frozenset())


def unit_bootstrap(
    statistics: Mapping[str, Statistic],
    patient: ArrayLike,
    stratum: ArrayLike | None = None,
    *,
    draws: int = 10_000,
    seed: int,
) -> UnitBootstrap:
    """Draw patients with replacement and compute every statistic on each draw.

    Parameters
    ----------
    statistics
        By method. Each takes weights (N, B) of the same rows and returns values (B,).
    patient : (N,)
        Whose a row is; all rows of a patient come along.
    stratum : (N,)
        Kinds of rows, such as event or none; patients with the same set of kinds are drawn among
        each other. None: all patients are alike.

    Raises
    ------
    StatisticsError
        If there are no methods or rows, or ``draws`` is not positive.
    """
    names, owner = np.unique(np.asarray(patient), return_inverse=True)
    if not statistics or not names.size or draws < 1:
        raise StatisticsError(
            f"bootstrap of {len(statistics)} methods over {names.size} patients in {draws} draws: "
            "expected at least one of each"
        )
    strata = _strata(owner, np.zeros(len(owner)) if stratum is None else np.asarray(stratum))
    once = np.ones((len(owner), 1))
    blocks = drawn_patients(strata, draws, max(1, BLOCK // len(owner)), seed)
    drawn = [[measure(counts[owner]) for measure in statistics.values()] for counts in blocks]
    values = np.array([measure(once)[0] for measure in statistics.values()])
    return UnitBootstrap(tuple(statistics), values, np.concatenate(drawn, axis=1))


def mean_of(values: ArrayLike) -> Statistic:
    """Return the statistic that is the mean of one value a row, such as a slide's AUROC."""
    column = np.asarray(values, dtype=np.float64)
    return lambda weights: np.asarray(column @ weights / weights.sum(axis=0))


def _strata(owner: Integers, kind: np.ndarray) -> Sequence[Integers]:
    kinds, number = np.unique(kind, return_inverse=True)
    has = np.zeros((owner.max() + 1, len(kinds)), dtype=bool)  # (P, kinds)
    has[owner, number] = True
    group = np.unique(has, axis=0, return_inverse=True)[1].ravel()  # (P,)
    return [np.flatnonzero(group == one) for one in range(group.max() + 1)]
