"""The metrics by name, and the value of one on one set of test rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics import counts, levels, multiclass, ordinal, proper, ranking
from milbench.metrics.rows import Floats, Rows, Weights, decide, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    from milbench.metrics.codes import Code

    Weighted = Callable[[Rows, Weights], Floats]

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


@dataclass(frozen=True, slots=True)
class Value:
    """A metric on one set of rows.

    Parameters
    ----------
    value
        NaN where undefined; a code says why.
    per_class
        One value a class, one class against the rest; empty for metrics without.
    codes
        Status codes, see :mod:`milbench.metrics.codes`.
    support
        Rows of each class.
    clipped
        Rows whose log loss was cut off; 0 for other metrics.
    """

    value: float
    per_class: tuple[float, ...]
    codes: frozenset[str]
    support: tuple[int, ...]
    clipped: int = 0


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

# What they say of a class they lack is nothing; macro-mae has a value over the others.
NEEDS_ALL_CLASSES: Final = frozenset(
    {"balanced-accuracy", "sensitivity", "specificity", "macro-mae"}
)


def find(metric: str) -> Metric:
    """Return the metric of that name, of one level or of two.

    Raises
    ------
    ScoreError
        If there is none; the message lists those there are.
    """
    found = METRICS.get(metric) or LEVEL_METRICS.get(metric)
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


def evaluate(
    metric: str, label: ArrayLike, score: ArrayLike, *, threshold: float | Floats = 0.5
) -> Value:
    """Return a metric on one set of rows, without asking which folds they come from.

    With two classes AUROC, average precision, F1, sensitivity and specificity are those of class
    1; with more, the mean over classes, each against the rest. What a class needs and lacks makes
    the value NaN with the code ``FOLD_MISSING_CLASS``, never 0.5; F1 alone leaves out a class
    that neither occurs nor is decided for.

    Parameters
    ----------
    label : (N,)
        Classes from 0 to C - 1.
    score : (N, C)
        Probabilities; C is the number of classes of the data set. Rows that sum to 1 within 1e-3
        are normalised; otherwise only ranking metrics have a value (``NONPROBABILITY``).
    threshold : scalar or (N,)
        With two classes, from which probability of class 1 a bag is called positive.

    Raises
    ------
    ScoreError
        If shapes or labels do not fit, a score is not finite, or the metric is unknown.
    """
    definition = find(metric)
    labels, scores = checked(label, score)
    scores, is_probability = normalise(scores)
    if definition.kind != "ranking" and not is_probability:
        nothing = (np.nan,) * scores.shape[1] if definition.per_class else ()
        support = np.bincount(labels, minlength=scores.shape[1])
        return Value(np.nan, nothing, frozenset({"NONPROBABILITY"}), tuple(support.tolist()))
    rows = Rows(labels, scores, decide(scores, threshold))
    return evaluate_each(metric, rows, np.ones((len(labels), 1)))[0]


def evaluate_each(metric: str, rows: Rows, members: Weights) -> list[Value]:
    """Return a metric on each of G sets of rows at once, as :func:`evaluate` does on one.

    Parameters
    ----------
    rows
        Of all sets; their scores are probabilities, or the metric ranks.
    members : (N, G)
        1 where a row belongs to a set, else 0.
    """
    definition = find(metric)
    per_class = _PER_CLASS[metric](rows, members) if metric in _PER_CLASS else None  # (C, G)
    if per_class is not None and definition.kind == "ranking":
        values = counts.class_one_or_mean(per_class)  # (G,)
    else:
        values = value_of(metric, rows, members)  # (G,)
    of_class = np.arange(rows.n_classes)[:, None] == rows.label  # (C, N)
    support = (of_class @ members).astype(np.int64).T.tolist()  # G lists of C
    clipped = proper.clipped(rows, members) if metric == "log-loss" else np.zeros(len(support))
    return [
        Value(
            value=value,
            per_class=() if per_class is None else tuple(per_class[:, number].tolist()),
            codes=frozenset(_codes(definition, value, tuple(support[number]))),
            support=tuple(support[number]),
            clipped=int(clipped[number]),
        )
        for number, value in enumerate(values.tolist())
    ]


def value_of(metric: str, rows: Rows, weights: Weights) -> Floats:
    """Return the metric in each of B weightings of the rows; the bootstrap calls this.

    Parameters
    ----------
    weights : (N, B)
        How often each row counts.

    Returns
    -------
    (B,)
        NaN where the metric is undefined.
    """
    return _VALUE[metric](rows, weights)


def checked(label: ArrayLike, score: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (N,) as int64 and scores (N, C) as float64, if they fit each other.

    Raises
    ------
    ScoreError
        If they do not, or a score is not finite.
    """
    labels, scores = np.asarray(label, dtype=np.int64), np.asarray(score, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] < 2 or labels.shape != scores.shape[:1]:  # noqa: PLR2004  # a table of at least two classes
        raise ScoreError(
            f"labels of shape {labels.shape} and scores of shape {scores.shape}: "
            "expected (N,) and (N, C) with C of at least 2; give one score a class"
        )
    if labels.size == 0:
        raise ScoreError("no rows: expected at least one test bag")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ScoreError(
            f"labels from {labels.min()} to {labels.max()}, but the scores have "
            f"{scores.shape[1]} classes, numbered from 0"
        )
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if broken.size:
        raise ScoreError(
            f"{broken.size} rows have a NaN or infinite score, first {broken[:5].tolist()}; "
            "a run that diverged is a failure, not a row to drop"
        )
    return labels, scores


def _codes(metric: Metric, value: float, support: tuple[int, ...]) -> set[Code]:
    if 0 in support and (metric.kind == "ranking" or metric.name in NEEDS_ALL_CLASSES):
        return {"FOLD_MISSING_CLASS"}
    if np.isnan(value):
        return {"FOLD_MISSING_CLASS"} if metric.name == "f1" else {"DEGENERATE_VARIANCE"}
    return set()


def _counted(measure: Callable[[Floats], Floats], rows: Rows, weights: Weights) -> Floats:
    return measure(counts.confusion(rows, weights))


def _one(measure: Callable[[Floats], Floats], rows: Rows, weights: Weights) -> Floats:
    return counts.class_one_or_mean(_counted(measure, rows, weights))


def _f1(rows: Rows, weights: Weights) -> Floats:
    return counts.class_one_or_mean_of_defined(_counted(counts.f1, rows, weights))


_RANKINGS: Final = {
    "auroc": ranking.area_under_roc,
    "average-precision": ranking.average_precision,
    "sensitivity-at-95-specificity": ranking.sensitivity_at_95_specificity,
}

_VALUE: Final[Mapping[str, Weighted]] = {
    **{name: partial(ranking.headline, measure) for name, measure in _RANKINGS.items()},
    "hand-till": multiclass.hand_till,
    "weighted-auroc": multiclass.weighted_auroc,
    "accuracy": partial(_counted, counts.accuracy),
    "balanced-accuracy": partial(_counted, counts.balanced_accuracy),
    "f1": _f1,
    "weighted-f1": multiclass.weighted_f1,
    "top-2-accuracy": multiclass.top_two,
    "sensitivity": partial(_one, counts.recall),
    "specificity": partial(_one, counts.specificity),
    "mcc": partial(_counted, counts.matthews),
    "kappa": partial(_counted, partial(counts.kappa, quadratic=False)),
    "quadratic-kappa": partial(_counted, partial(counts.kappa, quadratic=True)),
    "kendall-tau": partial(_counted, ordinal.kendall_tau),
    "within-one-accuracy": partial(_counted, ordinal.within_one),
    "mae": partial(_counted, ordinal.absolute_error),
    "macro-mae": partial(_counted, ordinal.macro_absolute_error),
    "brier": proper.brier,
    "log-loss": proper.log_loss,
    "ece": proper.calibration_error,
    "hierarchical-f": levels.hierarchical_f,
    "consistency": levels.consistency,
    "mistake-height": levels.mistake_height,
    "fine-given-coarse": levels.fine_given_coarse,
    "classwise-ece": proper.mean_classwise_calibration_error,
}

_PER_CLASS: Final[Mapping[str, Weighted]] = {
    **{name: partial(ranking.one_vs_rest, measure) for name, measure in _RANKINGS.items()},
    "balanced-accuracy": partial(_counted, counts.recall),
    "f1": partial(_counted, counts.f1),
    "sensitivity": partial(_counted, counts.recall),
    "specificity": partial(_counted, counts.specificity),
    "macro-mae": partial(_counted, ordinal.absolute_error_per_class),
    "ece": proper.classwise_calibration_error,
    "classwise-ece": proper.classwise_calibration_error,
}
