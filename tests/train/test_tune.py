"""Tuning inside a fold: what a trial sees, which one is kept, and that it trains as alone."""

import math
import pickle
from dataclasses import replace
from hashlib import sha256
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, LogUniform, Output, Recipe, Uniform
from milbench.errors import TrainingError
from milbench.jobs import Cell, Run
from milbench.search import Tuning, draw
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.fold import Fitted
from milbench.train.resident import Resident
from milbench.train.tune import choose, tune_run, tune_runs

BAGS = 20
# Of the validation bags three are odd, which is class 1, and one is even.
PART = Part(train=np.arange(0, 12), val=np.array([13, 14, 15, 17]), test=np.array([12, 16, 18, 19]))


@pytest.fixture(autouse=True)
def one_thread():
    """Train as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Says(nn.Module):
    """Gives class 1 the logit ``bias``, whatever it is shown, and notes what that is."""

    seen: ClassVar[list[tuple[float, bool, int]]] = []

    def __init__(self, in_dim: int, n_classes: int, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = bias
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, bag: Bag) -> Output:
        first = float(bag.x[0, 0])
        Says.seen.append((self.bias, self.training, -1 if math.isnan(first) else round(first)))
        nothing = 0.0 * self.weight
        return Output(logits=torch.stack([nothing, nothing + self.bias]))


class Mean(nn.Module):
    """A small network with every kind of randomness: named dropout, and torch's own stream."""

    starts: ClassVar[list[torch.Tensor]] = []

    def __init__(
        self, in_dim: int, n_classes: int, *, hidden: int = 4, rate: float = 0.5, noise: float = 0.1
    ) -> None:
        super().__init__()
        self.noise = noise
        self.embed = nn.Sequential(nn.Linear(in_dim, hidden), nn.ReLU(), nn.Dropout(rate))
        self.head = nn.Linear(hidden, n_classes)
        Mean.starts.append(torch.cat([p.detach().flatten() for p in self.parameters()]))

    def forward(self, bag: Bag) -> Output:
        x = bag.x + self.noise * torch.randn_like(bag.x) if self.training else bag.x
        return Output(logits=self.head(self.embed(x).mean(dim=0)))


class Explodes(Mean):
    def __init__(self, in_dim: int, n_classes: int, *, explodes: bool = False) -> None:
        super().__init__(in_dim, n_classes)
        self.factor = math.inf if explodes else 1.0

    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        return nn.functional.cross_entropy(output.logits, label) * self.factor


class Prepares(Mean):
    """Does parameter-free work that depends on a setting, and counts it."""

    calls: ClassVar[list[int]] = []

    def __init__(self, in_dim: int, n_classes: int, scale: float = 1.0) -> None:
        super().__init__(in_dim, n_classes)
        self.scale = scale

    def prepare(self, bag: Bag) -> Bag:
        Prepares.calls.append(len(bag))
        return Bag(x=bag.x * self.scale)


def data(labels: tuple[int, ...] | None = None) -> Resident:
    """Return 20 bags of 3 instances; the mean tells the label, the first value the number."""
    generator = torch.Generator().manual_seed(0)
    odd = tuple(b % 2 for b in range(BAGS))
    x = torch.randn(3 * BAGS, 4, generator=generator)
    x[:, 1] += torch.tensor(odd).repeat_interleave(3) * 2.0 - 1.0
    x[:, 0] = torch.arange(BAGS).repeat_interleave(3)
    return Resident(x, tuple(range(0, 3 * BAGS + 1, 3)), None, labels or odd, 2)


def run_of(*settings: dict, standardise: bool = False, **recipe: object) -> Run:
    """Return a run that tries the published setting and then ``settings``."""
    keys = sorted({key for each in settings for key in each})
    cell = Cell(
        suite="test",
        dataset="toy",
        encoder="precomputed",
        method="net",
        aggregator="test/net",
        args={},
        recipe=Recipe(**{"lr": 0.05, "epochs": 5, "patience": 0, **recipe}),
        standardise=standardise,
        threshold="half",
        features="",
        split="",
        code="",
        settings="",
        tuning=Tuning(dict.fromkeys(keys, "by hand"), ({}, *settings)),
    )
    return Run(cell, 0, 0, 0, "")


def record(target: type) -> Aggregator:
    return Aggregator(name="net", target=target, summary="test")


def alone(run: Run, number: int, target: type, bags: Resident):
    """Train one trial as a published run with the same settings is trained."""
    return train_run(replace(run, cell=run.cell.trials()[number]), record(target), bags, PART)


# Which trial is kept


def test_the_lowest_validation_loss_is_kept_and_ties_go_to_the_first():
    """With three bags of class 1 and one of class 0 the loss of logit b is known.

    (3 log(1 + exp(-b)) + log(1 + exp(b))) / 4: 0.693, 0.627 and 0.563 for b of 0, 2 and 1.
    """
    outcome = tune_run(
        run_of({"bias": 2.0}, {"bias": 1.0}, {"bias": 1.0}), record(Says), data(), PART
    )

    assert outcome.chosen == 2
    assert [trial.settings for trial in outcome.trials] == [
        {"bias": bias} for bias in (0.0, 2.0, 1.0, 1.0)
    ]
    expected = [(3 * math.log1p(math.exp(-b)) + math.log1p(math.exp(b))) / 4 for b in (0, 2, 1, 1)]
    assert [trial.validation_loss for trial in outcome.trials] == pytest.approx(expected, rel=1e-6)
    sigmoid = 1 / (1 + math.exp(-1.0))
    np.testing.assert_allclose(outcome.test, [[1 - sigmoid, sigmoid]] * 4, rtol=1e-6)


def test_choosing_is_by_hand():
    """0.3 is lowest and comes first at position 2; failures do not count."""
    fits = [Fitted(None, 1, 0, 0, loss) for loss in (0.5, 0.4, 0.3, 0.3)]

    assert choose(fits) == 2
    assert choose([TrainingError("no"), *fits]) == 3


@pytest.mark.parametrize("select", ["best", "last"])
def test_the_loss_is_that_of_the_weights_that_are_kept(select):
    """It is the mean of -log p(label) over the validation rows of the model that predicts."""
    run = run_of({"lr": 1.0}, {"lr": 0.5}, epochs=12, select=select)

    for number in range(3):
        outcome = alone(run, number, Mean, data())
        labels = PART.val % 2
        by_hand = -np.log(outcome.valid[np.arange(4), labels]).mean()
        assert outcome.fitted.validation_loss == pytest.approx(by_hand, rel=1e-5)


# What a trial sees


def test_test_bags_change_no_choice():
    """A canary: NaN features and flipped labels of the test bags leave every loss as it was."""
    x = data().x.clone()
    for bag in PART.test.tolist():
        x[3 * bag : 3 * bag + 3] = math.nan
    labels = tuple(1 - b % 2 if b in PART.test else b % 2 for b in range(BAGS))
    run = run_of({"bias": 2.0}, {"bias": 1.0}, standardise=True)

    clean, poisoned = (
        tune_run(run, record(Says), bags, PART) for bags in (data(), replace(data(labels), x=x))
    )

    assert poisoned.trials == clean.trials
    assert poisoned.chosen == clean.chosen == 2


def test_test_bags_change_no_weight():
    """Impossible test features leave the chosen network's validation rows bit by bit."""
    x = data().x.clone()
    for bag in PART.test.tolist():
        x[3 * bag : 3 * bag + 3] = 1e20
    run = run_of({"lr": 0.01}, {"hidden": 6}, standardise=True)

    clean, poisoned = (
        tune_run(run, record(Mean), bags, PART) for bags in (data(), replace(data(), x=x))
    )

    assert poisoned.trials == clean.trials
    np.testing.assert_array_equal(poisoned.valid, clean.valid)


def test_validation_labels_decide():
    """The same run with the other validation labels keeps the other setting."""
    labels = tuple(1 - b % 2 if b in PART.val else b % 2 for b in range(BAGS))
    run = run_of({"bias": 1.0}, {"bias": -1.0})

    assert tune_run(run, record(Says), data(), PART).chosen == 1
    assert tune_run(run, record(Says), data(labels), PART).chosen == 2


def test_test_bags_are_shown_to_the_chosen_model_alone():
    """Each trial trains on the training bags in one order; one model meets the test bags."""
    Says.seen = []
    tune_run(run_of({"bias": 2.0}, {"bias": 1.0}, epochs=2), record(Says), data(), PART)

    trained = {
        b: [bag for bias, is_training, bag in Says.seen if is_training and bias == b]
        for b in (0, 1, 2)
    }
    assert trained[0] == trained[1] == trained[2]
    assert sorted(trained[0]) == sorted([*PART.train.tolist()] * 2)
    met = {(bias, bag) for bias, _, bag in Says.seen if bag in PART.test.tolist()}
    assert met == {(1.0, bag) for bag in PART.test.tolist()}


# That a trial trains as it would alone


def test_every_trial_trains_as_a_published_run_of_its_settings():
    """Dropout, noise from torch's stream, other shapes and recipes: equal bit by bit.

    So the first trial is the published run, and nothing is lost by the others beside it.
    """
    run = run_of({"lr": 0.2}, {"hidden": 7, "weight_decay": 0.01}, {"rate": 0.1, "epochs": 3})
    tuned = tune_run(run, record(Mean), data(), PART)
    singles = [alone(run, number, Mean, data()) for number in range(4)]

    assert [trial.validation_loss for trial in tuned.trials] == [
        single.fitted.validation_loss for single in singles
    ]
    assert [trial.epochs for trial in tuned.trials] == [5, 5, 5, 3]
    np.testing.assert_array_equal(tuned.test, singles[tuned.chosen].test)
    np.testing.assert_array_equal(tuned.valid, singles[tuned.chosen].valid)


def test_trials_of_one_shape_start_from_the_same_weights():
    """Only a setting that changes the network changes where it starts."""
    Mean.starts = []
    tune_run(run_of({"lr": 0.2}, {"rate": 0.1}, {"hidden": 7}), record(Mean), data(), PART)
    published, faster, dropping, wider = Mean.starts

    assert torch.equal(published, faster)
    assert torch.equal(published, dropping)
    assert published.shape != wider.shape


def test_runs_side_by_side_end_as_alone():
    """Two runs in one call have the outcomes of two calls."""
    run = run_of({"lr": 0.2}, {"rate": 0.1})
    pair = [run, replace(run, seed=1)]
    together = tune_runs(pair, record(Mean), data(), [PART, PART])

    for one, found in zip(pair, together, strict=True):
        single = tune_run(one, record(Mean), data(), PART)
        assert found.trials == single.trials
        np.testing.assert_array_equal(found.test, single.test)


def test_random_numbers_outside_are_left_alone():
    """The caller's stream is where it was."""
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    tune_run(run_of({"lr": 0.2}), record(Mean), data(), PART)

    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("standardise", [True, False])
def test_prepared_bags_follow_the_settings(standardise):
    """Work on a bag is done again where a setting may change it, and only there."""
    run = run_of({"lr": 0.2}, {"scale": 3.0}, standardise=standardise)
    Prepares.calls = []
    tuned = tune_run(run, record(Prepares), data(), PART)
    calls = len(Prepares.calls)

    losses = [alone(run, number, Prepares, data()).fitted.validation_loss for number in range(3)]
    assert [trial.validation_loss for trial in tuned.trials] == losses
    # 16 bags to train and validate on for the shared and for the scaled work, 4 to test on.
    assert calls == 16 + 16 + 4


# What goes wrong


def test_a_trial_that_diverges_loses():
    """It is recorded with its reason, and the others go on."""
    outcome = tune_run(run_of({"explodes": True}, {"lr": 0.01}), record(Explodes), data(), PART)

    assert outcome.chosen in (0, 2)
    assert [trial.status for trial in outcome.trials] == ["done", "failed", "done"]
    failed = outcome.trials[1]
    assert "training loss is not finite in epoch 0" in failed.reason
    assert (failed.validation_loss, failed.epochs) == (None, 0)
    assert failed.settings == {"explodes": True, "lr": 0.05}


def test_a_published_setting_that_diverges_loses_too():
    """The first trial has no privilege beyond equal losses."""
    run = run_of({"explodes": False})
    run = replace(run, cell=replace(run.cell, args={"explodes": True}))

    assert tune_run(run, record(Explodes), data(), PART).chosen == 1


def test_a_run_whose_trials_all_diverge_fails_with_every_reason():
    """The first line tells of all, and each trial has its line."""
    run = run_of({"lr": 0.01}, {"lr": 0.02})
    run = replace(run, cell=replace(run.cell, args={"explodes": True}))

    with pytest.raises(TrainingError) as caught:
        tune_run(run, record(Explodes), data(), PART)

    lines = str(caught.value).splitlines()
    assert lines[0].startswith("all 3 trials failed; trial 0: the training loss is not finite")
    assert [line.partition(": ")[0] for line in lines[1:]] == ["trial 1", "trial 2"]
    assert "lr 0.02" in lines[2]


def test_an_error_of_the_method_is_not_a_lost_trial():
    """A setting that the method cannot take ends the run, and the traceback names the trial."""
    with pytest.raises(RuntimeError) as caught:
        tune_run(run_of({"hidden": -1}), record(Mean), data(), PART)

    assert "in the trial with {'hidden': -1}" in caught.value.__notes__[0]


def test_without_validation_bags_nothing_is_chosen():
    """The reason says what to change, before anything is trained."""
    Says.seen = []
    part = PART._replace(val=PART.val[:0])

    with pytest.raises(TrainingError, match=r"set splits\.validation above 0"):
        tune_run(run_of({"bias": 1.0}), record(Says), data(), part)
    assert Says.seen == []


# Names of results


def test_a_published_cell_is_named_as_before_there_was_tuning():
    """Its digest is that of the fields it always had, written out here, so results stay valid."""
    cell = replace(run_of().cell, tuning=None)
    text = (
        '{"aggregator":"test/net","args":{},"code":"","dataset":"toy","encoder":"precomputed",'
        '"features":"","method":"net","order":"per-seed","protocol":2,"recipe":{"betas":[0.9,0.999],'
        '"epochs":5,"final_lr":0.0,"lr":0.05,"momentum":0.0,"nesterov":false,"optimizer":"adam",'
        '"patience":0,"schedule":"constant","select":"best","weight_decay":1e-05},"split":"",'
        '"standardise":false,"threshold":"half"}'
    )

    assert cell.digest == sha256(text.encode()).hexdigest()[:16]
    assert (cell.row, cell.trials()) == ("net", (cell,))


def test_budget_and_space_name_a_tuned_cell():
    """Another count of trials, or other bounds, is another result."""
    names = ("toy", "test/net")
    cell = run_of().cell
    tunings = [
        draw({"lr": LogUniform(1e-4, 1e-2)}, 4, *names),
        draw({"lr": LogUniform(1e-4, 1e-2)}, 5, *names),
        draw({"lr": LogUniform(1e-4, 1e-1)}, 4, *names),
        draw({"lr": Uniform(1e-4, 1e-2)}, 4, *names),
        draw({"rate": LogUniform(1e-4, 1e-2)}, 4, *names),
        None,
    ]

    assert len({replace(cell, tuning=tuning).digest for tuning in tunings}) == len(tunings)


def test_a_tuned_run_travels_to_a_process():
    """Pickled and back it is the same run, with the same key."""
    run = run_of({"lr": 0.1}, {"hidden": 7})

    assert pickle.loads(pickle.dumps(run)) == run  # noqa: S301  # our own bytes
    assert pickle.loads(pickle.dumps(run)).key == run.key  # noqa: S301
