"""Which differences between methods count: P and T on all pairs, with Holm inside the family.

The family is all pairs of methods on one data set and one metric. A double dagger marks a
difference that P and T both call significant; T holds the error rate there, so neither the number
of patients nor that of repeats is asked. A dagger marks one that P alone calls significant, which
is believed only with 3 repeats or seeds and 50 patients in the smallest class.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from milbench.errors import StatisticsError
from milbench.stats.bootstrap import Bootstrap, patient_bootstrap
from milbench.stats.corrected_t import TTest, corrected_ttest
from milbench.stats.holm import holm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.metrics import Predictions
    from milbench.stats.resampled import Paired

Mark = Literal["", "star", "dagger", "double-dagger"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on one data set.

    Parameters
    ----------
    difference
        a minus b in units of the metric, also where smaller is better.
    low, high
        Interval of P for one pair, of level 1 - alpha.
    p_patient, p_patient_holm
        Two-sided p of P, alone and within the family.
    p_t, p_t_holm, t_low, t_high
        The same of T, and its interval; for count metrics it reads values of single folds.
    mark
        Which tests call the difference significant within the family; ``star`` is T alone, where
        there are no predictions for P.
    codes
        Why a test made no claim.
    minimum_detectable
        Smallest difference that T would call significant alone, so that no mark is not read as
        equality.
    se
        Standard error of the difference, over patients and between repeats.
    """

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p_patient: float
    p_patient_holm: float
    p_t: float
    p_t_holm: float
    t_low: float
    t_high: float
    mark: Mark
    codes: frozenset[str]
    minimum_detectable: float
    se: float = float("nan")


def compare_all(
    metric: str,
    methods: Mapping[str, Predictions],
    *,
    draws: int = 10_000,
    seed: int,
    alpha: float = 0.05,
) -> tuple[Comparison, ...]:
    """Compare all pairs of methods.

    Raises
    ------
    StatisticsError
        If the methods are unpaired (``UNPAIRED_SPLITS``) or ``draws`` is not positive.
    """
    return compare_drawn(patient_bootstrap(metric, methods, draws=draws, seed=seed), alpha=alpha)


def compare_drawn(
    bootstrap: Bootstrap, *, alpha: float = 0.05, control: str | None = None
) -> tuple[Comparison, ...]:
    """Compare all pairs of methods whose draws there are already.

    Parameters
    ----------
    control
        Compare each method with this one only, declared before the run: a smaller family. Never
        the best one, which is chosen from the data.

    Raises
    ------
    StatisticsError
        If there is no such method.
    """
    if control is not None and control not in bootstrap.names:
        raise StatisticsError(f"control {control!r}: expected one of {', '.join(bootstrap.names)}")
    pairs = [
        pair for pair in combinations(bootstrap.names, 2) if control is None or control in pair
    ]
    by_patient = [bootstrap.paired(a, b, 1.0 - alpha) for a, b in pairs]
    by_fold = [t_test(bootstrap, a, b, alpha) for a, b in pairs]
    patient_holm = holm([found.p for found in by_patient])
    t_holm = holm([found.p for found in by_fold])
    too_few = 2.0 * len(pairs) / (bootstrap.draws.shape[1] + 1.0) > alpha
    extra = frozenset({"MIN_P_UNREACHABLE"} if too_few else ())
    return tuple(
        Comparison(
            a=a,
            b=b,
            metric=bootstrap.metric,
            difference=patient.difference,
            low=patient.low,
            high=patient.high,
            p_patient=patient.p,
            p_patient_holm=float(patient_holm[i]),
            p_t=fold.p,
            p_t_holm=float(t_holm[i]),
            t_low=fold.low,
            t_high=fold.high,
            mark=_mark(bootstrap, (patient, patient_holm[i] < alpha), (fold, t_holm[i] < alpha)),
            codes=patient.codes | fold.codes | extra,
            minimum_detectable=fold.minimum_detectable,
            se=bootstrap.standard_error(a, b),
        )
        for i, ((a, b), patient, fold) in enumerate(zip(pairs, by_patient, by_fold, strict=True))
    )


def t_test(bootstrap: Bootstrap, a: str, b: str, alpha: float) -> TTest:
    """Return T of two methods, from the values of their folds."""
    design = bootstrap.design
    differences = bootstrap.estimates[a].folds - bootstrap.estimates[b].folds  # (R, F)
    if design.same_folds:  # then repeats are only seeds
        differences = differences.mean(axis=0, keepdims=True)  # (1, F)
    return corrected_ttest(differences, test_share=design.test_share, alpha=alpha)


def _mark(bootstrap: Bootstrap, patient: tuple[Paired, bool], fold: tuple[TTest, bool]) -> Mark:
    by_patient, by_fold = patient[1], fold[1] and "TOO_FEW_FOLDS" not in fold[0].codes
    agree = np.sign(patient[0].difference) == np.sign(fold[0].mean)
    if by_patient and by_fold and agree:
        return "double-dagger"
    return "dagger" if by_patient and bootstrap.design.patients_may_claim else ""
