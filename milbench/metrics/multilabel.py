"""Metrics of bags that may have several labels at once, or none.

Each label is a question of its own with a probability of its own; the probabilities of a bag need
not sum to 1. The mean over labels (macro) is the value, for it does not depend on how common the
labels are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics import ranking
from milbench.metrics.rows import Floats, Weights, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Name = Literal[
    "auroc", "micro-auroc", "average-precision", "f1", "micro-f1", "subset-accuracy", "hamming-loss"
]


@dataclass(frozen=True, eq=False)
class LabelRows:
    """Test bags with L labels each.

    Parameters
    ----------
    label : (N, L) bool
        Which labels a bag has.
    score : (N, L)
        Probability of each label.
    threshold : scalar or (L,)
        From which probability a label is decided for; from validation bags, or 0.5.

    Raises
    ------
    ScoreError
        If shapes differ, or a score is not finite.
    """

    label: np.ndarray
    score: Floats
    threshold: float | Floats = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", np.asarray(self.label, dtype=bool))
        object.__setattr__(self, "score", np.asarray(self.score, dtype=np.float64))
        if self.label.shape != self.score.shape or self.score.ndim != 2 or not self.score.size:  # noqa: PLR2004
            raise ScoreError(
                f"labels of shape {self.label.shape} and scores of shape {self.score.shape}: "
                "expected (N, L) for both, with a column for each label"
            )
        broken = np.flatnonzero(~np.isfinite(self.score).all(axis=1))
        if broken.size:
            raise ScoreError(f"rows {broken[:5].tolist()} have a NaN or infinite score")

    @property
    def decided(self) -> np.ndarray:
        """Return which labels are decided for, (N, L)."""
        return np.asarray(self.score >= self.threshold)


def evaluate(name: Name, rows: LabelRows, weights: Weights | None = None) -> Floats:
    """Return a metric in each of B weightings of the bags.

    Parameters
    ----------
    weights : (N, B)
        How often each bag counts; once, if None.

    Returns
    -------
    (B,)
        NaN where undefined, as the mean AUROC is where a label or its absence never occurs.

    Raises
    ------
    ScoreError
        If there is no such metric.
    """
    if name not in METRICS:
        raise ScoreError(f"no multi-label metric {name!r}; there are: {', '.join(get_args(Name))}")
    return METRICS[name](rows, np.ones((len(rows.label), 1)) if weights is None else weights)


def per_label(measure: ranking.Measure, rows: LabelRows, weights: Weights) -> Floats:
    """Return a ranking metric of each label, (L, B)."""
    columns = zip(rows.label.T, rows.score.T, strict=True)
    return np.stack([measure(label, score, weights) for label, score in columns])


def f1_per_label(rows: LabelRows, weights: Weights) -> Floats:
    """Return F1 of each label, (L, B); NaN for one neither there nor decided for."""
    hits, wrong = _hits(rows, weights)
    return ratio(2.0 * hits, 2.0 * hits + wrong)


def _macro(measure: ranking.Measure) -> Callable[[LabelRows, Weights], Floats]:
    return lambda rows, weights: np.asarray(per_label(measure, rows, weights).mean(axis=0))


def _micro_auroc(rows: LabelRows, weights: Weights) -> Floats:
    repeated = np.repeat(weights, rows.label.shape[1], axis=0)  # (N * L, B)
    return ranking.area_under_roc(rows.label.ravel(), rows.score.ravel(), repeated)


def _f1(rows: LabelRows, weights: Weights) -> Floats:
    found = f1_per_label(rows, weights)  # (L, B)
    defined = ~np.isnan(found)
    return ratio(np.where(defined, found, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))


def _micro_f1(rows: LabelRows, weights: Weights) -> Floats:
    hits, wrong = (part.sum(axis=0) for part in _hits(rows, weights))
    return ratio(2.0 * hits, 2.0 * hits + wrong)


def _subset(rows: LabelRows, weights: Weights) -> Floats:
    right = (rows.decided == rows.label).all(axis=1).astype(np.float64)  # (N,)
    return ratio(right @ weights, weights.sum(axis=0))


def _hamming(rows: LabelRows, weights: Weights) -> Floats:
    wrong = (rows.decided != rows.label).mean(axis=1)  # (N,)
    return ratio(wrong @ weights, weights.sum(axis=0))


def _hits(rows: LabelRows, weights: Weights) -> tuple[Floats, Floats]:
    """Return how often each label was rightly and how often wrongly decided, (L, B) each."""
    hits = (rows.decided & rows.label).astype(np.float64).T @ weights
    return hits, (rows.decided != rows.label).astype(np.float64).T @ weights


METRICS: Final[Mapping[str, Callable[[LabelRows, Weights], Floats]]] = {
    "auroc": _macro(ranking.area_under_roc),
    "micro-auroc": _micro_auroc,
    "average-precision": _macro(ranking.average_precision),
    "f1": _f1,
    "micro-f1": _micro_f1,
    "subset-accuracy": _subset,
    "hamming-loss": _hamming,
}
