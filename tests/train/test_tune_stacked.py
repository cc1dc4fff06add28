"""Trials of tuned runs trained side by side choose what they choose one after the other."""

from functools import partial

import numpy as np
import pytest
import torch

from milbench import Recipe
from milbench.jobs import Cell, Run
from milbench.search import Tuning
from milbench.splits import Part
from milbench.train.resident import Resident
from milbench.train.tune import tune_run, tune_runs
from milbench.train.tune_stacked import fit_all_stacked
from milbench_aggregators import milbench_aggregators

BAGS, DIM = 24, 6
ABMIL = {record.name: record for record in milbench_aggregators()}["abmil"]
TRIALS = (
    {"lr": 0.001},
    {"lr": 0.03, "weight_decay": 0.1},
    {"lr": 0.01, "dropout": 0.5},  # another network: a stack of its own
    {"lr": 0.001, "weight_decay": 0.1},
)


@pytest.fixture(autouse=True)
def one_thread():
    """Train as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data() -> Resident:
    """Return bags of 1 to 6 instances that tell their label with some noise."""
    generator = torch.Generator().manual_seed(1)
    sizes = [1 + b % 6 for b in range(BAGS)]
    labels = tuple(b % 2 for b in range(BAGS))
    x = torch.randn(sum(sizes), DIM, generator=generator) * 2.0 + 3.0
    x[:, 0] += torch.tensor(labels).repeat_interleave(torch.tensor(sizes))
    return Resident(x, (0, *np.cumsum(sizes).tolist()), None, labels, 2)


def part(fold: int) -> Part:
    bags = np.arange(BAGS)
    rest = np.random.default_rng(fold).permutation(bags[bags % 4 != fold])
    return Part(train=np.sort(rest[5:]), val=np.sort(rest[:5]), test=bags[bags % 4 == fold])


def runs() -> list[Run]:
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "toy"),
        args={"hidden": (16,), "dropout": 0.25},
        recipe=Recipe(lr=0.01, epochs=6, patience=1),
        standardise=True,
        threshold="half",
        settings="",
        tuning=Tuning(space={}, trials=({}, *TRIALS)),
    )
    return [Run(cell, 0, fold, 0, "") for fold in range(4)]


def test_stacked_trials_end_as_trials_trained_one_after_the_other():
    """All validation losses, stops and choices of 4 runs x 5 trials agree, and so do the tests."""
    fit = partial(fit_all_stacked, record=ABMIL, data=data())
    found = tune_runs(runs(), ABMIL, data(), [part(run.fold) for run in runs()], fit)

    for run, outcome in zip(runs(), found, strict=True):
        alone = tune_run(run, ABMIL, data(), part(run.fold))
        assert outcome.fitted.engine == "stacked"
        assert alone.fitted.engine == "sequential"
        assert outcome.chosen == alone.chosen
        for mine, other in zip(outcome.trials, alone.trials, strict=True):
            assert mine.epochs == other.epochs
            assert mine.validation_loss == pytest.approx(other.validation_loss, abs=1e-5)
        np.testing.assert_allclose(outcome.test, alone.test, atol=1e-4)
    assert len({outcome.chosen for outcome in found}) > 1  # else the choice would prove little
