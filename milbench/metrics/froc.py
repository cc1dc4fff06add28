"""FROC: how many lesions are found at how many false positives per slide (Camelyon16).

A lesion is found at a threshold when its best score reaches it; false positives are counted over
all slides, normal ones too. Sensitivity is read at 1/4, 1/2, 1, 2, 4 and 8 false positives per
slide, once as the best that does not exceed the rate, and once by linear interpolation between
operating points, as common evaluation code does. The official script leaves the lowest threshold
out; here it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.errors import ScoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.metrics.rows import Floats, Weights

LEVELS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ENOUGH_LESIONS: Final = 15


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found on one slide.

    Parameters
    ----------
    lesions
        The best score inside each lesion that counts; None where nothing was found there.
        Isolated tumour cells are neither lesions nor false positives.
    false_positives
        Scores of the findings outside all lesions.
    """

    bag: str
    patient: str
    lesions: tuple[float | None, ...] = ()
    false_positives: tuple[float, ...] = ()


class Curve(NamedTuple):
    """Operating points in each of B weightings of the slides, strictest first, (G, B) each."""

    false_positives: Floats
    sensitivity: Floats


class Froc(NamedTuple):
    """Sensitivity at the six rates and its mean.

    Parameters
    ----------
    interpolated, step : (6,)
        At each of ``LEVELS``.
    mean
        Of the interpolated ones: the score of Camelyon16.
    codes
        ``FEW_UNITS`` with fewer than 15 lesions, ``FOLD_MISSING_CLASS`` with none.
    """

    interpolated: tuple[float, ...]
    step: tuple[float, ...]
    mean: float
    mean_step: float
    codes: frozenset[str]


def froc(slides: Sequence[Detections]) -> Froc:
    """Return the sensitivities of all slides together.

    Raises
    ------
    ScoreError
        If there are no slides, or a score is not finite.
    """
    curve = trace(slides, np.ones((len(slides), 1)))
    interpolated, step = _interpolated(curve)[:, 0], _stepped(curve)[:, 0]
    lesions = sum(len(slide.lesions) for slide in slides)
    codes = {"FEW_UNITS"} if lesions < ENOUGH_LESIONS else set()
    codes |= set() if lesions else {"FOLD_MISSING_CLASS"}
    return Froc(
        tuple(interpolated.tolist()),
        tuple(step.tolist()),
        float(interpolated.mean()),
        float(step.mean()),
        frozenset(codes),
    )


def mean_sensitivity(slides: Sequence[Detections], weights: Weights) -> Floats:
    """Return the mean interpolated sensitivity, (B,); the bootstrap over patients calls this.

    Parameters
    ----------
    weights : (slides, B)
        How often each slide counts.

    Returns
    -------
    (B,)
        NaN where no slide with a lesion counts.
    """
    return np.asarray(_interpolated(trace(slides, weights)).mean(axis=0))


def trace(slides: Sequence[Detections], weights: Weights) -> Curve:
    """Return the operating points: above all scores, then at each distinct score.

    Parameters
    ----------
    weights : (slides, B)
        How often each slide counts.
    """
    found = [[score for score in slide.lesions if score is not None] for slide in slides]
    _check(slides, found)
    every = np.unique([s for slide in found for s in slide]
                      + [s for slide in slides for s in slide.false_positives])  # fmt: skip
    thresholds = np.concatenate([[np.inf], every[::-1]])  # (G,)
    hits = np.array([_reached(scores, thresholds) for scores in found])  # (slides, G)
    alarms = np.array([_reached(slide.false_positives, thresholds) for slide in slides])
    lesions = np.array([len(slide.lesions) for slide in slides], dtype=np.float64) @ weights  # (B,)
    total = weights.sum(axis=0)
    sensitivity = np.full((len(thresholds), weights.shape[1]), np.nan)
    np.divide(hits.T @ weights, lesions, out=sensitivity, where=lesions > 0)
    return Curve(np.asarray(alarms.T @ weights / np.where(total > 0, total, np.nan)), sensitivity)


def _reached(scores: Sequence[float], thresholds: Floats) -> Floats:
    """Return how many scores reach each threshold, (G,)."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    return len(ordered) - np.searchsorted(ordered, thresholds, side="left").astype(np.float64)


def _interpolated(curve: Curve) -> Floats:
    """Return the sensitivity at each level between operating points, (6, B)."""
    columns = zip(curve.false_positives.T, curve.sensitivity.T, strict=True)
    return np.stack([np.interp(LEVELS, rate, hit) for rate, hit in columns], axis=1)


def _stepped(curve: Curve) -> Floats:
    """Return the best sensitivity that does not exceed each level, (6, B)."""
    allowed = curve.false_positives[None] <= np.array(LEVELS)[:, None, None]  # (6, G, B)
    return np.asarray(np.where(allowed, curve.sensitivity[None], 0.0).max(axis=1))


def _check(slides: Sequence[Detections], found: Sequence[Sequence[float]]) -> None:
    if not slides:
        raise ScoreError("FROC of no slides: expected all slides of the test set, normal ones too")
    for slide, scores in zip(slides, found, strict=True):
        if not np.isfinite([*scores, *slide.false_positives]).all():
            raise ScoreError(
                f"bag {slide.bag!r}: a finding has a NaN or infinite score; "
                "write None for a lesion that was missed"
            )
