"""What the rows of a method say about its experiment: repeats, folds, seeds and patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from milbench.metrics import Predictions
    from milbench.metrics.rows import Integers
    from milbench.stats.codes import Code

# Below these the patient-level test rejected a true null in 7 to 12 % of simulated experiments,
# instead of 5 %: linear methods of equal strength, one run or 30 against 70 patients.
ENOUGH_REPLICAS: Final = 3
ENOUGH_PATIENTS: Final = 50
ENOUGH_FOLDS: Final = 5


class Run(NamedTuple):
    """One run, by its place in a dense grid of repeats, folds and seeds.

    A seed is numbered within its repeat, so that a new seed in each repeat is one seed a repeat.
    """

    repeat: int
    fold: int
    seed: int
    positions: Integers


@dataclass(frozen=True, slots=True)
class Design:
    """How an experiment was replicated.

    Parameters
    ----------
    repeats, folds, seeds
        Repeats, most folds of a repeat, and fewest seeds of a repeat.
    test_share
        Test bags of a fold over the other bags, n_test / n_train: 1 / (k - 1) for k folds.
        Infinite when every fold tests every bag that is known.
    one_split
        Whether all runs test the same bags.
    same_folds
        Whether there are several repeats, all with the same folds, so that they are only seeds.
    smallest_class
        Patients with a bag of the class that has the fewest; of labels, with a bag that has, or
        has not, the label for which these are fewest.
    """

    repeats: int
    folds: int
    seeds: int
    test_share: float
    one_split: bool
    same_folds: bool
    smallest_class: int

    @property
    def codes(self) -> frozenset[Code]:
        """Return the status codes that follow from the design alone."""
        codes: set[Code] = set()
        if max(self.repeats, self.seeds) < ENOUGH_REPLICAS:
            codes.add("SINGLE_RUN")
        if self.one_split and max(self.repeats, self.seeds) > 1:
            codes.add("SEED_ONLY_REPLICATION")
        if self.smallest_class < ENOUGH_PATIENTS:
            codes.add("FEW_PATIENTS")
        return frozenset(codes)

    @property
    def patients_may_claim(self) -> bool:
        """Return whether the patient-level test alone may call a difference significant."""
        return not self.codes


def runs_of(predictions: Predictions) -> tuple[Run, ...]:
    """Return the runs of a method, with repeats, folds and seeds numbered from 0."""
    found = list(predictions.runs())
    folds: dict[int, set[int]] = {}
    seeds: dict[int, set[int]] = {}
    for repeat, fold, seed, _ in found:
        folds.setdefault(repeat, set()).add(fold)
        seeds.setdefault(repeat, set()).add(seed)
    number = {repeat: n for n, repeat in enumerate(sorted(folds))}
    return tuple(
        Run(
            number[repeat],
            sorted(folds[repeat]).index(fold),
            sorted(seeds[repeat]).index(seed),
            positions,
        )
        for repeat, fold, seed, positions in found
    )


def design_of(predictions: Predictions) -> Design:
    """Return how the experiment behind the rows was replicated."""
    runs = runs_of(predictions)
    repeats = 1 + max(run.repeat for run in runs)
    seeds = [1 + max(run.seed for run in runs if run.repeat == r) for r in range(repeats)]
    tested = [
        {frozenset(predictions.bag[run.positions]) for run in runs if run.repeat == r}
        for r in range(repeats)
    ]
    n_test = len(predictions) / len(runs)
    others = len(np.unique(predictions.bag)) - n_test
    return Design(
        repeats=repeats,
        folds=1 + max(run.fold for run in runs),
        seeds=min(seeds),
        test_share=n_test / others if others > 0 else float("inf"),
        one_split=len(set().union(*tested)) == 1,
        same_folds=repeats > 1 and all(folds == tested[0] for folds in tested),
        smallest_class=_smallest_class(predictions),
    )


def patients_by_class(predictions: Predictions) -> tuple[int, ...]:
    """Return how many patients have a bag of each class, or with each label."""
    return tuple(
        len(np.unique(predictions.patient[predictions.has(c)]))
        for c in range(predictions.n_classes)
    )


def _smallest_class(predictions: Predictions) -> int:
    fewest = min(patients_by_class(predictions))
    if not predictions.is_multi_label:
        return fewest
    without = (
        len(np.unique(predictions.patient[~predictions.has(label)]))
        for label in range(predictions.n_classes)
    )
    return min(fewest, *without)
