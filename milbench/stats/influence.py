"""P in closed form for AUROC, from influence curves (LeDell, Petersen and van der Laan 2015).

A check of the bootstrap and a tool for simulations, for it takes a thousandth of the time. With
tiny folds it gives too small an error; tables use the bootstrap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, stdtr

from milbench.errors import StatisticsError
from milbench.stats.delong import placements
from milbench.stats.design import patients_by_class, runs_of
from milbench.stats.estimate import shares_of

if TYPE_CHECKING:
    from milbench.metrics import Predictions
    from milbench.metrics.rows import Floats


class ClosedForm(NamedTuple):
    """The difference of two methods in AUROC, with both parts of its variance.

    Parameters
    ----------
    patient_variance, repeat_variance
        Over patients, and between repeats over their number.
    p_normal, p_t
        Two-sided, by the normal law and by Student's t with as many degrees of freedom as there
        are patients in the smaller class, less one.
    """

    difference: float
    patient_variance: float
    repeat_variance: float
    se: float
    z: float
    p_normal: float
    p_t: float


def closed_form(a: Predictions, b: Predictions) -> ClosedForm:
    """Compare two aligned methods with two classes by AUROC.

    Parameters
    ----------
    a, b
        From :func:`milbench.stats.pairing.align`, so that their rows are the same.

    Raises
    ------
    StatisticsError
        If there are not two classes.
    """
    _check_classes(a)
    runs = runs_of(a)
    names, bag = np.unique(a.bag, return_inverse=True)
    _, first = np.unique(a.bag, return_index=True)
    shares = _shares(a)
    influence, values = np.zeros(len(names)), []
    weights = shares_of(runs)  # of each run in the value
    trainings = len({(run.repeat, run.seed) for run in runs})
    for run in runs:
        at = run.positions
        gap, value = _fold_influence(a, b, at, shares)
        np.add.at(influence, bag[at], gap / trainings)
        values.append(value)
    difference = float(weights @ np.array(values))
    _, owner = np.unique(a.patient[first], return_inverse=True)
    by_patient = np.bincount(owner, weights=influence)
    patient = float((by_patient**2).sum()) / len(names) ** 2
    repeat = _between_repeats([run.repeat for run in runs], values)
    se = float(np.sqrt(patient + repeat))
    z = difference / se if se > 0 else float("nan")
    df = min(patients_by_class(a)) - 1
    p_normal, p_t = 2.0 * float(ndtr(-abs(z))), 2.0 * float(stdtr(df, -abs(z)))
    return ClosedForm(difference, patient, repeat, se, z, p_normal, p_t)


class CrossValidatedAuc(NamedTuple):
    """The mean AUROC of the folds of one repeat, and its standard error over independent bags."""

    value: float
    se: float


def cross_validated_auc(a: Predictions, b: Predictions | None = None) -> CrossValidatedAuc:
    """Return LeDell's estimate for one method, or for its difference to an aligned one.

    Every fold counts alike, as in cvAUC 1.1.4, and every bag is a unit of its own. Use it where
    each patient has one bag; the interval of a table is that of the bootstrap.

    Raises
    ------
    StatisticsError
        If there are several repeats or seeds, or not two classes.
    """
    _check_classes(a)
    runs = runs_of(a)
    if len({(run.repeat, run.seed) for run in runs}) > 1:
        raise StatisticsError(
            "LeDell's estimate on several repeats or seeds: expected the folds of one; use the "
            "patient bootstrap, which adds the variance between repeats"
        )
    shares = _shares(a)
    folds = [_fold_influence(a, b, run.positions, shares) for run in runs]
    spread = float(np.mean([(gap**2).mean() for gap, _ in folds]))
    value = float(np.mean([value for _, value in folds]))
    return CrossValidatedAuc(value, float(np.sqrt(spread / len(a))))


def _check_classes(predictions: Predictions) -> None:
    p = predictions
    if p.is_multi_label or p.n_classes != 2:  # noqa: PLR2004  # the area of two classes
        raise StatisticsError(
            f"influence curves with {p.n_classes} {'labels' if p.is_multi_label else 'classes'}: "
            "expected two classes; use the patient bootstrap"
        )


def _shares(predictions: Predictions) -> Floats:
    """Return the share of each of two classes among all bags, (2,)."""
    _, first = np.unique(predictions.bag, return_index=True)
    return np.bincount(predictions.label[first], minlength=2) / len(first)


def _fold_influence(
    a: Predictions, b: Predictions | None, at: np.ndarray, shares: Floats
) -> tuple[Floats, float]:
    """Return the influence of each bag of a fold on the difference, and the difference there."""
    positive = a.label[at] == 1
    gap = placements(positive, a.score[None, at, 1])[0]  # (n,)
    if b is not None:
        gap = gap - placements(positive, b.score[None, at, 1])[0]
    value = float(gap[positive].mean())
    return (gap - value) / shares[a.label[at]], value


def _between_repeats(repeats: list[int], values: list[float]) -> float:
    table, number = np.array(values), np.array(repeats)
    means = [table[number == one].mean() for one in sorted(set(repeats))]
    return float(np.var(means, ddof=1)) / len(means) if len(means) > 1 else 0.0
