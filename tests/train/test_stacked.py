"""The stacked engine gives every run what it has alone, whoever else is in the stack."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, Output, Recipe
from milbench.errors import TrainingError
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run, train_stack
from milbench.train.resident import Resident
from milbench_aggregators import milbench_aggregators

BAGS, DIM = 24, 6
BUILT_IN = {record.name: record for record in milbench_aggregators()}
NETWORKS = [name for name, record in BUILT_IN.items() if record.stackable is True]
CLAM = {"hidden": 16, "attention": 8, "k_sample": 2}
KERAS = {"hidden": (16,), "dropout": (0.2,), "attention": 16}
SMALL = {
    "abmil": {"hidden": (16,)},
    "gated-abmil": {"hidden": (16,)},
    "mi-net-instance": {"hidden": (16,)},
    "mi-net-embedding": {"hidden": (16,)},
    "clam-sb": CLAM,
    "clam-mb": CLAM,
    "mil-fc": {"hidden": 16},
    "transmil": {"width": 16, "heads": 2, "landmarks": 4},
    "crop-transformer": {"layers": 1, "heads": 2, "hidden": 16},
    "keras-simple": KERAS,
    "keras-simple-sum": KERAS,
}


@pytest.fixture(autouse=True)
def one_thread():
    """Train as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data(n_classes: int = 2) -> Resident:
    """Return bags of 1 to 6 instances that tell their label with some noise."""
    generator = torch.Generator().manual_seed(1)
    sizes = [1 + b % 6 for b in range(BAGS)]
    labels = tuple(b % n_classes for b in range(BAGS))
    x = torch.randn(sum(sizes), DIM, generator=generator) * 2.0 + 3.0
    x[:, 0] += torch.tensor(labels).repeat_interleave(torch.tensor(sizes))
    return Resident(x, (0, *np.cumsum(sizes).tolist()), None, labels, n_classes)


def part(fold: int) -> Part:
    """Return one of four folds: every fourth bag is tested, five others validate."""
    bags = np.arange(BAGS)
    rest = np.random.default_rng(fold).permutation(bags[bags % 4 != fold])
    return Part(train=np.sort(rest[5:]), val=np.sort(rest[:5]), test=bags[bags % 4 == fold])


def runs_of(recipe: Recipe, seeds: int = 1, **args: object) -> list[Run]:
    """Return the runs of four folds, which share one order of bags."""
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "toy"),
        args=args,
        recipe=recipe,
        standardise=True,
        threshold="half",
        settings="",
        order="common",
    )
    return [Run(cell, 0, fold, seed, "") for seed in range(seeds) for fold in range(4)]


def fast(recipe: Recipe, **changes: object) -> Recipe:
    """Return ``recipe`` with steps so large that replicas stop at different epochs."""
    return replace(recipe, lr=20 * recipe.lr, epochs=6, patience=1, select="best", **changes)


def stacked(runs: list[Run], record: Aggregator, bags: Resident) -> list:
    return train_stack(runs, record, bags, [part(run.fold) for run in runs])


def alone(run: Run, record: Aggregator, bags: Resident):
    return train_run(run, record, bags, part(run.fold))


def assert_same(found, expected, tolerance=1e-4):
    assert found.fitted.epochs == expected.fitted.epochs
    assert found.fitted.best_epoch == expected.fitted.best_epoch
    assert found.fitted.parameters == expected.fitted.parameters
    np.testing.assert_allclose(found.valid, expected.valid, atol=tolerance)
    np.testing.assert_allclose(found.test, expected.test, atol=tolerance)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_stack_trains_as_one_run_after_the_other(name, n_classes):
    """Stopping epochs are equal and probabilities agree to 1e-4, for every built-in network."""
    record, bags = BUILT_IN[name], data(n_classes)
    runs = runs_of(fast(record.recipe), **SMALL.get(name, {}))

    for run, found in zip(runs, stacked(runs, record, bags), strict=True):
        assert found.fitted.engine == "stacked"
        # Of bags of most sizes; the square that TransMIL lays is of a few sizes only, and masks of
        # attention, crops by crops, tie a recording to one size.
        is_tied = name in ("transmil", "crop-transformer")
        assert ("replayed from a recording" in found.fitted.note) != is_tied
        assert_same(found, alone(run, record, bags))


def test_replicas_of_a_stack_stop_at_epochs_of_their_own():
    """The comparison above would prove little if all replicas ended together."""
    record = BUILT_IN["abmil"]
    found = stacked(runs_of(fast(record.recipe), hidden=(16,)), record, data())

    assert len({outcome.fitted.epochs for outcome in found}) > 1


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(optimizer="adamw", lr=0.01, weight_decay=0.1, schedule="cosine", epochs=4),
        Recipe(optimizer="sgd", lr=0.01, weight_decay=0.1, momentum=0.9, epochs=4),
        Recipe(optimizer="sgd", lr=0.01, weight_decay=0.0, epochs=4, select="last"),
    ],
    ids=["adamw cosine", "sgd momentum", "sgd plain last"],
)
def test_every_optimiser_with_a_stacked_form_agrees(recipe):
    """Step counts, moments and rates are those of each run alone."""
    record = BUILT_IN["mi-net-instance"]
    runs = runs_of(recipe, hidden=(16,))

    for run, found in zip(runs, stacked(runs, record, data()), strict=True):
        assert_same(found, alone(run, record, data()))


def test_who_else_is_in_the_stack_changes_nothing():
    """A run in stacks of one, two and eight replicas has the same stops and probabilities."""
    record = BUILT_IN["mi-net-embedding"]
    runs = runs_of(fast(record.recipe), seeds=2, hidden=(16,))
    whole = stacked(runs, record, data())

    assert_same(stacked(runs[2:3], record, data())[0], whole[2], 1e-6)
    for found, expected in zip(stacked([runs[5], runs[2]], record, data()), (5, 2), strict=True):
        assert_same(found, whole[expected], 1e-6)


def test_a_replica_never_sees_the_bags_it_holds_out():
    """A canary: impossible test bags of fold 2 leave its weights and validation rows alone."""
    record = BUILT_IN["abmil"]
    runs = runs_of(replace(record.recipe, epochs=3), hidden=(16,))
    poisoned = data()
    for bag in part(2).test.tolist():
        poisoned.x[poisoned.offsets[bag] : poisoned.offsets[bag + 1]] = 1e20
    flipped = tuple(
        1 - label if bag in part(2).test else label for bag, label in enumerate(poisoned.labels)
    )
    clean = stacked(runs, record, data())
    found = stacked(runs, record, replace(poisoned, labels=flipped))

    np.testing.assert_allclose(found[2].valid, clean[2].valid, atol=1e-6)
    assert not np.allclose(getattr(found[1], "valid", 0.0), clean[1].valid, atol=1e-3)


class Linear(nn.Module):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0)))


def test_a_diverging_replica_fails_alone():
    """An infinite feature in a bag that only fold 0 holds out spares fold 0 and nobody else."""
    record = Aggregator(name="linear", target=Linear, summary="test")
    runs = runs_of(Recipe(epochs=2))
    runs = [replace(run, cell=replace(run.cell, standardise=False)) for run in runs]
    broken = data()
    bag = int(part(0).test[0])
    broken.x[broken.offsets[bag]] = torch.inf
    found = stacked(runs, record, broken)

    assert all(isinstance(outcome, TrainingError) for outcome in found)
    assert "a prediction is not finite" in str(found[0])  # of the test bag, after training
    assert all("loss is not finite in epoch 0" in str(outcome) for outcome in found[1:])


class Frozen(Linear):
    """A random projection that is not trained, kept as a frozen weight and as a buffer."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes)
        self.mix = nn.Parameter(torch.randn(in_dim, in_dim), requires_grad=False)
        self.register_buffer("shift", torch.randn(in_dim))

    def forward(self, bag: Bag) -> Output:
        return super().forward(Bag(bag.x @ self.mix + self.shift))

    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        penalty = self.head.weight.square().sum()
        return nn.functional.cross_entropy(output.logits, label) + 0.1 * penalty


def test_what_is_not_trained_belongs_to_the_replica():
    """Frozen weights and buffers differ between runs; a loss may read the run's weights."""
    record = Aggregator(name="frozen", target=Frozen, summary="test")
    runs = runs_of(Recipe(lr=0.01, epochs=3))

    for run, found in zip(runs, stacked(runs, record, data()), strict=True):
        assert_same(found, alone(run, record, data()))


def test_runs_without_validation_bags_train_all_epochs():
    """Nothing can be chosen, so the last weights are kept, as in the sequential engine."""
    record = BUILT_IN["mean"]
    runs = runs_of(Recipe(lr=0.01, epochs=3))
    parts = [part(run.fold)._replace(val=np.arange(0)) for run in runs]
    found = train_stack(runs, record, data(), parts)

    assert [(o.fitted.epochs, o.fitted.best_epoch) for o in found] == [(3, 2)] * 4
    expected = train_run(runs[1], record, data(), parts[1])
    np.testing.assert_allclose(found[1].test, expected.test, atol=1e-6)


def test_the_order_option_decides_who_shares_a_stack():
    """Per seed: the folds of one repeat and seed. Common: all runs of the cell."""
    runs = runs_of(Recipe(), seeds=2)
    per_seed = [replace(run, cell=replace(run.cell, order="per-seed")) for run in runs]

    assert len({run.stack for run in runs}) == 1
    assert len({run.stack for run in per_seed}) == 2
    assert runs[0].cell.digest != per_seed[0].cell.digest
