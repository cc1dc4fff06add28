"""How many repeats, or patients, would separate two methods that differ as much as these seem to.

A plan for the next study, never a reason to go on until this one is significant: the number of
repeats belongs into the suite file before the run. The difference seen is taken for the true one,
which is generous to methods that were picked because they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt
from typing import TYPE_CHECKING, Final

from scipy.special import ndtri, stdtrit

from milbench.errors import StatisticsError
from milbench.stats.design import ENOUGH_PATIENTS
from milbench.stats.variation import variation

if TYPE_CHECKING:
    from milbench.stats.bootstrap import Bootstrap

MOST: Final = 1000  # repeats that are looked at
FEWEST: Final = 3  # repeats with which P may claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the next study should show.

    Parameters
    ----------
    alpha
        Of the family.
    power
        Chance to find the difference if it is there.
    pairs
        Comparisons of the family; alpha is divided by them, as in Holm's first step.

    Raises
    ------
    StatisticsError
        If alpha or power are not between 0 and 1, or there are no pairs.
    """

    alpha: float = 0.05
    power: float = 0.8
    pairs: int = 1

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and 0 < self.power < 1 and self.pairs > 0):
            raise StatisticsError(f"{self}: expected alpha and power between 0 and 1, and pairs")

    @property
    def level(self) -> float:
        """Return the alpha of a single pair."""
        return self.alpha / self.pairs


@dataclass(frozen=True, slots=True)
class Seen:
    """What a study found out about a difference.

    Parameters
    ----------
    patient_variance
        Of the difference, over patients; falls with their number.
    repeat_variance
        Of one repeat; NaN where there was one only.
    fold_sd
        Standard deviation of the fold differences, all repeats together.
    folds
        Of a repeat.
    test_share
        n_test / n_train.
    smallest_class
        Patients of the class that has the fewest.
    """

    difference: float
    patient_variance: float
    repeat_variance: float
    fold_sd: float
    patients: int
    repeats: int
    folds: int
    test_share: float
    smallest_class: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be needed; None where no number of repeats is enough.

    Parameters
    ----------
    repeats_p, repeats_t
        Repeats with which P and T would find the difference with the wanted power.
    patients
        Patients with which P would, at the present number of repeats, and as many as its guard
        asks for; None where repeats are the bottleneck.
    detectable
        The smallest difference that P would find with that power, as the study stands.
    least
        The same with endless repeats: what these patients can show at all.
    """

    repeats_p: int | None
    repeats_t: int | None
    patients: int | None
    detectable: float
    least: float


def plan(bootstrap: Bootstrap, a: str, b: str, goal: Goal | None = None) -> Plan:
    """Return what would separate ``a`` from ``b``, from the study at hand."""
    parts = variation(bootstrap, a, b)
    first, second = bootstrap.estimates[a], bootstrap.estimates[b]
    gaps = first.folds - second.folds
    design = bootstrap.design
    seen = Seen(
        difference=first.value - second.value,
        patient_variance=parts.patient,
        repeat_variance=parts.repeat,
        fold_sd=float(gaps.std(ddof=1)) if gaps.size > 1 else float("nan"),
        patients=first.n_patients,
        repeats=design.repeats,
        folds=design.folds,
        test_share=design.test_share,
        smallest_class=design.smallest_class,
    )
    return plan_from(seen, goal)


def plan_from(seen: Seen, goal: Goal | None = None) -> Plan:
    """Return what would show a difference as the goal asks.

    P's normal law: |d| has to be ``z = z(1 - alpha/2) + z(power)`` standard errors. T's law: the
    quantiles of Student's t for both.
    """
    alpha, power = (goal or Goal()).level, (goal or Goal()).power
    z = float(ndtri(1.0 - alpha / 2.0) + ndtri(power))
    repeat = seen.repeat_variance if isfinite(seen.repeat_variance) else 0.0
    return Plan(
        repeats_p=_repeats_of_p(seen, z) if isfinite(seen.repeat_variance) else None,
        repeats_t=_repeats_of_t(seen, alpha, power),
        patients=_patients(seen, z, repeat / seen.repeats),
        detectable=z * sqrt(seen.patient_variance + repeat / seen.repeats),
        least=z * sqrt(seen.patient_variance),
    )


def _repeats_of_p(seen: Seen, z: float) -> int | None:
    room = (seen.difference / z) ** 2 - seen.patient_variance  # what repeats may leave
    wanted = seen.repeat_variance / room if room > 0 else inf
    return max(FEWEST, ceil(wanted)) if wanted <= MOST else None


def _repeats_of_t(seen: Seen, alpha: float, power: float) -> int | None:
    if not (isfinite(seen.fold_sd) and isfinite(seen.test_share)):
        return None
    for repeats in range(1, MOST + 1):
        runs = repeats * seen.folds
        if runs < 2:  # noqa: PLR2004  # one difference has no spread
            continue
        t = float(stdtrit(runs - 1, 1.0 - alpha / 2.0) + stdtrit(runs - 1, power))
        if abs(seen.difference) >= t * seen.fold_sd * sqrt(1.0 / runs + seen.test_share):
            return repeats
    return None


def _patients(seen: Seen, z: float, left: float) -> int | None:
    room = (seen.difference / z) ** 2 - left
    if not (room > 0 and isfinite(seen.patient_variance)):
        return None
    guarded = ceil(seen.patients * ENOUGH_PATIENTS / max(1, seen.smallest_class))
    return max(guarded, ceil(seen.patients * seen.patient_variance / room))
