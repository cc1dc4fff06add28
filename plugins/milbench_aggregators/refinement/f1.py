"""F1 at the threshold where the ROC curve is farthest from chance: how the authors validate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def f1_at_best_threshold(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Return F1 of ``scores`` at the threshold that maximises Youden's index.

    The highest of equal thresholds wins, as in the DSMIL family's code, which takes the first
    minimum of false less true positive rate along the ROC curve.

    Parameters
    ----------
    truth : (B,)
        0 or 1.
    scores : (B,)
        Positive from the threshold on.

    Returns
    -------
    float
        From 0 to 1; 0 where no bag is positive.
    """
    positives, negatives = int(truth.sum()), int((1 - truth).sum())
    if positives == 0:
        return 0.0
    thresholds = np.unique(scores)[::-1]
    is_positive = scores >= thresholds[:, None]  # (T, B)
    hits = (is_positive & (truth == 1)).sum(axis=1)  # (T,)
    alarms = is_positive.sum(axis=1) - hits
    best = int((hits / positives - alarms / max(1, negatives)).argmax())
    return float(2 * hits[best] / (hits[best] + alarms[best] + positives))
