"""Training in bfloat16: what is rounded, what is not, and that the results are close."""

from dataclasses import replace
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, Levels, Output, Recipe
from milbench.jobs import Cell, Run
from milbench.registry import load_registry
from milbench.splits import Part
from milbench.train.engine import train_run
from milbench.train.matmul import Matmul
from milbench.train.precision import forward_in
from milbench.train.resident import FoldBags, Resident, fit_scaler

BF16 = torch.bfloat16
SMALL = {  # in seconds, and of six features
    "transmil": {"width": 32, "heads": 4, "landmarks": 8},
    "crop-transformer": {"tokens": 1, "layers": 1, "heads": 2, "hidden": 32},
}
PART = Part(train=np.arange(0, 24), val=np.arange(24, 32), test=np.arange(32, 40))


class Parts(NamedTuple):
    """What a loss may find in ``extra``."""

    hidden: torch.Tensor
    others: dict


class Watches(nn.Module):
    """Note the types of numbers that pass through a network."""

    seen: ClassVar[set] = set()

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(in_dim, n_classes)

    def forward(self, bag: Bag) -> Output:
        each = self.head(bag.x)
        self.seen.add(("bag", bag.x.dtype))
        self.seen.add(("layer", each.dtype))
        extra = Parts(each, {"list": [each, "text"], "index": torch.tensor(1)})
        return Output(logits=each.mean(dim=0), instance_logits=each, extra=extra)

    def loss(self, output: Output, label: torch.Tensor, context: object) -> torch.Tensor:
        self.seen.add(("loss", output.logits.dtype))
        self.seen.add(("loss", output.instance_logits.dtype))
        self.seen.add(("loss", output.extra.hidden.dtype))
        self.seen.add(("loss", output.extra.others["list"][0].dtype))
        assert output.extra.others["list"][1] == "text"
        assert output.extra.others["index"].dtype == torch.int64
        value = nn.functional.cross_entropy(output.logits, label)
        self.seen.add(("autocast", torch.is_autocast_enabled("cpu")))
        value.register_hook(lambda gradient: self.seen.add(("gradient", gradient.dtype)))
        return value


class Own:
    """A method that trains itself."""

    types: ClassVar[set] = set()

    def __init__(self, in_dim: int, n_classes: int) -> None:
        self.n_classes = n_classes

    def fit(self, train, valid, context) -> None:
        self.types.update(example.bag.x.dtype for example in (*train, *valid))

    def predict(self, bag: Bag) -> Output:
        self.types.add(bag.x.dtype)
        return Output(logits=torch.zeros(self.n_classes))


def data(shift: float = 1.5, features: int = 6) -> Resident:
    """Return 40 bags of 3 to 6 instances; those of class 1 are shifted."""
    draw = torch.Generator().manual_seed(0)
    sizes = [3 + bag % 4 for bag in range(40)]
    labels = tuple(bag % 2 for bag in range(40))
    shifts = torch.tensor(labels).repeat_interleave(torch.tensor(sizes))[:, None] * shift
    x = torch.randn(sum(sizes), features, generator=draw) + shifts
    return Resident(x, (0, *np.cumsum(sizes).tolist()), None, labels, 2)


def trained(target: object, precision: str, bags: Resident | None = None, **changes):
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "test"),
        args={},
        recipe=Recipe(lr=1e-3, epochs=6, patience=0),
        standardise=True,
        threshold="half",
        settings="",
        precision=precision,
    )
    needs = frozenset({"levels"} if changes.get("levels") else ())
    record = Aggregator(name="test", target=target, summary="test", needs=needs)
    run = Run(replace(cell, **changes), 0, 0, 0, "")
    return train_run(run, record, bags or data(), PART)


def torch_methods() -> list[str]:
    """Return the built-in methods that train on features by a loss."""
    offers = load_registry().offers("aggregator")
    found = (o for o in offers if not hasattr(o.record.load(), "fit"))
    return [o.record.name for o in found if "images" not in o.record.needs]


def test_layers_are_rounded_and_the_loss_is_not():
    """Bags and layers are bfloat16; what the loss sees, and its gradient, are float32."""
    Watches.seen.clear()
    outcome = trained(Watches, "bfloat16")

    assert Watches.seen == {
        ("bag", BF16),
        ("layer", BF16),
        ("loss", torch.float32),
        ("gradient", torch.float32),
        ("autocast", False),
    }
    assert outcome.fitted.precision == "bfloat16"
    assert outcome.fitted.matmul == "default"


def test_weights_stay_float32():
    """Weights move by less than bfloat16 could hold: 1e-5 about 1 is lost in 8 bits."""
    kept = []

    class Keeps(Watches):
        def __init__(self, in_dim: int, n_classes: int) -> None:
            super().__init__(in_dim, n_classes)
            nn.init.ones_(self.head.weight)
            kept.append(self)

    recipe = Recipe(lr=1e-5, epochs=1, patience=0, weight_decay=0.0)
    trained(Keeps, "bfloat16", recipe=recipe)
    weight = kept[0].head.weight.detach()

    assert weight.dtype == torch.float32
    assert 0 < float((weight - 1).abs().max()) < 1e-3


@pytest.mark.parametrize("method", torch_methods())
def test_every_built_in_method_predicts_as_in_float32(method):
    """Predictions are finite, and close to those of float32 where the problem is easy."""
    record = load_registry().record(Aggregator, method)
    given = {"args": SMALL.get(method, {})}
    bags = data()
    if "levels" in record.needs:  # a third class, that no bag has, makes a tree
        given["levels"] = Levels(name="three", coarse=("a", "bc"), parents=(0, 1, 1))
        bags = replace(bags, n_classes=3)
    precisions = ("float32", "bfloat16")
    single, half = (trained(record.load(), name, bags, **given) for name in precisions)

    assert half.test.dtype == np.float64
    assert np.isfinite(half.test).all()
    np.testing.assert_allclose(half.test.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(half.test, single.test, atol=0.02)
    assert half.fitted.precision == "bfloat16"
    assert single.fitted.precision == "float32"


def test_float32_is_computed_without_autocast():
    """A float32 run is the network itself, not a wrapper about it."""
    model = Watches(2, 2)

    assert forward_in("float32", model) is model


def test_a_method_that_trains_itself_is_given_float32_and_says_so():
    """``fit`` and ``predict`` see float32, whatever the suite asks for."""
    Own.types.clear()
    outcome = trained(Own, "bfloat16")

    assert Own.types == {torch.float32}
    assert outcome.fitted.precision == "float32"


def test_predicted_logits_are_float32():
    """Only then are probabilities computed, in float64."""
    model = forward_in("bfloat16", Watches(4, 2))

    assert model(Bag(x=torch.ones(3, 4, dtype=BF16))).logits.dtype == torch.float32


def test_features_are_scaled_before_they_are_rounded():
    """About 1000 bfloat16 counts in steps of 4: rounded first, a spread of 1 would be lost."""
    far = replace(data(), x=data().x + 1000.0)
    scaler = fit_scaler(far, PART.train)
    seen = torch.cat([FoldBags(far, scaler, dtype=BF16)[bag].x for bag in range(40)])

    assert torch.equal(seen, scaler(far.x).to(BF16))
    assert float((scaler(far.x.to(BF16)) - scaler(far.x)).abs().mean()) > 0.5


def test_features_take_half_the_memory_and_keep_their_range():
    """Two bytes a value; float32's largest and smallest powers of ten stay what they are."""
    wide = replace(data(), x=data().x * torch.tensor([1e38, 1e-38, 1.0, 1.0, 1.0, 1.0]))
    bag = FoldBags(wide, None, dtype=BF16)[0].x

    assert bag.element_size() == 2
    assert torch.isfinite(bag).all()
    torch.testing.assert_close(bag.float(), wide.x[:3], rtol=2**-8, atol=0.0)


@pytest.mark.parametrize("eager", [0, 2**30])
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_a_bag_is_the_same_rounded_at_once_or_when_used(eager, stored, monkeypatch):
    """The size at which a fold keeps a copy changes no bit, nor do the blocks it is made in."""
    monkeypatch.setattr("milbench.train.resident.EAGER_BYTES", eager)
    monkeypatch.setattr("milbench.train.resident.BLOCK", 7)
    half = replace(data(), x=data().x.to(stored))
    scaler = fit_scaler(half, PART.train)
    bags = FoldBags(half, scaler, dtype=BF16)

    for bag in range(40):
        rows = slice(half.offsets[bag], half.offsets[bag + 1])
        assert torch.equal(bags[bag].x, scaler(half.x[rows]).to(BF16))


def test_prepare_is_given_float32():
    """A method's own work on a bag is done in float32, and its result rounded."""
    given = []

    def prepare(bag: Bag) -> Bag:
        given.append(bag.x.dtype)
        return Bag(x=bag.x.mean(dim=0, keepdim=True))

    bag = FoldBags(data(), None, prepare, dtype=BF16)[0]

    assert given == [torch.float32]
    assert torch.equal(bag.x, data().x[:3].mean(dim=0, keepdim=True).to(BF16))


def test_bags_prepared_for_another_method_are_rounded_too():
    """Another ``prepare`` of the same fold sees float32 and gives bfloat16."""
    bags = FoldBags(data(), None, dtype=BF16).preparing(lambda bag: Bag(x=bag.x * 2))

    assert torch.equal(bags[0].x, (data().x[:3] * 2).to(BF16))


def test_a_typical_bag_has_the_mean_size_and_no_instance():
    """178 instances in 40 bags are 4 a bag, all zeros, in the type a method is given."""
    typical = FoldBags(data(), None, dtype=BF16).typical()

    assert typical.x.shape == (round(len(data().x) / 40), 6)
    assert typical.x.dtype == BF16
    assert not typical.x.any()


def test_a_run_in_bfloat16_takes_no_float32_product():
    """It has a product of its own, so the one of large float32 steps is left alone."""
    bags = replace(data(), matmul=Matmul("onednn", 0.0))

    assert trained(Watches, "float32", bags).fitted.matmul == "onednn"
    assert trained(Watches, "bfloat16", bags).fitted.matmul == "default"
