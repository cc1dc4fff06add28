"""How labels overlap in a data set whose bags may have several of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from milbench.metrics import Predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """The bags of a data set whose bags may have several labels.

    Parameters
    ----------
    bags
        All of them; each counts with every label that it has, and ``unlabelled`` ones with none.
    sets
        Different sets of labels that bags have.
    """

    bags: int
    unlabelled: int
    sets: int


def several_of(predictions: Predictions | None) -> Several | None:
    """Return how the labels of the tested bags overlap; None where each bag has one class."""
    if predictions is None or not predictions.is_multi_label:
        return None
    _, first = np.unique(predictions.bag, return_index=True)
    labels = predictions.label[first]  # (B, L)
    sets = {tuple(row) for row in labels.tolist()}
    return Several(bags=len(labels), unlabelled=int((~labels.any(axis=1)).sum()), sets=len(sets))
