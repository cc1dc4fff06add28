"""Both levels of a run: who answers for the coarse one, and what reaches a method."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, Levels, Output, Recipe
from milbench.errors import TrainingError
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run, unsuitable
from milbench.train.resident import Resident

LEVELS = Levels(name="tree", coarse=("low", "high"), parents=(0, 0, 1))
NAMES = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
CELL = Cell(
    **dict.fromkeys(NAMES, "toy"),
    args={},
    recipe=Recipe(epochs=1, patience=0),
    standardise=False,
    threshold="half",
    settings="",
    levels=LEVELS,
)
PART = Part(train=np.arange(0, 6), val=np.arange(6, 9), test=np.arange(9, 12))


def data():
    """Return 12 bags of one instance, which shows the number of its bag."""
    x = torch.arange(12.0)[:, None]
    return Resident(x, tuple(range(13)), None, (0, 1, 2) * 4, 3)


def trained(target, cell=CELL, **fields):
    record = Aggregator(name="says", target=target, summary="test", **fields)
    return train_run(Run(cell, 0, 0, 0, ""), record, data(), PART)


class Flat(nn.Module):
    """Gives its three classes 1/6, 1/3 and 1/2, whatever it is shown."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(()))

    def logits(self):
        return torch.tensor([1.0, 2.0, 3.0]).log() + 0.0 * self.idle

    def forward(self, bag: Bag) -> Output:
        return Output(self.logits())


class Own(Flat):
    """Says the opposite at the coarse level."""

    said: ClassVar[list[float]] = [3.0, 1.0]

    def forward(self, bag: Bag) -> Output:
        return Output(self.logits(), coarse=torch.tensor(self.said).log())


def test_a_flat_method_has_the_sums_of_its_probabilities():
    """1/6 + 1/3 below the first coarse class, 1/2 below the second, of every bag."""
    coarse = trained(Flat).coarse

    assert coarse.source == "sum"
    np.testing.assert_allclose(coarse.test, [[0.5, 0.5]] * 3)
    np.testing.assert_allclose(coarse.valid, [[0.5, 0.5]] * 3)


def test_a_head_of_its_own_is_heard():
    """Softmax of its coarse logits; the fine level is as it was."""
    outcome = trained(Own)

    assert outcome.coarse.source == "head"
    np.testing.assert_allclose(outcome.coarse.test, [[0.75, 0.25]] * 3)
    np.testing.assert_allclose(outcome.test, [[1 / 6, 1 / 3, 1 / 2]] * 3)


def test_one_level_has_no_coarse_answers():
    """A data set without a tree is as before."""
    assert trained(Flat, replace(CELL, levels=None)).coarse is None


class Wide(Own):
    said: ClassVar[list[float]] = [1.0, 1.0, 1.0]


class Endless(Own):
    said: ClassVar[list[float]] = [float("inf"), 1.0]


class Sometimes(Own):
    def forward(self, bag: Bag) -> Output:
        own = super().forward(bag)
        return own if float(bag.x[0, 0]) < 11 else Output(self.logits())


@pytest.mark.parametrize(
    ("target", "levels", "says"),
    [
        (Wide, LEVELS, r"coarse logits of shape \(3,\), expected \(2,\)"),
        (Own, None, r"expected \(0,\): the data set has one level"),
        (Endless, LEVELS, "a prediction is not finite"),
        (Sometimes, LEVELS, "coarse logits for 2 of 3 bags; give all or none"),
    ],
)
def test_a_broken_coarse_answer_is_told(target, levels, says):
    """As a broken fine one is."""
    with pytest.raises(TrainingError, match=says):
        trained(target, replace(CELL, levels=levels))


class Ramp(Flat):
    """Its coarse probability of "high" grows with the number of the bag."""

    def forward(self, bag: Bag) -> Output:
        high = bag.x[0, 0] / 16
        return Output(self.logits(), coarse=torch.stack([1 - high, high]).log())


def test_two_coarse_classes_have_a_threshold_of_their_own():
    """Bags 6, 7 and 8 validate; 8 alone is high: the cut lies between 7/16 and 8/16."""
    outcome = trained(Ramp, replace(CELL, threshold="validation"))

    assert outcome.threshold == 0.5  # three fine classes have none
    assert outcome.coarse.threshold == pytest.approx(7.5 / 16)


class Told(Flat):
    seen: ClassVar[list[tuple[int, ...]]] = []

    def __init__(self, in_dim: int, n_classes: int, parents: tuple[int, ...]) -> None:
        super().__init__(in_dim, n_classes)
        Told.seen.append(parents)

    def loss(self, output, label, context):
        Told.seen.append(context.parents)
        return nn.functional.cross_entropy(output.logits, label)


def test_the_tree_reaches_the_constructor_and_the_loss():
    """Once when the model is built, and in every step."""
    Told.seen.clear()
    trained(Told, needs=frozenset({"levels"}))

    assert Told.seen == [LEVELS.parents] * (1 + 6)


def test_without_levels_a_method_that_needs_them_is_refused():
    """With the reason, before anything is trained."""
    record = Aggregator(name="deep", target=Told, summary="s", needs=frozenset({"levels"}))

    assert "deep needs a label hierarchy; this data set has one level" in unsuitable(record, data())
    assert unsuitable(record, data(), LEVELS.parents) == ""


def test_the_tree_names_a_result_and_its_labels_do_not():
    """Another tree is another question; without one, names are as before there were any."""
    renamed = replace(LEVELS, name="other", coarse=("a", "b"), source="elsewhere")
    moved = replace(LEVELS, parents=(0, 1, 1))
    digests = [replace(CELL, levels=levels).digest for levels in (LEVELS, renamed, moved, None)]

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
