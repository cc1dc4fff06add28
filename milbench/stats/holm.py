"""Holm's step-down correction of several p-values (Holm 1979)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats


def holm(p: ArrayLike) -> Floats:
    """Return p-values that may be compared with alpha although there are several.

    Parameters
    ----------
    p : (m,)
        Two-sided p-values of one family; a NaN stays NaN and does not count in the family.

    Returns
    -------
    (m,)
        In the order given, at most 1.
    """
    adjusted = np.array(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(adjusted))
    order = tested[np.argsort(adjusted[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)  # m, m - 1, ..., 1
    adjusted[order] = np.minimum(np.maximum.accumulate(adjusted[order] * factors), 1.0)
    return adjusted
