"""The value of a metric on one set of test rows, or on many weightings of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics import counts, levels, multiclass, multilabel, ordinal, proper, ranking
from milbench.metrics.definitions import NEEDS_ALL_CLASSES, find, why_not
from milbench.metrics.rows import (
    Floats,
    Rows,
    Weights,
    are_probabilities,
    decide,
    decide_labels,
    normalise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    from milbench.metrics.codes import Code
    from milbench.metrics.definitions import Metric

    Weighted = Callable[[Rows, Weights], Floats]


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


def evaluate(
    metric: str, label: ArrayLike, score: ArrayLike, *, threshold: float | Floats = 0.5
) -> Value:
    """Return a metric on one set of rows, without asking which folds they come from.

    Of bags with several labels each label is a question with two classes, and the value is the
    mean over labels; ``per_class`` then has one value a label, ``support`` the bags that have it.

    With two classes AUROC, average precision, F1, sensitivity and specificity are those of class
    1; with more, the mean over classes, each against the rest. What a class needs and lacks makes
    the value NaN with the code ``FOLD_MISSING_CLASS``, never 0.5; F1 alone leaves out a class
    that neither occurs nor is decided for.

    Parameters
    ----------
    label : (N,), or (N, L) of 0 and 1
        Classes from 0 to C - 1; or which of L labels each bag has.
    score : (N, C)
        Probabilities; C is the number of classes of the data set. Rows that sum to 1 within 1e-3
        are normalised; otherwise only ranking metrics have a value (``NONPROBABILITY``). Those of
        labels lie in [0, 1].
    threshold : scalar or (N,); of labels scalar, (L,) or (N, L)
        With two classes, from which probability of class 1 a bag is called positive.

    Raises
    ------
    ScoreError
        If shapes or labels do not fit, a score is not finite, or the metric is unknown or has no
        meaning for such rows.
    """
    if np.ndim(label) > 1:
        return _evaluate_labels(metric, label, score, threshold)
    definition = find(metric)
    labels, scores = checked(label, score)
    scores, is_probability = normalise(scores)
    if definition.kind != "ranking" and not is_probability:
        nothing = (np.nan,) * scores.shape[1] if definition.per_class else ()
        support = np.bincount(labels, minlength=scores.shape[1])
        return Value(np.nan, nothing, frozenset({"NONPROBABILITY"}), tuple(support.tolist()))
    rows = Rows(labels, scores, decide(scores, threshold))
    return evaluate_each(metric, rows, np.ones((len(labels), 1)))[0]


def _evaluate_labels(
    metric: str, label: ArrayLike, score: ArrayLike, threshold: float | Floats
) -> Value:
    labels, scores = checked_labels(label, score)
    support = tuple(labels.sum(axis=0).tolist())
    if find(metric).kind != "ranking" and not are_probabilities(scores):
        nothing = (np.nan,) * scores.shape[1] if metric in multilabel.MACRO else ()
        return Value(np.nan, nothing, frozenset({"NONPROBABILITY"}), support)
    rows = Rows(labels, scores, decide_labels(scores, threshold))
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
    if rows.is_multi_label:
        return _each_of_labels(metric, rows, members)
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


def _each_of_labels(metric: str, rows: Rows, members: Weights) -> list[Value]:
    definition = find(metric)
    each = _per_label(metric, rows, members) if metric in multilabel.MACRO else None  # (L, G)
    values = value_of(metric, rows, members) if each is None else multilabel.macro(metric, each)
    support = (rows.label.T @ members).astype(np.int64)  # (L, G)
    absent = members.sum(axis=0).astype(np.int64) - support  # (L, G)
    both = np.minimum(support, absent) if each is not None else support.sum(axis=0, keepdims=True)
    clipped = np.zeros(members.shape[1])
    if metric == "log-loss":
        clipped = multilabel.per_label(proper.clipped, rows, members).sum(axis=0)
    return [
        Value(
            value=value,
            per_class=() if each is None else tuple(each[:, number].tolist()),
            codes=frozenset(_codes(definition, value, tuple(both[:, number].tolist()))),
            support=tuple(support[:, number].tolist()),
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

    Raises
    ------
    ScoreError
        If the metric has no meaning for such rows.
    """
    fault = why_not(metric, is_multi_label=rows.is_multi_label)
    if fault:
        raise ScoreError(fault)
    if metric in multilabel.TOGETHER:
        return multilabel.TOGETHER[metric](rows, weights)
    if rows.is_multi_label:
        return multilabel.macro(metric, _per_label(metric, rows, weights))
    return _VALUE[metric](rows, weights)


def _per_label(metric: str, rows: Rows, weights: Weights) -> Floats:
    return multilabel.per_label(_VALUE[metric], rows, weights)  # (L, B)


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


def checked_labels(label: ArrayLike, score: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (N, L) of 0 and 1 as int64 and scores (N, L) as float64, if they fit.

    Raises
    ------
    ScoreError
        If they do not, or a score is not finite.
    """
    labels, scores = np.asarray(label), np.asarray(score, dtype=np.float64)
    if labels.shape != scores.shape or scores.ndim != 2 or not scores.size:  # noqa: PLR2004  # a table
        raise ScoreError(
            f"labels of shape {labels.shape} and scores of shape {scores.shape}: expected (N, L) "
            "for both, with a column for each label"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ScoreError("labels other than 0 and 1; expected 1 where a bag has the label")
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if broken.size:
        raise ScoreError(f"rows {broken[:5].tolist()} have a NaN or infinite score")
    return labels.astype(np.int64), scores


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
