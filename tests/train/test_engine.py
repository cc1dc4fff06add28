"""One run under the sealed protocol: what a method sees, and what becomes of what it says."""

from dataclasses import replace
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
from milbench.train.engine import train_run, unsuitable
from milbench.train.protocol import epoch_order
from milbench.train.resident import Resident, fit_scaler

PART = Part(train=np.arange(0, 12), val=np.arange(12, 16), test=np.arange(16, 20))


class Mean(nn.Module):
    """A linear model on the mean instance."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0)))


def data(seed: int = 0) -> Resident:
    """Return 20 bags of 3 instances whose mean tells the label."""
    generator = torch.Generator().manual_seed(seed)
    labels = tuple(b % 2 for b in range(20))
    shift = torch.tensor(labels).repeat_interleave(3)[:, None] * 2.0 - 1.0
    x = torch.randn(60, 4, generator=generator) + shift
    return Resident(x, tuple(range(0, 61, 3)), None, labels, 2)


def run_of(**recipe: object) -> Run:
    cell = Cell(
        suite="test",
        dataset="toy",
        encoder="precomputed",
        method="mean",
        aggregator="test/mean",
        args={},
        recipe=Recipe(**{"lr": 0.05, "epochs": 8, "patience": 0, **recipe}),
        standardise=True,
        threshold="half",
        features="",
        split="",
        code="",
        settings="",
    )
    return Run(cell, 0, 0, 0, "")


def record(target: type, **fields: object) -> Aggregator:
    return Aggregator(name="mean", target=target, summary="test", **fields)


def test_a_method_learns_what_can_be_learnt():
    """On separable bags the linear model ranks every test bag right."""
    outcome = train_run(run_of(), record(Mean), data(), PART)

    assert outcome.test.shape == (4, 2)
    np.testing.assert_allclose(outcome.test.sum(axis=1), 1.0)
    assert (outcome.test.argmax(axis=1) == [0, 1, 0, 1]).all()
    assert outcome.fitted.parameters == 10


def test_test_bags_and_their_labels_change_nothing_in_training():
    """A canary: impossible test bags and flipped labels leave the validation rows alone."""
    clean = data()
    x = clean.x.clone()
    x[48:] = 1e20
    poisoned = replace(clean, x=x, labels=(*clean.labels[:16], 1, 0, 1, 0))

    outcomes = [train_run(run_of(), record(Mean), d, PART) for d in (clean, poisoned)]

    np.testing.assert_array_equal(outcomes[0].valid, outcomes[1].valid)


def test_a_run_does_not_depend_on_what_ran_before():
    """The same run gives the same rows, and leaves the caller's random numbers alone."""
    first = train_run(run_of(), record(Mean), data(), PART)
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    second = train_run(run_of(), record(Mean), data(), PART)

    np.testing.assert_array_equal(first.test, second.test)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_seeds_differ():
    """Another seed starts from other weights."""
    run = run_of(epochs=1)
    other = replace(run, seed=1)
    outcomes = [train_run(r, record(Mean), data(), PART) for r in (run, other)]

    assert not np.array_equal(outcomes[0].test, outcomes[1].test)


def test_data_sets_that_are_trained_as_one_share_their_models():
    """Other test bags under another name: the same weights where ``trained_as`` says so."""
    other = data()
    other.x[48:] += 1.0  # the test bags
    run = run_of()
    elsewhere = replace(run, cell=replace(run.cell, dataset="other"))
    shared = [replace(r, cell=replace(r.cell, trained_as="both")) for r in (run, elsewhere)]

    mine, theirs = (
        train_run(r, record(Mean), d, PART) for r, d in zip(shared, (data(), other), strict=True)
    )
    np.testing.assert_array_equal(mine.valid, theirs.valid)
    assert not np.array_equal(mine.test, theirs.test)
    apart = [train_run(r, record(Mean), data(), PART).valid for r in (run, elsewhere, shared[0])]
    assert len({rows.tobytes() for rows in apart}) == 3


def test_what_a_data_set_is_trained_as_names_its_results():
    """Other random numbers, another result; the stack and the key follow."""
    run = run_of()
    shared = replace(run, cell=replace(run.cell, trained_as="both"))

    assert shared.names == ("both", "mean", 0, 0, 0)
    assert shared.key != run.key
    assert shared.cell.digest != replace(shared.cell, dataset="other").digest


def test_training_equals_a_loop_written_by_hand():
    """Two epochs with SGD are the textbook loop over the same order of bags."""
    run = run_of(optimizer="sgd", epochs=2, select="last", weight_decay=0.0)
    outcome = train_run(run, record(Mean), data(), PART)

    bags = fit_scaler(data(), PART.train)(data().x).reshape(20, 3, 4)
    with torch.random.fork_rng():
        torch.manual_seed(seed("train", "toy", "mean", 0, 0, 0))
        model = Mean(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for b in epoch_order(20, PART.train, "toy", 0, 0, epoch):
            optimizer.zero_grad()
            logits = model(Bag(x=bags[b])).logits
            nn.functional.cross_entropy(logits[None], torch.tensor([b % 2])).backward()
            optimizer.step()
    expected = torch.stack([model(Bag(x=bags[b])).logits for b in PART.test]).softmax(dim=1)

    np.testing.assert_allclose(outcome.test, expected.detach().numpy(), rtol=1e-5)


class Recorder:
    """A method with a ``fit`` of its own that keeps what it was shown."""

    shown: ClassVar[list[object]] = []

    def __init__(self, in_dim: int, n_classes: int) -> None:
        self.in_dim = in_dim

    def fit(self, train, valid, context):
        Recorder.shown = [train, valid, context]

    def predict(self, bag: Bag) -> Output:
        assert isinstance(bag, Bag)
        return Output(logits=torch.tensor([0.25, 0.75]).log())


def test_a_fit_method_gets_examples_and_predicts_bags():
    """Its log-probabilities are the probabilities in the rows; it sees 12 and 4 examples."""
    outcome = train_run(run_of(), record(Recorder), data(), PART)
    train, valid, context = Recorder.shown

    assert outcome.fitted.engine == "estimator"
    np.testing.assert_allclose(outcome.test, [[0.25, 0.75]] * 4)
    assert (len(train), len(valid), context.class_counts) == (12, 4, (6, 6))
    assert [example.label for example in train] == [0, 1] * 6


class Explodes(Mean):
    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        return output.logits.sum() * float("inf")


class Shapeless(Mean):
    def forward(self, bag: Bag) -> Output:
        return Output(logits=super().forward(bag).logits[None])

    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        return output.logits.sum()


class Empty(nn.Module):
    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Explodes, "training loss is not finite in epoch 0"),
        (Shapeless, r"logits of shape \(1, 2\), expected \(2,\)"),
        (Empty, "no parameter to train"),
    ],
)
def test_a_broken_contract_is_told(target, says):
    """A diverging or misshapen method ends with what was wrong."""
    part = PART if target is not Shapeless else PART._replace(val=PART.val[:0])
    with pytest.raises(TrainingError, match=says):
        train_run(run_of(), record(target), data(), part)


def test_what_a_data_set_lacks_is_a_reason_to_skip():
    """Needs of a method that the bags cannot meet are told before anything is trained."""
    images = Resident(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), (0, 1, 2), None, (0, 1), 2)

    assert unsuitable(record(Mean), data()) == ""
    assert "encode them first" in unsuitable(record(Mean), images)
    assert "coordinates" in unsuitable(record(Mean, needs=frozenset({"coords"})), data())
    assert "images" in unsuitable(record(Mean, needs=frozenset({"images"})), data())
