"""Benjamini and Hochberg's correction, for looks at the data that claim nothing (JRSS B 57, 1995).

It holds the share of false ones among the findings, not the chance of a single false one: enough
to say where to look next, and marked ``EXPLORATORY``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return p-values that may be compared with the share of false findings one accepts.

    Parameters
    ----------
    p : (m,)
        Of one family; a NaN stays NaN and does not count in the family.

    Returns
    -------
    (m,)
        In the order given, at most 1.
    """
    adjusted = np.array(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(adjusted))
    order = tested[np.argsort(-adjusted[tested], kind="stable")]  # the largest first
    place = np.arange(len(order), 0, -1)  # m, m - 1, ..., 1
    scaled = adjusted[order] * (len(order) / np.maximum(place, 1))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted
