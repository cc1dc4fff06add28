"""A method that joins bags: which it gets in a step, and what the engine does with its loss."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, Output, Recipe
from milbench.errors import TrainingError
from milbench.jobs import Cell, Run
from milbench.seeds import seed
from milbench.splits import Part
from milbench.train import sequential
from milbench.train.engine import train_run
from milbench.train.protocol import epoch_order, steps_of
from milbench.train.resident import Resident, fit_scaler

BAGS = 16
PART = Part(train=np.arange(0, 9), val=np.arange(9, 12), test=np.arange(12, BAGS))
NAMES = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
CELL = Cell(
    **dict.fromkeys(NAMES, "toy"),
    args={},
    recipe=Recipe(optimizer="sgd", lr=0.05, weight_decay=0.0, epochs=2, select="last"),
    standardise=True,
    threshold="half",
    settings="",
)
RUN = Run(CELL, 0, 0, 0, "")


def data() -> Resident:
    """Return 16 bags of 3 instances, every third of them positive."""
    x = torch.randn(3 * BAGS, 4, generator=torch.Generator().manual_seed(0))
    labels = tuple(int(b % 3 == 0) for b in range(BAGS))
    return Resident(x, tuple(range(0, 3 * BAGS + 1, 3)), None, labels, 2)


class Trios(nn.Module):
    """Takes three bags a step, the last ones first, and leaves out what does not fill a trio."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0)))

    def join(self, labels):
        places = range(len(labels) - 1, 1, -3)
        return [(place, place - 1, place - 2) for place in places]

    def loss(self, outputs, labels, context):
        logits = torch.stack([output.logits for output in outputs])
        weight = torch.tensor([1.0, context.class_counts[0] / context.class_counts[1]])
        spread = logits[:, 1].max() - logits[:, 1].min()
        return nn.functional.cross_entropy(logits, torch.stack(labels), weight=weight) + spread


def record(target: type) -> Aggregator:
    return Aggregator(name="trios", target=target, summary="test")


def test_one_bag_a_step_where_nothing_is_joined():
    """The order of the epoch, bag by bag."""
    assert steps_of(nn.Linear(1, 1), np.array([3, 1, 2]), {}) == [[3], [1], [2]]


def test_places_in_the_order_become_bags():
    """A method sees labels in the order of the epoch and names places in it, not bags."""

    class Seen(Trios):
        seen: ClassVar[list[int]] = []

        def join(self, labels):
            Seen.seen = labels
            return [(0, 2), (1,)]

    steps = steps_of(Seen(1, 2), np.array([30, 10, 20]), {10: 0, 20: 1, 30: 1})

    assert Seen.seen == [1, 0, 1]
    assert steps == [[30, 20], [10]]


def test_training_on_joined_bags_equals_a_loop_written_by_hand():
    """Two epochs with SGD: the bags, their labels and the whole context reach the loss."""
    outcome = train_run(RUN, record(Trios), data(), PART)

    bags = fit_scaler(data(), PART.train)(data().x).reshape(BAGS, 3, 4).mean(dim=1)
    with torch.random.fork_rng():
        torch.manual_seed(seed("train", *RUN.names))
        model = Trios(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        order = epoch_order(BAGS, PART.train, "toy", 0, 0, epoch)[::-1]
        for trio in (order[0:3], order[3:6], order[6:9]):
            optimizer.zero_grad()
            logits = model.head(bags[trio.copy()])
            labels = torch.tensor([int(b % 3 == 0) for b in trio])
            weight = torch.tensor([1.0, 2.0])  # six of nine training bags are negative
            loss = nn.functional.cross_entropy(logits, labels, weight=weight)
            (loss + logits[:, 1].max() - logits[:, 1].min()).backward()
            optimizer.step()

    expected = model.head(bags[PART.test]).softmax(dim=1).detach()
    np.testing.assert_allclose(outcome.test, expected.numpy(), rtol=1e-5)
    assert outcome.fitted.engine == "sequential"


class Dropped(Trios):
    def forward(self, bag: Bag) -> Output:
        return Output(
            logits=self.head(self.drop(bag.x).mean(dim=0)), extra=self.drop(torch.ones(64))
        )

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.drop = nn.Dropout(0.5)

    masks: ClassVar[list[torch.Tensor]] = []

    def loss(self, outputs, labels, context):
        Dropped.masks = [output.extra for output in outputs]
        return super().loss(outputs, labels, context)


def test_each_bag_of_a_step_has_dropout_of_its_own():
    """Masks follow from the bag, so that two bags of a step do not share one."""
    train_run(RUN, record(Dropped), data(), PART)
    first, second, third = Dropped.masks

    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_a_step_of_large_bags_is_computed_again_with_the_same_masks(monkeypatch):
    """Keeping outputs only, to save memory, changes no bit of what is learnt."""
    kept = train_run(RUN, record(Dropped), data(), PART)
    monkeypatch.setattr(sequential, "JOINED_VALUES", 35)  # a step of three bags holds 36
    again = train_run(RUN, record(Counted), data(), PART)

    np.testing.assert_array_equal(again.test, kept.test)
    assert Counted.passes == 2 * 2 * 9  # twice for each of nine bags in each of two epochs


class Counted(Dropped):
    passes: ClassVar[int] = 0

    def forward(self, bag: Bag) -> Output:
        Counted.passes += self.training
        return super().forward(bag)


def test_a_method_that_makes_no_step_fails():
    """Nothing would be trained, and the table would not say so."""

    class Nothing(Trios):
        def join(self, labels):
            return []

    with pytest.raises(TrainingError, match="made no step of 9 training bags"):
        train_run(RUN, record(Nothing), data(), PART)
