"""From bags to patients: one row a patient, where the question is about patients.

How a patient's bags are put together belongs to the data set, not to a method: ``max`` for "any
slide shows it", ``mean`` for an average opinion.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics.predictions import grouped, joined

if TYPE_CHECKING:
    from milbench.metrics.predictions import Predictions
    from milbench.metrics.rows import Floats

Rule = Literal["max", "mean"]


def by_patient(predictions: Predictions, rule: Rule) -> Predictions:
    """Return one row for each patient of each run; the patient takes the place of the bag.

    Parameters
    ----------
    rule
        ``max``, for two classes: the patient is positive if any bag is, and has the largest
        probability of class 1; for several labels the same of each. ``mean``: bags share one
        label, or set of labels, and probabilities are averaged.

    Raises
    ------
    ScoreError
        If ``max`` is asked for more than two classes, or ``mean`` where a patient has bags of
        several classes.
    """
    p = predictions
    has_largest = p.is_multi_label or p.n_classes == 2  # noqa: PLR2004  # of what, with more
    if rule == "max" and not has_largest:
        raise ScoreError(f"'max' over the bags of a patient with {p.n_classes} classes: use 'mean'")
    owner = np.unique(p.patient, return_inverse=True)[1]
    parts = list(grouped(joined(p.repeat, p.fold, p.seed, owner)))
    first = np.array([positions[0] for positions in parts])
    mixed = [str(p.patient[at[0]]) for at in parts if np.ptp(p.label[at], axis=0).any()]
    if rule == "mean" and mixed:
        raise ScoreError(
            f"patients {mixed[:5]} have bags of several classes: their mean has no label; "
            "use 'max', or give the data set a label a patient"
        )
    table = p.take(first)
    label = np.array([p.label[at].max(axis=0) for at in parts])
    joined_score = _joined_labels if p.is_multi_label else _joined_score
    score = np.stack([joined_score(p.score[at], rule) for at in parts])
    return replace(table, bag=table.patient, label=label, score=score)


def _joined_score(score: Floats, rule: Rule) -> Floats:
    """Return the score of a patient, (C,), from those of the bags, (n, C)."""
    return np.asarray(score[score[:, 1].argmax()] if rule == "max" else score.mean(axis=0))


def _joined_labels(score: Floats, rule: Rule) -> Floats:
    """Return the score of each label of a patient, (L,), from those of the bags, (n, L)."""
    return np.asarray(score.max(axis=0) if rule == "max" else score.mean(axis=0))
