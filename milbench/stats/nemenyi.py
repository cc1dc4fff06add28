"""Nemenyi's critical difference of mean ranks, for a drawing that others can be compared with.

No mark and no letter rests on it. It is a module of its own because ``scipy.stats`` is slow to
load, and a leaderboard does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import studentized_range

if TYPE_CHECKING:
    from milbench.metrics.rows import Floats


def critical_difference(methods: int, cohorts: int, *, alpha: float = 0.05) -> float:
    """Return the difference of mean ranks that Nemenyi's test asks for (Demsar 2006)."""
    return quantile(methods, alpha=alpha) * _unit(methods, cohorts)


def quantile(methods: int, *, alpha: float = 0.05) -> float:
    """Return the quantile of the studentised range over the root of 2."""
    return float(studentized_range.ppf(1.0 - alpha, methods, np.inf) / np.sqrt(2.0))


def nemenyi(mean_ranks: Floats, cohorts: int) -> Floats:
    """Return the p of all pairs, (m, m), 1 on the diagonal.

    Parameters
    ----------
    mean_ranks : (m,)
        Over ``cohorts``.
    """
    ranks = np.asarray(mean_ranks, dtype=np.float64)
    gaps = np.abs(ranks[:, None] - ranks) / _unit(len(ranks), cohorts)  # (m, m)
    return np.asarray(studentized_range.sf(gaps * np.sqrt(2.0), len(ranks), np.inf))


def _unit(methods: int, cohorts: int) -> float:
    return float(np.sqrt(methods * (methods + 1) / (6.0 * cohorts)))
