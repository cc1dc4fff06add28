"""Each class against the rest, or each label: which one makes the difference. A look, not a claim.

The tests are those of the data set, P on the AUROC or sensitivity of a class, corrected over
classes and pairs by Benjamini and Hochberg. Every line is marked ``EXPLORATORY``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import ndtri

from milbench.metrics.rows import decide
from milbench.seeds import seed as derived
from milbench.stats.bootstrap import patient_bootstrap
from milbench.stats.false_discovery import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.metrics import Predictions
    from milbench.stats.bootstrap import Bootstrap

    ClassMetric = Literal["auroc", "sensitivity"]

ENOUGH_FOR_INTERVAL: Final = 10  # patients of the class
ENOUGH_FOR_VALUE: Final = 5


@dataclass(frozen=True, slots=True)
class ClassValue:
    """One class of one method; NaN below 5 patients, no interval below 10."""

    method: str
    class_name: str
    value: float
    low: float
    high: float
    patients: int


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """One class of two methods, a minus b; ``p_adjusted`` over all classes and pairs."""

    a: str
    b: str
    class_name: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class PerClass:
    """All classes of all methods, and of all pairs."""

    metric: str
    values: tuple[ClassValue, ...]
    differences: tuple[ClassDifference, ...]


def per_class(
    metric: ClassMetric, methods: Mapping[str, Predictions], *, draws: int = 10_000, seed: int
) -> PerClass:
    """Compare methods class by class.

    Parameters
    ----------
    metric
        ``auroc`` of the class's score, or ``sensitivity`` of decisions for it.
    methods
        Predictions by method, all tested on the same rows.

    Raises
    ------
    StatisticsError
        If the methods are unpaired (``UNPAIRED_SPLITS``) or ``draws`` is not positive.
    """
    first = next(iter(methods.values()))
    values: list[ClassValue] = []
    differences: list[ClassDifference] = []
    for number, name in _classes(metric, first):
        patients = len(np.unique(first.patient[first.has(number)]))
        rest = {label: one_vs_rest(metric, p, number) for label, p in methods.items()}
        chance = derived("per class", seed, name)
        drawn = patient_bootstrap(metric, rest, draws=draws, seed=chance)
        values.extend(_values(drawn, name, patients, first))
        differences.extend(_differences(drawn, name, patients))
    adjusted = benjamini_hochberg([found.p for found in differences]).tolist()
    return PerClass(
        metric,
        tuple(values),
        tuple(replace(d, p_adjusted=p) for d, p in zip(differences, adjusted, strict=True)),
    )


def one_vs_rest(metric: ClassMetric, predictions: Predictions, number: int) -> Predictions:
    """Return "this class or another one", or "this label or not", as predictions of two classes."""
    p = predictions
    if metric == "auroc":
        own = p.score[:, number]
    elif p.is_multi_label:
        own = (p.score[:, number] >= p.threshold[:, number]).astype(np.float64)
    else:
        own = (decide(p.score, p.threshold) == number).astype(np.float64)
    return replace(
        p,
        label=p.has(number).astype(np.int64),
        score=np.column_stack([1.0 - own, own]),
        threshold=np.full(len(p), 0.5),
        classes=("rest", p.classes[number]),
    )


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share of n independent patients."""
    z = float(ndtri(0.5 + level / 2.0))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return max(0.0, centre - half), min(1.0, centre + half)


def _classes(metric: ClassMetric, predictions: Predictions) -> Iterator[tuple[int, str]]:
    """Yield the classes; of two, AUROC is the same for both, so the second stands for it."""
    is_each = predictions.is_multi_label or predictions.n_classes > 2  # noqa: PLR2004
    for number, name in enumerate(predictions.classes):
        if metric == "sensitivity" or is_each or number == 1:
            yield number, name


def _values(
    drawn: Bootstrap, class_name: str, patients: int, rows: Predictions
) -> Iterator[ClassValue]:
    alone = len(np.unique(rows.bag)) == len(np.unique(rows.patient))
    nan = float("nan")
    for method in drawn.names:
        value = drawn.estimates[method].value if patients >= ENOUGH_FOR_VALUE else nan
        low, high = nan, nan
        if patients >= ENOUGH_FOR_INTERVAL and value == value:  # noqa: PLR0124  # not NaN
            simple = drawn.metric == "sensitivity" and alone
            low, high = wilson(value, patients) if simple else drawn.interval(method)
        yield ClassValue(method, class_name, value, low, high, patients)


def _differences(drawn: Bootstrap, class_name: str, patients: int) -> Iterator[ClassDifference]:
    nan = float("nan")
    for a, b in combinations(drawn.names, 2):
        found = drawn.paired(a, b)
        codes = found.codes | {"EXPLORATORY"}
        if patients < ENOUGH_FOR_INTERVAL:
            codes |= {"FEW_PATIENTS"}
            known = found.difference if patients >= ENOUGH_FOR_VALUE else nan
            yield ClassDifference(a, b, class_name, known, nan, nan, nan, nan, codes)
        else:
            yield ClassDifference(
                a, b, class_name, found.difference, found.low, found.high, found.p, nan, codes
            )
