"""Training on bags with several labels: one sigmoid a label, whichever engine trains."""

import inspect
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.testing import assert_close

from milbench import Aggregator, Bag, Context, Output, Recipe
from milbench.check import argument_faults
from milbench.errors import TrainingError
from milbench.jobs import Cell, Run
from milbench.search import Tuning
from milbench.splits import Part
from milbench.train.engine import train_run, train_stack, unsuitable
from milbench.train.loss import bag_losses, default_loss, label_tensor, mean_loss
from milbench.train.protocol import youden_threshold
from milbench.train.resident import Resident
from milbench.train.tune import tune_run, tune_runs
from milbench.train.tune_stacked import fit_all_stacked
from milbench_aggregators import milbench_aggregators
from milbench_aggregators.dsmil import DSMIL
from milbench_aggregators.mi_net_instance import MiNetInstance

BAGS, DIM = 24, 6
BUILT_IN = {record.name: record for record in milbench_aggregators()}
SMALL = {
    "abmil": {"hidden": (16,)},
    "gated-abmil": {"hidden": (16,)},
    "mi-net-instance": {"hidden": (16,), "pooling": "mean"},
    "mi-net-embedding": {"hidden": (16,)},
    "transmil": {"width": 16, "heads": 2, "landmarks": 4},
    "keras-simple": {"hidden": (16,), "dropout": (0.2,), "attention": 16},
    "keras-simple-sum": {"hidden": (16,), "dropout": (0.2,), "attention": 16},
    "crop-transformer": {"layers": 1, "heads": 2, "hidden": 16},
}
SERVES = [
    "mean", "max", "abmil", "gated-abmil", "dsmil", "dsmil-classic", "mi-net-instance",
    "mi-net-embedding", "transmil", "crop-transformer", "keras-simple", "keras-simple-sum",
    "keras-simple-cnn", "abmil-cnn", "gated-abmil-cnn", "amil", "prior", "bag-size",
    "pooled-logistic", "pooled-forest",
]  # fmt: skip
# Of the stackable ones: each kind of head and of loss.
STACKED = [("mean", 2), ("abmil", 1), ("abmil", 2), ("dsmil", 2), ("mi-net-instance", 2)]


@pytest.fixture(autouse=True)
def one_thread():
    """Train as a task does; on a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data(n_labels: int = 2) -> Resident:
    """Return bags of 1 to 6 instances, each label told by a feature of its own."""
    generator = torch.Generator().manual_seed(1)
    sizes = torch.tensor([1 + b % 6 for b in range(BAGS)])
    labels = torch.tensor([[(b >> n) % 2 for n in range(n_labels)] for b in range(BAGS)])
    x = torch.randn(int(sizes.sum()), DIM, generator=generator)
    x[:, :n_labels] += 2.0 * labels.repeat_interleave(sizes, dim=0)
    offsets = (0, *np.cumsum(sizes.numpy()).tolist())
    return Resident(x, offsets, None, tuple(map(tuple, labels.tolist())), n_labels)


def two_classes() -> Resident:
    """Return the bags of ``data(1)`` with their label as one of two classes."""
    bags = data(1)
    labels = tuple(label for (label,) in bags.labels)
    return Resident(bags.x, bags.offsets, None, labels, 2)


def part(fold: int) -> Part:
    """Return one of four folds: every fourth bag is tested, five others validate."""
    bags = np.arange(BAGS)
    rest = np.random.default_rng(fold).permutation(bags[bags % 4 != fold])
    return Part(train=np.sort(rest[5:]), val=np.sort(rest[:5]), test=bags[bags % 4 == fold])


def runs_of(recipe: Recipe, threshold: str = "half", **args: object) -> list[Run]:
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "labels"),
        args=args,
        recipe=recipe,
        standardise=True,
        threshold=threshold,
        settings="",
        order="common",
    )
    return [Run(cell, 0, fold, 0, "") for fold in range(4)]


class Mean(nn.Module):
    """A linear model on the mean instance, as the README has it."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(bag.x.mean(dim=0)))


def record(target: type, **fields: object) -> Aggregator:
    return Aggregator(name="toy", target=target, summary="test", **fields)


def test_the_loss_is_the_mean_of_the_labels():
    """By hand: log(1 + e^-2) for a label that is there, log(1 + e^-1) for one that is not."""
    logits, label = torch.tensor([2.0, -1.0]), label_tensor((1, 0), torch.device("cpu"))
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2

    one = default_loss(Output(logits), label, Context(n_classes=2, is_multi_label=True))

    assert float(one) == pytest.approx(expected, abs=1e-6)
    assert bag_losses(logits.expand(3, 2), label).tolist() == pytest.approx([expected] * 3)
    assert float(mean_loss(logits.expand(3, 2), label.expand(3, 2))) == pytest.approx(expected)


def test_a_method_for_classes_learns_labels():
    """Nothing has to be declared; test bags are ranked by each label, thresholds are Youden's."""
    bags = data(3)
    run = runs_of(Recipe(lr=0.1, epochs=30, patience=0), threshold="validation")[0]

    found = train_run(run, record(Mean), bags, part(0))

    labels = np.array(bags.labels)
    assert found.test.shape == (6, 3)
    assert ((found.test > 0) & (found.test < 1)).all()
    positive, negative = (
        found.test[labels[part(0).test] == 1],
        found.test[labels[part(0).test] == 0],
    )
    assert positive.mean() > 0.5 + negative.mean() / 2
    expected = [
        youden_threshold(y, p) for y, p in zip(labels[part(0).val].T, found.valid.T, strict=True)
    ]
    assert found.threshold == tuple(expected)


@pytest.mark.parametrize(("name", "n_labels"), STACKED)
def test_a_stack_trains_as_one_run_after_the_other(name, n_labels):
    """As for classes: stopping epochs are equal and probabilities agree to 1e-4."""
    known, bags = BUILT_IN[name], data(n_labels)
    runs = runs_of(Recipe(lr=0.01, epochs=3, patience=1), **SMALL.get(name, {}))[:2]

    found = train_stack(runs, known, bags, [part(0), part(1)])

    for run, stacked in zip(runs, found, strict=True):
        assert stacked.fitted.engine == "stacked"
        alone = train_run(run, known, bags, part(run.fold))
        assert stacked.fitted.epochs == alone.fitted.epochs
        np.testing.assert_allclose(stacked.test, alone.test, atol=1e-4)


@pytest.mark.parametrize("n_labels", [1, 2, 3])
@pytest.mark.parametrize("name", [n for n in SERVES if not BUILT_IN[n].control])
def test_every_label_has_a_logit(name, n_labels):
    """Two labels too, which a head for two classes would give one output."""
    known = BUILT_IN[name]
    shape = (3, 16, 16) if "images" in known.needs else (DIM,)
    settings = SMALL.get(name, {"image": (3, 16, 16)} if name == "keras-simple-cnn" else {})
    told = {"multi_label"} & inspect.signature(known.load()).parameters.keys()
    model = known.load()(math.prod(shape), n_labels, **settings, **dict.fromkeys(told, True)).eval()
    bag = torch.randn(3, *shape) if shape == (DIM,) else torch.randint(0, 255, (3, *shape)).byte()

    logits = model(Bag(bag)).logits

    assert logits.shape == (n_labels,)
    assert logits.detach().all()


def test_trials_side_by_side_are_those_one_after_the_other():
    """A tuned run chooses the same trial by the loss of the labels, and predicts the same."""
    known, bags = BUILT_IN["mean"], data(2)
    trials = ({}, {"lr": 0.1}, {"lr": 0.001, "weight_decay": 0.1})
    (first, *_), parts = runs_of(Recipe(lr=0.01, epochs=4)), [part(0)]
    tuned = replace(
        first,
        cell=replace(first.cell, tuning=Tuning(dict.fromkeys(("lr", "weight_decay"), ""), trials)),
    )

    fit = partial(fit_all_stacked, record=known, data=bags)
    (found,) = tune_runs([tuned], known, bags, parts, fit)

    alone = tune_run(tuned, known, bags, part(0))
    assert found.chosen == alone.chosen == 1
    np.testing.assert_allclose(found.test, alone.test, atol=1e-4)


def test_labels_are_learnt_in_bfloat16():
    """The loss stays float32, so probabilities are near those of float32."""
    known, bags = BUILT_IN["abmil"], data(2)
    run = runs_of(Recipe(lr=0.01, epochs=3), **SMALL["abmil"])[0]
    half = replace(run, cell=replace(run.cell, precision="bfloat16"))

    found = train_run(half, known, bags, part(0))

    expected = train_run(run, known, bags, part(0))
    np.testing.assert_allclose(found.test, expected.test, atol=0.05)


def test_methods_that_serve_labels_are_those_that_can():
    """All with the default loss, DSMIL and the controls; others are told apart with the reason."""
    bags, images = (
        data(2),
        Resident(
            torch.zeros(BAGS, 3, 16, 16, dtype=torch.uint8),
            tuple(range(BAGS + 1)),
            None,
            data(2).labels,
            2,
        ),
    )
    why = {
        name: unsuitable(one, images if "images" in one.needs else bags, parents=())
        for name, one in BUILT_IN.items()
    }

    assert [name for name in BUILT_IN if not why[name]] == sorted(SERVES, key=list(BUILT_IN).index)
    assert why["clam-sb"] == (
        "clam-sb is for one class a bag: it has loss of its own; these bags may have several labels"
    )
    assert "fit of its own" in why["its2clr-features"]
    assert not unsuitable(BUILT_IN["mil-fc"], two_classes())


@pytest.mark.parametrize("name", ["prior", "bag-size", "pooled-logistic", "pooled-forest"])
def test_a_control_on_one_label_is_that_of_two_classes(name):
    """The same probabilities to rounding, so its table is the same."""
    settings = {"trees": 20} if name == "pooled-forest" else {}
    run = runs_of(Recipe(), **settings)[0]

    found = train_run(run, BUILT_IN[name], data(1), part(0))

    expected = train_run(run, BUILT_IN[name], two_classes(), part(0))
    np.testing.assert_allclose(found.test[:, 0], expected.test[:, 1], atol=1e-12)
    assert found.threshold == (expected.threshold,)


def test_a_control_answers_each_label_alone():
    """As a logistic regression of scikit-learn for each label; the prior is the labels' shares."""
    bags, place = data(2), part(0)
    run = runs_of(Recipe())[0]
    sizes = np.diff(bags.offsets)[:, None].astype(float)
    labels = np.array(bags.labels)
    scaler = StandardScaler().fit(sizes[place.train])

    found = train_run(run, BUILT_IN["bag-size"], bags, place).test
    prior = train_run(run, BUILT_IN["prior"], bags, place).test

    for number in range(2):
        model = LogisticRegression().fit(
            scaler.transform(sizes[place.train]), labels[place.train, number]
        )
        expected = model.predict_proba(scaler.transform(sizes[place.test]))[:, 1]
        np.testing.assert_allclose(found[:, number], expected, atol=1e-9)
    np.testing.assert_allclose(prior, [labels[place.train].mean(axis=0)] * 6, atol=1e-12)


def test_context_counts_the_bags_with_each_label():
    """And says that labels are several; a label is a tuple in ``fit``."""
    seen = []

    class Watch:
        def __init__(self, in_dim, n_classes):
            self.n_classes = n_classes

        def fit(self, train, valid, context):
            seen.append(([example.label for example in train], context))

        def predict(self, bag):
            return Output(logits=torch.zeros(self.n_classes))

    train_run(runs_of(Recipe())[0], record(Watch, multi_label=True), data(2), part(0))

    labels, context = seen[0]
    assert context.is_multi_label
    assert context.n_classes == 2
    assert context.class_counts == tuple(np.sum(labels, axis=0))
    assert all(isinstance(label, tuple) for label in labels)


class OneOutput(Mean):
    """A head for two classes: 0 before a single logit."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__(in_dim, n_classes - 1)

    def forward(self, bag: Bag) -> Output:
        return Output(nn.functional.pad(self.head(bag.x.mean(dim=0)), (1, 0)))


def test_a_head_for_two_classes_is_refused():
    """It would be silently half wrong: the first of two labels always at one half."""
    run = runs_of(Recipe(epochs=1))[0]

    with pytest.raises(TrainingError, match="the first logit is 0 for every bag"):
        train_run(run, record(OneOutput), data(2), part(0))


def test_dsmil_trains_each_label_on_both_streams():
    """By hand: the mean of the binary cross-entropies of the bag's and of the highest logits."""
    torch.manual_seed(0)
    model = DSMIL(DIM, 2, multi_label=True)
    output = model(Bag(torch.randn(5, DIM)))
    label = torch.tensor([1.0, 1.0])

    found = model.loss(output, label, Context(n_classes=2, is_multi_label=True))

    highest = output.instance_logits.amax(dim=0)
    both = torch.cat([output.logits, highest])
    assert_close(found, -both.sigmoid().log().mean())
    assert output.logits.shape == (2,)
    assert output.scores.shape == (5, 2)


def test_mi_net_pools_the_sigmoids_of_labels():
    """Its mean is that of probabilities, label by label."""
    torch.manual_seed(0)
    model = MiNetInstance(DIM, 2, pooling="mean", multi_label=True).eval()

    output = model(Bag(torch.randn(5, DIM)))

    assert_close(output.logits.sigmoid(), output.instance_logits.sigmoid().mean(dim=0))


def test_no_suite_sets_what_the_harness_gives():
    """``multi_label`` follows from the data set; in a suite it is no setting."""
    found = argument_faults(BUILT_IN["abmil"], {"multi_label": True})

    assert found == ["multi_label: no setting of abmil; settings: hidden, attention, dropout"]
