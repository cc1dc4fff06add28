"""AUROC where folds lack a class: pairs are counted inside folds only, and only on request.

The table says NaN there, because a mean over the folds that happen to have both classes is
another quantity for each split. This one is defined as soon as any fold has a pair, and weighs
each fold by its pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import StatisticsError
from milbench.metrics.ranking import area_under_roc
from milbench.stats.design import runs_of

if TYPE_CHECKING:
    from milbench.metrics import Predictions


def within_fold_pairs(predictions: Predictions) -> float:
    """Return the share of pairs of a fold in the right order, over all folds, then repeats.

    Parameters
    ----------
    predictions
        With two classes.

    Returns
    -------
    float
        NaN where a repeat has no fold with both classes.

    Raises
    ------
    StatisticsError
        If there are more than two classes, or several labels a bag.
    """
    p = predictions
    if p.is_multi_label or p.n_classes != 2:  # noqa: PLR2004  # pairs of which, with more
        raise StatisticsError(
            f"pairs inside folds with {p.n_classes} {'labels' if p.is_multi_label else 'classes'}: "
            "expected two classes; score one class against the rest"
        )
    pairs: dict[tuple[int, int], list[float]] = {}  # pairs, and those in the right order
    for run in runs_of(p):
        rows = p.rows(run.positions)
        ones = float(rows.label.sum())
        count = ones * (len(rows.label) - ones)
        found = pairs.setdefault((run.repeat, run.seed), [0.0, 0.0])
        if count:
            once = np.ones((len(rows.label), 1))
            found[0] += count
            found[1] += count * float(area_under_roc(rows.label == 1, rows.score[:, 1], once)[0])
    if any(count == 0.0 for count, _ in pairs.values()):
        return float("nan")
    repeats = {repeat for repeat, _ in pairs}
    means = [
        np.mean([right / count for (r, _), (count, right) in pairs.items() if r == repeat])
        for repeat in repeats
    ]
    return float(np.mean(means))
