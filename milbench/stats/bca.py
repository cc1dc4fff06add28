"""The bias-corrected and accelerated interval of a bootstrap (Efron 1987).

It moves the percentiles where draws lie to one side of the value, or are skewed, as near an AUROC
of 1. It scores every method once more for each patient, so it is for a headline: a table has the
plain percentiles of centred draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from milbench.metrics.definitions import find
from milbench.stats.bootstrap import replicate_variance, score_weighted
from milbench.stats.pairing import align
from milbench.stats.resampled import ROUNDING, defined, is_constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Floats
    from milbench.stats.bootstrap import Bootstrap


def bca(
    drawn: Floats, value: float, left_out: Floats, *, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of one statistic.

    Parameters
    ----------
    drawn : (B,)
        The statistic in each draw.
    value
        On the data themselves.
    left_out : (n,)
        With each unit left out.

    Returns
    -------
    tuple
        Low and high; NaN where all draws lie to one side of the value, where nothing follows.
    """
    equal = np.abs(drawn - value) <= ROUNDING
    share = float(((drawn < value) & ~equal).mean() + equal.mean() / 2.0)
    if not 0.0 < share < 1.0:
        return float("nan"), float("nan")
    bias = float(ndtri(share))
    gaps = left_out.mean() - left_out  # (n,)
    scale = float((gaps**2).sum()) ** 1.5
    skew = float((gaps**3).sum()) / (6.0 * scale) if scale > 0 else 0.0
    z = bias + ndtri(np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0]))  # (2,)
    low, high = np.quantile(drawn, ndtr(bias + z / (1.0 - skew * z)))
    return float(low), float(high)


def bca_intervals(
    bootstrap: Bootstrap, methods: Mapping[str, Predictions], *, level: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Return the interval of every method, widened by the variance between repeats.

    Parameters
    ----------
    methods
        Those of the draws.

    Returns
    -------
    dict
        By method; NaN where a value is undefined or nothing varies.
    """
    aligned = align({name: methods[name] for name in bootstrap.names})
    patients = len(np.unique(next(iter(aligned.values())).patient))
    left_out = score_weighted(bootstrap.metric, aligned, 1.0 - np.eye(patients))  # (m, P)
    return {
        name: _interval(bootstrap, name, left_out[number], level)
        for number, name in enumerate(bootstrap.names)
    }


def _interval(
    bootstrap: Bootstrap, name: str, left_out: Floats, level: float
) -> tuple[float, float]:
    found = bootstrap.estimates[name]
    drawn = defined(bootstrap.draws[bootstrap.names.index(name)])
    if np.isnan(found.value) or not drawn.size or is_constant(drawn):
        return float("nan"), float("nan")
    ends = np.array(bca(drawn, found.value, defined(left_out), level=level))
    extra = replicate_variance(found.per_seed)
    stretch = float(np.sqrt(1.0 + extra / drawn.var(ddof=1)))
    ends = np.clip(found.value + (ends - found.value) * stretch, *find(bootstrap.metric).bounds)
    return float(ends[0]), float(ends[1])
