"""One pair of methods on one data set in full: both tests, how sure, why, and what more would show.

The tests here are those of the pair alone. Where it is one of several pairs, the marks of the
leaderboard count, which are corrected for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from milbench.seeds import seed as derived
from milbench.stats.bayes import Reading, correlated_posterior
from milbench.stats.bca import bca_intervals
from milbench.stats.bootstrap import patient_bootstrap
from milbench.stats.compare import Mark, compare_drawn, t_test
from milbench.stats.equivalence import Equivalence, tost
from milbench.stats.hold_out import HoldOut, hold_out
from milbench.stats.per_class import PerClass, per_class
from milbench.stats.planner import Goal, Plan, plan
from milbench.stats.protocol import Facts, Procedure, on_one_data_set
from milbench.stats.variation import Variation, variation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Floats
    from milbench.stats.bootstrap import Bootstrap
    from milbench.stats.corrected_t import TTest
    from milbench.stats.per_class import ClassMetric
    from milbench.stats.question import Question
    from milbench.stats.resampled import Paired


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two methods on one data set, a minus b.

    Parameters
    ----------
    values, intervals, headlines
        Of a and of b; intervals as in the table, and bias-corrected and accelerated.
    patient, se
        P and its standard error.
    fold, folds
        T, and the differences (repeats, folds) that it reads, averaged over seeds.
    equal, reading
        Equivalence within the ROPE, and the three probabilities, both with T's error.
    spread, needed
        Where the error comes from, and what would separate the two.
    mark
        What both tests of this pair alone allow to claim.
    classes
        Each class against the rest; exploratory.
    fixed
        The tests of fixed models; None unless both were tested in one run, with two classes.
    procedures
        Which test may claim what, from the design alone.
    """

    a: str
    b: str
    metric: str
    values: tuple[float, float]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    headlines: tuple[tuple[float, float], tuple[float, float]]
    patient: Paired
    se: float
    fold: TTest
    folds: Floats
    equal: Equivalence
    reading: Reading
    spread: Variation
    needed: Plan
    mark: Mark
    classes: tuple[PerClass, ...]
    fixed: HoldOut | None
    procedures: tuple[Procedure, ...]
    codes: frozenset[str]
    n_patients: int
    n_bags: int


def study_pair(metric: str, methods: Mapping[str, Predictions], question: Question) -> Pair:
    """Compare two methods on one data set in full.

    Parameters
    ----------
    methods
        The first is a, the second b; tested on the same rows.

    Raises
    ------
    StatisticsError
        If there are not two methods, or they are unpaired (``UNPAIRED_SPLITS``).
    """
    a, b = methods
    drawn = patient_bootstrap(metric, methods, draws=question.draws, seed=question.seed)
    level = 1.0 - question.alpha
    fold = t_test(drawn, a, b, question.alpha)
    patient = drawn.paired(a, b, level)
    first, second = drawn.estimates[a], drawn.estimates[b]
    headlines = bca_intervals(drawn, methods, level=level)
    facts = facts_of(metric, methods[a], drawn)
    return Pair(
        a=a,
        b=b,
        metric=metric,
        values=(first.value, second.value),
        intervals=(drawn.interval(a, level), drawn.interval(b, level)),
        headlines=(headlines[a], headlines[b]),
        patient=patient,
        se=drawn.standard_error(a, b),
        fold=fold,
        folds=first.folds - second.folds,
        equal=tost(fold, question.rope, alpha=question.alpha),
        reading=correlated_posterior(fold, question.rope),
        spread=variation(drawn, a, b),
        needed=plan(drawn, a, b, Goal(alpha=question.alpha)),
        mark=compare_drawn(drawn, alpha=question.alpha)[0].mark,
        classes=_classes(methods, question),
        fixed=hold_out(methods, seed=question.seed) if _is_fixed(facts) else None,
        procedures=on_one_data_set(facts),
        codes=patient.codes | fold.codes,
        n_patients=first.n_patients,
        n_bags=first.n_bags,
    )


def facts_of(metric: str, predictions: Predictions, drawn: Bootstrap) -> Facts:
    """Return what the choice of a test depends on, none of it a result."""
    design = drawn.design
    return Facts(
        repeats=1 if design.same_folds else design.repeats,
        folds=design.folds,
        seeds=max(design.seeds, design.repeats) if design.same_folds else design.seeds,
        one_split=design.one_split,
        smallest_class=design.smallest_class,
        several_bags=len(np.unique(predictions.patient)) < len(np.unique(predictions.bag)),
        metric=metric,
        n_classes=predictions.n_classes,
        is_multi_label=predictions.is_multi_label,
    )


def _classes(methods: Mapping[str, Predictions], question: Question) -> tuple[PerClass, ...]:
    """Return sensitivity, and with more than two classes or one label AUROC, of each of them."""
    first = next(iter(methods.values()))
    sure = all(p.is_probability for p in methods.values())
    several = first.n_classes > (1 if first.is_multi_label else 2)
    wanted: list[ClassMetric] = ["auroc"] if several else []
    wanted += ["sensitivity"] if sure else []
    return tuple(
        per_class(name, methods, draws=question.draws, seed=derived("classes", question.seed, name))
        for name in wanted
    )


def _is_fixed(facts: Facts) -> bool:
    one_run = facts.one_split and max(facts.repeats, facts.seeds, facts.folds) == 1
    return one_run and facts.has_two_classes  # DeLong's area is of two classes
