"""What may be trained as a stack, and the reason that is told where it may not."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from milbench import Bag, Output, Recipe
from milbench.jobs import Cell
from milbench.train.choice import REPLICAS
from milbench.train.probe import EAGER_REPLICAS, cannot_train_stacked
from milbench.train.resident import Resident
from milbench_aggregators import milbench_aggregators

BUILT_IN = {record.name: record for record in milbench_aggregators()}
# What trains itself has no steps to share, what joins bags no step of one bag; images have no
# features.
NETWORKS = [
    name
    for name, record in BUILT_IN.items()
    if not hasattr(record.load(), "fit")
    and not hasattr(record.load(), "join")
    and "images" not in record.needs
]
# As they come they have more weights than a stack takes on a CPU.
SMALL = {
    "gated-abmil": {"hidden": (256,)},  # 217,474 weights
    "clam-sb": {"hidden": 128, "attention": 64},
    "clam-mb": {"hidden": 128, "attention": 64},
    "transmil": {"width": 32, "heads": 4, "landmarks": 8},
    # Masks of attention, crops by crops, tie a recording to one size.
    "crop-transformer": {"layers": 1, "heads": 2, "hidden": 64, "dropout": 0.0},
    "keras-simple": {"hidden": (64,), "dropout": (0.2,), "attention": 64},
    "keras-simple-sum": {"hidden": (64,), "dropout": (0.2,), "attention": 64},
}
FIELDS = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
CELL = Cell(
    **dict.fromkeys(FIELDS, "toy"),
    args={},
    recipe=Recipe(),
    standardise=True,
    threshold="half",
    settings="",
)


def data(dim: int = 4, rows: int = 1) -> Resident:
    x = torch.zeros(9 * rows, dim)
    return Resident(x, (0, rows, 3 * rows, 9 * rows), None, (0, 1, 0), 2)


class Linear(nn.Module):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0)))


class Waits(Linear):
    def forward(self, bag: Bag) -> Output:
        output = super().forward(bag)
        return output._replace(logits=output.logits * (1.0 + output.logits.sum().item()))


class Draws(Linear):
    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0) + torch.randn(bag.x.shape[1])))


class FunctionalDropout(Linear):
    def forward(self, bag: Bag) -> Output:
        return super().forward(Bag(nn.functional.dropout(bag.x + 0.0 * self.head.bias.sum())))


class Unused(Linear):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.idle = nn.Linear(3, 3)


class Counts(Linear):
    """Keeps a running mean, as batch normalisation does."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.register_buffer("seen", torch.zeros(in_dim))

    def forward(self, bag: Bag) -> Output:
        self.seen = 0.9 * self.seen + 0.1 * bag.x.mean(dim=0)
        return super().forward(bag)


class Weighted(Linear):
    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        weight = torch.tensor(context.class_counts).float()
        return nn.functional.cross_entropy(output.logits, label, weight=weight)


class Tied(Linear):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.again = self.head


class Prepares(Linear):
    def prepare(self, bag: Bag) -> Bag:
        return Bag(bag.x.mean(dim=0, keepdim=True))


class Joins(Linear):
    def join(self, labels: list[int]) -> list[list[int]]:
        return [[0, 1]]


class Wide(Linear):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.more = nn.Linear(500, 500)


def test_every_built_in_network_claims_to_stack_and_nothing_else_does():
    """See ``NETWORKS``."""
    assert [name for name, record in BUILT_IN.items() if record.stackable is True] == NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_every_built_in_network_stacks(name):
    """On bags of the classical size: gradients agree and a step is small."""
    record = BUILT_IN[name]
    args = SMALL.get(name, {})

    def build():
        return record.load()(166, 2, **args)

    assert cannot_train_stacked(CELL, build, data(166, rows=5), REPLICAS) == ""


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Waits, "vmap fails: RuntimeError"),
        (Draws, "vmap fails: RuntimeError"),
        (FunctionalDropout, "vmap fails: RuntimeError"),
        (Unused, r"the parameter idle\.weight gets no gradient"),
        (Counts, "the buffer seen changes in training"),
        (Weighted, r"context\.class_counts differs between the folds"),
        (Tied, "layers share weights"),
        (Joins, "a training step of the method joins several bags"),
        (Wide, "250,510 parameters"),
    ],
)
def test_what_cannot_be_stacked_says_why(target, says):
    """The reason names the cause, so that an author can remove it."""
    reason = cannot_train_stacked(CELL, lambda: target(4, 2), data(), REPLICAS)

    assert re.search(says, reason), reason


def test_a_method_that_prepares_its_bags_stacks():
    """Prepared bags of each fold's own scaling lie side by side."""
    assert cannot_train_stacked(CELL, lambda: Prepares(4, 2), data(), REPLICAS) == ""


def test_wrong_gradients_are_found():
    """A method whose answer under vmap differs from its answer alone is not stacked."""

    class Flips(Linear):
        def forward(self, bag: Bag) -> Output:
            output = super().forward(bag)
            is_stacked = torch._C._functorch.is_functorch_wrapped_tensor(output.logits)
            return output._replace(logits=output.logits * (1.01 if is_stacked else 1.0))

    reason = cannot_train_stacked(CELL, lambda: Flips(4, 2), data(), REPLICAS)

    assert "stacked gradients differ by" in reason
    assert "on a bag of 1 instances" in reason


def test_large_steps_are_not_stacked():
    """150 k parameters on 300 instances are 270 MFLOP a step: 2 * 3 * 300 * 150,000."""
    record = BUILT_IN["abmil"]
    large = data(166, rows=100)
    reason = cannot_train_stacked(CELL, lambda: record.load()(166, 2), large, REPLICAS)

    assert "MFLOP a step" in reason
    assert int(reason.split()[0]) == pytest.approx(270, rel=0.1)


class RefusesSymbols(Linear):
    """Cannot be recorded with sizes left open."""

    def forward(self, bag: Bag) -> Output:
        if isinstance(bag.x.shape[0], torch.SymInt):
            raise TypeError("a number, please")
        return super().forward(bag)


def test_a_few_runs_that_cannot_be_replayed_are_not_stacked():
    """Eager stacks gain from twenty runs on."""

    def build():
        return RefusesSymbols(4, 2)

    assert cannot_train_stacked(CELL, build, data(rows=2), EAGER_REPLICAS) == ""
    reason = cannot_train_stacked(CELL, build, data(rows=2), EAGER_REPLICAS - 1)
    assert "19 runs share an order of bags, too few for a stack" in reason
    assert "recording fails: TypeError: a number, please" in reason


def test_the_verdict_leaves_random_numbers_alone():
    """The probe draws from a stream of its own."""
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    cannot_train_stacked(replace(CELL, standardise=False), lambda: Linear(4, 2), data(), REPLICAS)

    assert torch.equal(torch.random.get_rng_state(), state)
