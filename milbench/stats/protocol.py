"""Which test answers which question, and which ones are refused: the decision table as data.

From facts of a design to procedures, without a number of any result, so that the choice of a test
cannot depend on what it would say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from milbench.errors import StatisticsError
from milbench.stats.delong import ENOUGH_PATIENTS as ENOUGH_FOR_DELONG
from milbench.stats.design import ENOUGH_FOLDS, ENOUGH_PATIENTS, ENOUGH_REPLICAS
from milbench.stats.signed_rank import fewest_cohorts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Role = Literal["claims", "confirms", "shown", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a study before its results.

    Parameters
    ----------
    methods
        How many are compared.
    repeats, folds, seeds
        Splits, folds of a split, trainings of a fold.
    one_split
        Whether all runs test the same bags.
    smallest_class
        Patients of the class that has the fewest.
    several_bags
        Whether a patient has more than one bag.
    metric, n_classes
        Of the data set.
    is_multi_label
        Whether bags may have several of the ``n_classes`` labels.
    """

    methods: int = 2
    repeats: int
    folds: int
    seeds: int
    one_split: bool
    smallest_class: int
    several_bags: bool
    metric: str
    n_classes: int
    is_multi_label: bool = False

    @property
    def has_two_classes(self) -> bool:
        """Return whether every bag is of one of two classes."""
        return self.n_classes == 2 and not self.is_multi_label  # noqa: PLR2004  # two classes


class Procedure(NamedTuple):
    """One test and what it may do.

    Parameters
    ----------
    role
        ``claims``: alone it may call a difference significant; ``confirms``: together with P;
        ``shown``: its interval is given, without a claim; ``refused``: no p is computed.
    codes
        Why it claims nothing.
    """

    test: str
    role: Role
    reason: str
    codes: frozenset[str] = frozenset()


class Refusal(NamedTuple):
    """A test that is not offered: how often it was wrong, and what to use."""

    why: str
    instead: str
    code: str


# How often each rejected a true null at 0.05: equal learners, simulated by
# benchmarks/statistics/calibration.py.
REFUSED: Final[Mapping[str, Refusal]] = {
    "t over folds": Refusal(
        "training sets of folds overlap; wrong in up to 52 % of studies with repeats", "T", ""
    ),
    "Wilcoxon over folds": Refusal(
        "training sets of folds overlap; wrong in up to 51 % of studies with repeats", "T", ""
    ),
    "t over repeats": Refusal(
        "repeats share all patients; wrong in up to 78 % of studies", "P", ""
    ),
    "t over seeds": Refusal(
        "seeds of one split share all patients; wrong in 28 % of studies",
        "P over repeats with new splits",
        "SEED_ONLY_REPLICATION",
    ),
    "Friedman over folds": Refusal(
        "folds are no independent blocks", "signed rank over cohorts", ""
    ),
    "DeLong over pooled folds": Refusal(
        "folds come from several models on several scales", "P", "POOLED_MODELS"
    ),
    "cells as data sets": Refusal(
        "encoders of one cohort share its patients", "the mean over a cohort", "SHARED_COHORT"
    ),
    "Nemenyi": Refusal(
        "its verdict on two methods depends on the others", "signed rank with Holm", ""
    ),
}


def refuse(test: str) -> StatisticsError:
    """Return the error that a call for a refused test ends with.

    Raises
    ------
    StatisticsError
        If the test is not a refused one.
    """
    if test not in REFUSED:
        raise StatisticsError(f"no refused test {test!r}; there are: {', '.join(REFUSED)}")
    why, instead, code = REFUSED[test]
    return StatisticsError(f"{code + ': ' if code else ''}{test}: {why}; use {instead}")


def on_one_data_set(facts: Facts) -> tuple[Procedure, ...]:
    """Return the procedures for one data set, the one that decides first."""
    if facts.one_split and max(facts.repeats, facts.seeds) == 1:
        return tuple(_fixed_models(facts))
    if facts.one_split:
        code = frozenset({"SEED_ONLY_REPLICATION"})
        why = "seeds of one split: these trained models on new patients, not the methods"
        return (
            Procedure("P", "shown", why, code),
            Procedure("T", "refused", REFUSED["t over seeds"].why, code),
        )
    return tuple(_resampled(facts))


def over_cohorts(cohorts: int, methods: int, *, versus_control: bool = False) -> Procedure:
    """Return what may be said of methods in general, from so many independent cohorts."""
    code = frozenset({"MIN_P_UNREACHABLE"})
    needed = fewest_cohorts(methods, versus_control=versus_control)
    if cohorts >= needed:
        return Procedure("signed rank", "claims", "exact, Holm over the pairs")
    if cohorts >= fewest_cohorts(2):
        why = f"no p could survive Holm: {needed} cohorts are needed for {methods} methods"
        return Procedure("signed rank", "shown", why, code)
    if cohorts >= 3:  # noqa: PLR2004  # the fewest with a mean over them
        why = f"{cohorts} of {needed} cohorts: a mean over these cohorts, no test in general"
        return Procedure("random effects", "shown", why, code)
    why = "one cohort says" if cohorts == 1 else f"{cohorts} cohorts say"
    return Procedure("signed rank", "refused", f"{why} nothing of methods in general", code)


def _fixed_models(facts: Facts) -> Iterator[Procedure]:
    few = facts.smallest_class < ENOUGH_FOR_DELONG
    if facts.metric == "auroc" and facts.has_two_classes:
        name = "Obuchowski" if facts.several_bags else "DeLong"
        why = f"{facts.smallest_class} patients in the smaller class, {ENOUGH_FOR_DELONG} needed"
        if few:
            yield Procedure("rank swap", "claims", "exact for these models and patients")
            yield Procedure(name, "shown", why, frozenset({"FEW_PATIENTS"}))
        else:
            yield Procedure(name, "claims", "two fixed models on one test set")
            yield Procedure("rank swap", "confirms", "exact for these models and patients")
    elif facts.metric == "accuracy" and not facts.several_bags:
        yield Procedure("McNemar", "claims", "two fixed models on one test set, exact")
    code = frozenset({"SINGLE_RUN"})
    yield Procedure("P", "shown", "one run: these trained models on new patients", code)


def _resampled(facts: Facts) -> Iterator[Procedure]:
    replicas = max(facts.repeats, facts.seeds)
    codes: set[str] = set()
    if replicas < ENOUGH_REPLICAS:
        codes.add("SINGLE_RUN")
    if facts.smallest_class < ENOUGH_PATIENTS:
        codes.add("FEW_PATIENTS")
    if codes:
        why = (
            f"{replicas} of {ENOUGH_REPLICAS} repeats or seeds, {facts.smallest_class} of "
            f"{ENOUGH_PATIENTS} patients in the smallest class"
        )
        yield Procedure("P", "shown", why, frozenset(codes))
    else:
        yield Procedure("P", "claims", "methods as trained here, on new patients")
    runs = facts.repeats * facts.folds
    if runs < ENOUGH_FOLDS:
        why = f"{runs} of {ENOUGH_FOLDS} test folds"
        yield Procedure("T", "refused", why, frozenset({"TOO_FEW_FOLDS"}))
    else:
        yield Procedure("T", "confirms", "methods on new training sets of this size")
