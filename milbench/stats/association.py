"""How strongly two namings of the same things hang together: Cramer's V without its bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import chi2

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Association(NamedTuple):
    """The association of two namings.

    Parameters
    ----------
    v
        Bias-corrected Cramer's V, from 0 (independent) to 1.
    p
        Of Pearson's test of independence, chi-squared.
    rows, columns
        How many names there are of each.
    """

    v: float
    p: float
    rows: int
    columns: int


def cramers_v(counts: Mapping[tuple[str, str], int]) -> Association:
    """Return the association of two namings from how often each pair occurs.

    Plain V of independent names grows with their number; the correction takes the expected value
    of chi-squared away (Bergsma 2013, Journal of the Korean Statistical Society 42:323-328,
    https://doi.org/10.1016/j.jkss.2012.10.002).

    Raises
    ------
    StatisticsError
        If there are fewer than two names on a side.
    """
    firsts, seconds = (sorted({pair[side] for pair in counts}) for side in (0, 1))
    rows, columns = len(firsts), len(seconds)
    if min(rows, columns) < 2:  # noqa: PLR2004  # one name is always the same
        raise StatisticsError(f"{rows} and {columns} names; an association needs two of each")
    table = np.zeros((rows, columns))
    for (first, second), count in counts.items():
        table[firsts.index(first), seconds.index(second)] = count
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    statistic = float(((table - expected) ** 2 / expected).sum())
    free = (rows - 1) * (columns - 1)
    phi2 = max(0.0, statistic / total - free / (total - 1))
    fewer = (side - (side - 1) ** 2 / (total - 1) for side in (rows, columns))
    least = min(fewer) - 1
    v = float(np.sqrt(phi2 / least)) if least > 0 else 0.0
    return Association(min(1.0, v), float(chi2.sf(statistic, free)), rows, columns)
