"""A mean difference over few cohorts, and what a forest plot shows.

The differences scatter between cohorts by more than their errors; the variance of that scatter is
DerSimonian and Laird's (1986), never negative. The interval is Hartung and Knapp's (2001), never
narrower than the plain one (Röver, Knapp and Friede 2015). It speaks of these cohorts, not of
methods in general.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import chdtrc, ndtri, stdtr, stdtrit

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats

FEWEST: Final = 3  # cohorts for a mean over them


@dataclass(frozen=True, slots=True)
class Study:
    """One line of a forest plot: a cohort's difference, its interval and its weight from 0 to 1."""

    name: str
    difference: float
    se: float
    low: float
    high: float
    weight: float


@dataclass(frozen=True, slots=True)
class Forest:
    """The cohorts and the mean over them.

    Parameters
    ----------
    mean, se, low, high, p
        Over these cohorts; NaN for fewer than three.
    next_low, next_high
        Prediction interval: where the difference on a further cohort would lie.
    tau2, i2, q, q_p
        Variance between cohorts; the share of the scatter in percent that it makes; Cochran's
        statistic and its p.
    """

    studies: tuple[Study, ...]
    mean: float
    se: float
    low: float
    high: float
    p: float
    next_low: float
    next_high: float
    tau2: float
    i2: float
    q: float
    q_p: float


def random_effects(
    names: Sequence[str],
    differences: ArrayLike,
    errors: ArrayLike,
    *,
    level: float = 0.95,
    may_narrow: bool = False,
) -> Forest:
    """Combine the differences of cohorts.

    Parameters
    ----------
    differences, errors : (N,)
        A difference a cohort and its standard error.
    may_narrow
        Whether Hartung and Knapp's factor may be below 1, as it is in metafor by default.

    Raises
    ------
    StatisticsError
        If there are fewer than two cohorts, or an error is not positive and finite.
    """
    d, se = np.asarray(differences, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if len(names) < 2 or d.shape != (len(names),) or se.shape != d.shape:  # noqa: PLR2004
        raise StatisticsError(
            f"{len(names)} cohorts, differences {d.shape}, errors {se.shape}: expected one "
            "difference and one error for each of at least two cohorts"
        )
    if not (np.isfinite(d).all() and np.isfinite(se).all() and (se > 0).all()):
        raise StatisticsError(
            f"differences {d.tolist()} with errors {se.tolist()}: expected finite differences and "
            "positive errors; leave out cohorts where nothing varies (DEGENERATE_VARIANCE)"
        )
    fixed = 1.0 / se**2  # (N,)
    q = float((fixed * (d - _mean(d, fixed)) ** 2).sum())
    tau2 = _between(q, fixed)
    weight = 1.0 / (se**2 + tau2)  # (N,)
    summary = _summary(d, weight, tau2, level, may_narrow=may_narrow)
    half = float(ndtri(0.5 + level / 2.0)) * se
    shares = weight / weight.sum()
    rows = zip(names, d, se, d - half, d + half, shares, strict=True)
    df = len(d) - 1
    return Forest(
        studies=tuple(Study(name, *map(float, numbers)) for name, *numbers in rows),
        **summary,
        tau2=tau2,
        i2=100.0 * max(0.0, 1.0 - df / q) if q > 0 else 0.0,
        q=q,
        q_p=float(chdtrc(df, q)),
    )


def _mean(values: Floats, weight: Floats) -> float:
    return float((weight * values).sum() / weight.sum())


def _between(q: float, fixed: Floats) -> float:
    """Return the variance between cohorts, by the method of moments."""
    scale = fixed.sum() - (fixed**2).sum() / fixed.sum()
    return max(0.0, float((q - (len(fixed) - 1)) / scale))


def _summary(
    d: Floats, weight: Floats, tau2: float, level: float, *, may_narrow: bool
) -> dict[str, float]:
    names = ("mean", "se", "low", "high", "p", "next_low", "next_high")
    if len(d) < FEWEST:
        return dict.fromkeys(names, float("nan"))
    mean, df = _mean(d, weight), len(d) - 1
    factor = float((weight * (d - mean) ** 2).sum()) / df
    se = float(np.sqrt((factor if may_narrow else max(1.0, factor)) / weight.sum()))
    half = float(stdtrit(df, 0.5 + level / 2.0)) * se
    # Higgins, Thompson and Spiegelhalter 2009: a further cohort, N - 2 degrees of freedom
    far = float(stdtrit(df - 1, 0.5 + level / 2.0)) * float(np.sqrt(tau2 + se**2))
    p = 2.0 * float(stdtr(df, -abs(mean / se)))
    values = (mean, se, mean - half, mean + half, p, mean - far, mean + far)
    return dict(zip(names, values, strict=True))
