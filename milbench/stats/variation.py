"""Where the uncertainty of a difference comes from: patients, splits, training seeds.

More repeats or seeds reduce the last two; nothing but more patients reduces the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.metrics.rows import ratio
from milbench.stats.bootstrap import replicate_variance
from milbench.stats.resampled import defined

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats
from milbench.stats.bootstrap import Bootstrap


class Variation(NamedTuple):
    """Variances, in squared units of the metric; NaN where the design cannot tell.

    Parameters
    ----------
    patient
        Of the value in the table, over patients.
    repeat
        Of the value of one repeat: a new split, and the training seeds that are averaged in it.
    seed
        Of one training on the same split; known from two seeds on.
    fold
        Between folds of a repeat; holds patients, training sets and seeds together.
    in_table
        What repeats and seeds add to the variance of the value in the table.
    """

    patient: float
    repeat: float
    seed: float
    fold: float
    in_table: float

    @property
    def share_of_patients(self) -> float:
        """Return which part of the squared standard error no further run can remove."""
        total = self.patient + self.in_table
        return self.patient / total if total > 0 else float("nan")


def variation(bootstrap: Bootstrap, a: str, b: str | None = None) -> Variation:
    """Return the parts of the variance of a method's value, or of its difference to another one.

    Parameters
    ----------
    b
        None for the value of ``a`` alone.
    """
    first = bootstrap.estimates[a]
    drawn, folds, per_seed = bootstrap.draws[bootstrap.names.index(a)], first.folds, first.per_seed
    if b is not None:
        second = bootstrap.estimates[b]
        drawn = bootstrap.differences(a, b)
        folds, per_seed = folds - second.folds, per_seed - second.per_seed
    return Variation(
        patient=_variance(defined(drawn)),
        repeat=_variance(_row_means(per_seed)),
        seed=_within(per_seed),
        fold=_within(folds),
        in_table=replicate_variance(per_seed),
    )


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else float("nan")


def _within(table: Floats) -> float:
    """Return the variance inside rows, over all rows; NaN with one value a row."""
    there = ~np.isnan(table)
    freedom = int(np.maximum(there.sum(axis=1) - 1, 0).sum())
    if not freedom:
        return float("nan")
    means = _row_means(table)[:, None]
    return float(np.nansum((table - means) ** 2) / freedom)


def _row_means(table: Floats) -> Floats:
    """Return the mean of what is there in each row; NaN for an empty row."""
    return ratio(np.nansum(table, axis=1), (~np.isnan(table)).sum(axis=1).astype(float))
