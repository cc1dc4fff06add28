"""Which steps are large: counted by hand, the same for all runs of a cell."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from milbench import Aggregator, Bag, Output, Recipe
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run, train_stack
from milbench.train.flop import step_flop
from milbench.train.matmul import Matmul
from milbench.train.resident import FoldBags, Resident

PART = Part(train=np.arange(0, 8), val=np.arange(8, 10), test=np.arange(10, 12))
# 12 bags of 5 instances, 4 features: embed 2 * 5 * 4 * 3, head 2 * 1 * 3 * 2, times 3.
FLOP = 3 * (2 * 5 * 4 * 3 + 2 * 1 * 3 * 2)


class Two(nn.Module):
    """Two layers with the mean between them."""

    def __init__(self, in_dim: int, n_classes: int) -> None:
        super().__init__()
        self.embed = nn.Linear(in_dim, 3)
        self.head = nn.Linear(3, n_classes)

    def forward(self, bag: Bag) -> Output:
        mean = self.embed(bag.x).mean(dim=0, keepdim=True)
        return Output(logits=self.head(mean).squeeze(0))


class Own(Two):
    """A method that trains itself."""

    def fit(self, train, valid, context) -> None:
        self.seen = {example.bag.x.dtype for example in train}

    def predict(self, bag: Bag) -> Output:
        return Output(logits=torch.zeros(2))


def data(matmul: Matmul) -> Resident:
    labels = tuple(bag % 2 for bag in range(12))
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(60, 4, generator=draw)
    return Resident(x, tuple(range(0, 61, 5)), None, labels, 2, matmul)


def run_of(**changes) -> Run:
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "test"),
        args={},
        recipe=Recipe(epochs=2, patience=0),
        standardise=True,
        threshold="half",
        settings="",
    )
    return Run(replace(cell, **changes), 0, 0, 0, "")


def trained(target: type, matmul: Matmul, **changes):
    record = Aggregator(name="test", target=target, summary="test")
    return train_run(run_of(**changes), record, data(matmul), PART)


def test_a_step_is_counted_on_the_mean_bag():
    """Forward by hand, and twice that for the backward pass; mode and numbers stay."""
    model = Two(4, 2).train()
    state = torch.get_rng_state()

    assert step_flop(model, FoldBags(data(Matmul()), None).typical()) == FLOP
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_method_that_cannot_take_the_bag_counts_as_small():
    """The bag of zeros is the probe's, not the user's: it is no reason to fail."""
    assert step_flop(Two(5, 2), FoldBags(data(Matmul()), None).typical()) == 0.0


@pytest.mark.parametrize(
    ("matmul", "used"),
    [
        (Matmul("onednn", FLOP), "onednn"),
        (Matmul("onednn", FLOP + 1), "default"),
        (Matmul("onednn", 0.0), "onednn"),
        (Matmul("default", 0.0), "default"),
    ],
)
def test_large_steps_take_the_product_and_small_ones_do_not(matmul, used):
    """The bound itself is large; what was used is said, and torch is as before."""
    before = torch.get_float32_matmul_precision()

    assert trained(Two, matmul).fitted.matmul == used
    assert torch.get_float32_matmul_precision() == before


def test_training_and_prediction_use_the_product():
    """Inside the method, torch is set to the product that is recorded."""
    seen = set()

    class Watches(Two):
        def forward(self, bag: Bag) -> Output:
            seen.add((self.training, torch.is_grad_enabled(), torch.get_float32_matmul_precision()))
            return super().forward(bag)

    trained(Watches, Matmul("onednn", 1.0))
    seen.discard((False, False, "highest"))  # the count of operations, before anything is chosen

    assert {named for _, _, named in seen} == {"medium"}
    assert {training for training, _, _ in seen} == {True, False}


def test_a_method_that_trains_itself_keeps_the_default():
    """``fit`` is the method's own business: its product is not chosen for it."""
    assert trained(Own, Matmul("onednn", 0.0)).fitted.matmul == "default"


def test_both_products_give_one_result():
    """They differ by rounding."""
    default, other = (trained(Two, Matmul(name, 0.0)).test for name in ("default", "onednn"))

    np.testing.assert_allclose(other, default, atol=1e-5)


@pytest.mark.parametrize(
    ("matmul", "expected"),
    [
        (Matmul("onednn", 100e6), "default"),  # the verdict of the machine, for large steps
        (Matmul("onednn", 0.0), "onednn"),  # asked for
        (Matmul(), "default"),
    ],
)
def test_a_stack_multiplies_by_onednn_only_where_it_is_asked_for(matmul, expected):
    """The record says so, and predictions agree with those of the default product."""
    record = Aggregator(name="two", target=Two, summary="test")
    (found,) = train_stack([run_of()], record, data(matmul), [PART])
    (plain,) = train_stack([run_of()], record, data(Matmul()), [PART])

    assert found.fitted.matmul == expected
    np.testing.assert_allclose(found.test, plain.test, atol=1e-5)
