"""Whether a method finds the right instances: metrics of instance scores, slide by slide.

The value is the mean over slides that have instances of both kinds, because in one ranking of all
instances a few large slides would decide; that pooled value is given beside it. Scores need only
be ordered, and larger must speak for the class: attention that is large where the class is absent
has the wrong sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.errors import ScoreError
from milbench.metrics import ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from milbench.metrics.rows import Floats

ENOUGH_SLIDES: Final = 15  # with instances of both kinds


@dataclass(frozen=True, eq=False)
class InstanceScores:
    """The instances of one slide that have a known label.

    Parameters
    ----------
    bag, patient
        Which slide, and whose.
    positive : (N,) bool
        Whether an instance shows the class.
    score : (N,)
        Larger speaks for the class.

    Raises
    ------
    ScoreError
        If lengths differ, or a score is not finite.
    """

    bag: str
    patient: str
    positive: np.ndarray
    score: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "positive", np.asarray(self.positive, dtype=bool))
        object.__setattr__(self, "score", np.asarray(self.score, dtype=np.float64))
        if self.positive.shape != self.score.shape or self.score.ndim != 1:
            raise ScoreError(
                f"bag {self.bag!r}: {self.positive.size} instance labels and {self.score.size} "
                "scores; expected one score for each labelled instance"
            )
        if not np.isfinite(self.score).all():
            raise ScoreError(f"bag {self.bag!r}: an instance score is NaN or infinite")

    @property
    def is_eligible(self) -> bool:
        """Return whether there are instances of both kinds."""
        return bool(self.positive.any() and not self.positive.all())


class Localisation(NamedTuple):
    """A metric over slides.

    Parameters
    ----------
    value
        Mean over eligible slides; NaN where there is none.
    pooled
        The same metric on all instances of the eligible slides together.
    per_slide
        By bag, eligible slides only.
    codes
        ``FEW_UNITS`` with fewer than 15 eligible slides, ``FOLD_MISSING_CLASS`` with none.
    """

    value: float
    pooled: float
    per_slide: Mapping[str, float]
    codes: frozenset[str]


def auroc(slide: InstanceScores) -> float:
    """Return the AUROC of the instances; ties count one half."""
    return float(ranking.area_under_roc(slide.positive, slide.score, _once(slide))[0])


def average_precision(slide: InstanceScores) -> float:
    """Return the average precision of the instances, in steps."""
    return float(ranking.average_precision(slide.positive, slide.score, _once(slide))[0])


def pointing(slide: InstanceScores) -> float:
    """Return 1 if the instance with the largest score shows the class, else 0.

    Of several with that score the share that does.
    """
    return float(slide.positive[slide.score == slide.score.max()].mean())


def dice(slide: InstanceScores, threshold: float) -> float:
    """Return the overlap of the instances from ``threshold`` upwards with those of the class.

    ``threshold`` is chosen on validation slides.
    """
    chosen = slide.score >= threshold
    return float(2.0 * (chosen & slide.positive).sum() / (chosen.sum() + slide.positive.sum()))


def localise(
    measure: Callable[[InstanceScores], float], slides: Sequence[InstanceScores]
) -> Localisation:
    """Return ``measure`` over the slides that have instances of both kinds.

    Parameters
    ----------
    measure
        Such as :func:`auroc`, or a ``functools.partial`` of :func:`dice`.
    """
    eligible = [slide for slide in slides if slide.is_eligible]
    if not eligible:
        nothing = frozenset({"FEW_UNITS", "FOLD_MISSING_CLASS"})
        return Localisation(float("nan"), float("nan"), {}, nothing)
    per_slide = {slide.bag: measure(slide) for slide in eligible}
    positive: ArrayLike = np.concatenate([slide.positive for slide in eligible])
    together = InstanceScores(
        bag="all",
        patient="all",
        positive=np.asarray(positive),
        score=np.concatenate([slide.score for slide in eligible]),
    )
    few = frozenset({"FEW_UNITS"} if len(eligible) < ENOUGH_SLIDES else ())
    value = sum(per_slide.values()) / len(per_slide)
    return Localisation(value, measure(together), per_slide, few)


def _once(slide: InstanceScores) -> Floats:
    return np.ones((len(slide.score), 1))
