"""The reliability curve: what was said against what happened, bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.metrics.proper import BINS, bin_of
from milbench.metrics.rows import Floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Reliability(NamedTuple):
    """The bins (low, high] of a probability, the first with 0.

    Parameters
    ----------
    edges : (bins + 1,)
        Of equal width.
    bags, said, happened : (bins,)
        Bags in each bin, their mean probability, and how often it came true; NaN where empty.
    """

    edges: Floats
    bags: Floats
    said: Floats
    happened: Floats

    @property
    def largest_gap(self) -> float:
        """Return the maximum calibration error: the largest gap of a bin that is not empty."""
        return float(np.nanmax(np.abs(self.said - self.happened)))


def reliability(probability: ArrayLike, happened: ArrayLike, *, bins: int = BINS) -> Reliability:
    """Return the reliability curve of one probability a bag.

    Parameters
    ----------
    probability : (N,)
        Of a class, or the largest of all.
    happened : (N,)
        1 where the bag is of that class, else 0.
    """
    said = np.asarray(probability, dtype=np.float64)
    came = np.asarray(happened, dtype=np.float64)
    place, one = bin_of(said, bins), np.ones_like(said)
    count, sums, hits = (
        np.bincount(place, weights=part, minlength=bins).astype(np.float64)
        for part in (one, said, came)
    )
    edges = np.linspace(0.0, 1.0, bins + 1)
    return Reliability(edges, count, ratio(sums, count), ratio(hits, count))
