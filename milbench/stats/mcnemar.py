"""McNemar's exact test of the right decisions of two fixed models on one test set.

Only the bags count that one of them decides rightly and the other one wrongly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import bdtr

from milbench.errors import StatisticsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class McNemar(NamedTuple):
    """The four counts and the two-sided p.

    Parameters
    ----------
    both, first, second, neither
        Bags that both, only the first, only the second, and neither of the methods decide rightly.
    p, p_mid
        Exact, and less conservative by half the probability of what was seen.
    """

    both: int
    first: int
    second: int
    neither: int
    p: float
    p_mid: float


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Compare the right decisions of two methods on the same independent bags.

    Parameters
    ----------
    first_right, second_right : (N,) bool
        Whether a method decides rightly, for each bag; one bag a patient.

    Raises
    ------
    StatisticsError
        If the methods were not tested on the same bags.
    """
    a, b = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if a.shape != b.shape or not a.size:
        raise StatisticsError(
            f"UNPAIRED_SPLITS: {a.size} decisions of one method, {b.size} of the other; expected "
            "one of each for every test bag"
        )
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    fewer, discordant = min(only_first, only_second), only_first + only_second
    up_to = float(bdtr(fewer, discordant, 0.5))
    below = float(bdtr(fewer - 1, discordant, 0.5)) if fewer else 0.0
    return McNemar(
        both=int((a & b).sum()),
        first=only_first,
        second=only_second,
        neither=int((~a & ~b).sum()),
        p=min(1.0, 2.0 * up_to),
        p_mid=min(1.0, up_to + below),
    )
