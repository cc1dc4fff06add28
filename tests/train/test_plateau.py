"""The rate that falls on a plateau of the training loss."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from milbench import Aggregator, Bag, Output, Recipe
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.plateau import Plateau
from milbench.train.resident import Resident
from milbench.train.stacked_optim import cannot_stack

RECIPE = Recipe(optimizer="sgd", lr=1.0, weight_decay=0.0, schedule="plateau", select="last")


@given(
    losses=st.lists(st.sampled_from([0.5, 0.6, 0.99995, 1.0, 1.5, 2.0]), max_size=60),
    final_lr=st.sampled_from([0.0, 0.03]),
)
def test_every_rate_is_that_of_torch(losses, final_lr):
    """ReduceLROnPlateau with factor 0.1 and patience 5, for any losses."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.1, patience=5, min_lr=final_lr
    )
    ours = Plateau(replace(RECIPE, final_lr=final_lr))
    for loss in losses:
        ours.take(loss)
        theirs.step(loss)

        assert ours.rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


class Climbs(nn.Module):
    """Its loss is its weight, and every step adds the learning rate to that."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, bag: Bag) -> Output:
        return Output(logits=torch.stack([0.0 * self.weight, 0.01 * self.weight]))

    def loss(self, output, label, context):
        return 2.0 * self.weight.detach() - self.weight


def test_a_training_without_progress_slows_down():
    """Epoch 0 is the best; after epochs 1 to 6 a tenth: 7 x 12 steps of 1, then 12 of 0.1."""
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "toy"),
        args={},
        recipe=replace(RECIPE, epochs=8),
        standardise=False,
        threshold="half",
        settings="",
    )
    data = Resident(torch.zeros(14, 1), tuple(range(15)), None, (0, 1) * 7, 2)
    part = Part(train=np.arange(12), val=np.array([12]), test=np.array([13]))
    record = Aggregator(name="climbs", target=Climbs, summary="test")

    outcome = train_run(Run(cell, 0, 0, 0, ""), record, data, part)

    expected = 1.0 / (1.0 + np.exp(-0.01 * (84 + 1.2)))
    assert outcome.test[0, 1] == pytest.approx(expected, rel=1e-6)


def test_such_runs_are_not_stacked():
    """Each replica would need a rate of its own."""
    assert "training loss" in cannot_stack(replace(RECIPE, optimizer="adam"))
