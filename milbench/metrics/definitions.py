"""The metrics by name: how each is printed, put together over folds, and what it is meant for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics.multilabel import MACRO

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["ranking", "count", "proper", "calibration"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a table must know of a metric.

    Parameters
    ----------
    name, title
        As written in a suite file, and as printed.
    kind
        How folds are put together: ``ranking`` by the mean of folds, all others by pooling the
        test bags of a repeat.
    per_class
        Whether each class has a value of its own.
    bounds
        Smallest and largest value there can be.
    """

    name: str
    title: str
    kind: Kind
    greater_is_better: bool = True
    per_class: bool = False
    bounds: tuple[float, float] = (0.0, 1.0)


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("auroc", "AUROC", "ranking", per_class=True),
        Metric("average-precision", "Average precision", "ranking", per_class=True),
        Metric("sensitivity-at-95-specificity", "Sens. at 95% spec.", "ranking", per_class=True),
        Metric("hand-till", "Hand-Till M", "ranking"),
        Metric("weighted-auroc", "Weighted AUROC", "ranking"),
        Metric("accuracy", "Accuracy", "count"),
        Metric("balanced-accuracy", "Balanced accuracy", "count", per_class=True),
        Metric("f1", "F1", "count", per_class=True),
        Metric("weighted-f1", "Weighted F1", "count"),
        Metric("top-2-accuracy", "Top-2 accuracy", "count"),
        Metric("sensitivity", "Sensitivity", "count", per_class=True),
        Metric("specificity", "Specificity", "count", per_class=True),
        Metric("mcc", "MCC", "count", bounds=(-1.0, 1.0)),
        Metric("kappa", "Cohen's kappa", "count", bounds=(-1.0, 1.0)),
        Metric("quadratic-kappa", "Quadratic kappa", "count", bounds=(-1.0, 1.0)),
        Metric("kendall-tau", "Kendall's tau-b", "count", bounds=(-1.0, 1.0)),
        Metric("within-one-accuracy", "Within one grade", "count"),
        Metric("mae", "MAE", "count", greater_is_better=False, bounds=(0.0, np.inf)),
        Metric(
            "macro-mae",
            "Macro MAE",
            "count",
            greater_is_better=False,
            per_class=True,
            bounds=(0.0, np.inf),
        ),
        Metric("brier", "Brier score", "proper", greater_is_better=False, bounds=(0.0, 2.0)),
        Metric("log-loss", "Log loss", "proper", greater_is_better=False, bounds=(0.0, np.inf)),
        Metric("ece", "ECE", "calibration", greater_is_better=False, per_class=True),
        Metric("classwise-ece", "Classwise ECE", "calibration", False, per_class=True),
    )
}

# Of two levels at once; a leaderboard gives them with the coarse level of each hierarchical task.
LEVEL_METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("hierarchical-f", "Hierarchical F", "count"),
        Metric("consistency", "Consistency", "count"),
        Metric(
            "mistake-height", "Mistake height", "count", greater_is_better=False, bounds=(1.0, 2.0)
        ),
        Metric("fine-given-coarse", "Fine acc. given coarse", "count"),
    )
}

# Of all labels of a bag at once; beside these a multi-label data set has the mean over its labels
# of each metric in :data:`milbench.metrics.multilabel.MACRO`.
LABEL_METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("micro-auroc", "Micro AUROC", "ranking"),
        Metric("micro-f1", "Micro F1", "count"),
        Metric("subset-accuracy", "Subset accuracy", "count"),
        Metric("hamming-loss", "Hamming loss", "count", greater_is_better=False),
    )
}

# What they say of a class they lack is nothing; macro-mae has a value over the others.
NEEDS_ALL_CLASSES: Final = frozenset(
    {"balanced-accuracy", "sensitivity", "specificity", "macro-mae"}
)


def find(metric: str) -> Metric:
    """Return the metric of that name: of one level or of two, of one label a bag or of several.

    Raises
    ------
    ScoreError
        If there is none; the message lists those there are.
    """
    found = METRICS.get(metric) or LEVEL_METRICS.get(metric) or LABEL_METRICS.get(metric)
    if found is None:
        raise ScoreError(f"no metric {metric!r}; there are: {', '.join(METRICS)}")
    return found


def rankable(metric: str) -> Metric:
    """Return the metric of that name, which methods can be ranked by.

    Raises
    ------
    ScoreError
        If there is none, or it looks at two levels of classes.
    """
    found = find(metric)
    if metric in LEVEL_METRICS:
        raise ScoreError(
            f"{metric} looks at two levels of classes: it stands in the table of every coarse "
            "level anyway, and ranks nothing; name metrics of one level"
        )
    return found


def why_not(metric: str, *, is_multi_label: bool) -> str:
    """Return why a metric has no meaning for bags of one class, or of several labels; or nothing.

    Raises
    ------
    ScoreError
        If there is no such metric.
    """
    find(metric)
    if not is_multi_label:
        several = f"{metric} is of several labels a bag, and here each bag has one class"
        return several if metric in LABEL_METRICS else ""
    if metric in MACRO or metric in LABEL_METRICS:
        return ""
    return (
        f"{metric} is of one class a bag, and here a bag may have several labels; there are: "
        f"{', '.join((*sorted(MACRO), *LABEL_METRICS))}"
    )
