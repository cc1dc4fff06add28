"""keras-simple: the published numbers, the sizes of its parts, and what order means to it."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from milbench import Bag, MilbenchError, Recipe
from milbench.errors import ShapeError
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_run, unsuitable
from milbench.train.resident import Resident
from milbench_aggregators import milbench_aggregators
from milbench_aggregators.keras_simple import KerasSimple, KerasSimpleCNN, KerasSimpleSum

# Made by running the repository's attention in float64 on integer formulas.
ATTENTION = [0.26137824, 0.26652754, 0.23356002, 0.23853419]
FIRST_SLOT = [-0.26137824, -0.17338953, -0.08540081, 0.0025879, 0.09057662, 0.17856533]


@pytest.fixture
def bare(rule):
    """Return a function that builds a model without embedding, its attention filled, its head zero.

    On 6 features; the matrices of the attention are laid out as Keras does, (inputs, outputs).
    """

    def matrix(rows, columns, position):
        v = rule.values(rows * columns, position)
        return (2 * v / math.sqrt(rows)).reshape(rows, columns)

    def build(method, n_classes, **settings):
        model = method(6, n_classes, hidden=(), dropout=(), attention=5, **settings)
        model = model.double().eval()
        with torch.no_grad():
            model.attention.content.weight.copy_(matrix(6, 5, 0).T)
            model.attention.score.weight.copy_(matrix(5, 1, 1).T)
            model.attention.gate.weight.copy_(matrix(6, 5, 2).T)
            model.head.weight.zero_()
        return model

    return build


def test_attention_and_concatenation_equal_the_repository(rule, bare):
    """Softmax over four slots, and the first slot of the long vector, read by an identity."""
    model = bare(KerasSimple, 6, slots=4)
    torch.nn.init.eye_(model.head.weight)  # logits are the first six values

    output = model(Bag(rule.x(4, 6)))

    expected = torch.tensor(ATTENTION, dtype=torch.float64)
    assert_close(output.scores, expected, atol=1e-6, rtol=0)
    expected = torch.tensor(FIRST_SLOT, dtype=torch.float64)
    assert_close(output.logits, expected, atol=1e-6, rtol=0)


def test_sum_head_adds_the_slots(rule, bare):
    """What the concat head reads in slots of its own, the sum head reads added up."""
    x = rule.x(4, 6)
    model = bare(KerasSimpleSum, 6)
    torch.nn.init.eye_(model.head.weight)

    expected = torch.tensor(ATTENTION, dtype=torch.float64) @ x
    assert_close(model(Bag(x)).logits, expected, atol=1e-6, rtol=0)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_whole_network_is_as_large_as_the_repository_s():
    """63,927,842 parameters, counted without making them."""
    with torch.device("meta"):
        assert count(KerasSimpleCNN(3 * 256 * 256, 2)) == 63_927_842


def test_dense_part_has_the_published_layers():
    """512, 512, 256; attention of 1024 without biases; 40 slots; a logit a class."""
    dense = 101 * 512 + 513 * 512 + 513 * 256

    expected = dense + 2 * 256 * 1024 + 1024
    assert count(KerasSimple(100, 2)) == expected + (40 * 256 + 1) * 2
    assert count(KerasSimpleSum(100, 2)) == expected + 257 * 2
    rates = [m.p for m in KerasSimple(100, 2).modules() if isinstance(m, torch.nn.Dropout)]
    assert rates == [0.5, 0.5, 0.2]


def test_order_has_a_meaning(rule):
    """Reversed instances have reversed attention and other logits: what ``needs`` says."""
    torch.manual_seed(0)
    model, x = KerasSimple(6, 2).eval(), rule.x(5, 6).float()

    one, other = model(Bag(x)), model(Bag(x.flip(0)))

    assert_close(other.scores, one.scores.flip(0))
    assert not torch.allclose(other.logits, one.logits, atol=1e-4)


def test_smaller_bag_leaves_the_last_slots_empty(rule):
    """Weights of slots beyond the bag have no effect, those of its own slots do."""
    torch.manual_seed(0)
    model, bag = KerasSimple(6, 2, slots=4).eval(), Bag(rule.x(3, 6).float())
    before = model(bag).logits

    with torch.no_grad():
        model.head.weight[:, 3 * 256 :] += 1.0
    assert_close(model(bag).logits, before)
    with torch.no_grad():
        model.head.weight[:, 2 * 256 : 3 * 256] += 1.0
    assert not torch.allclose(model(bag).logits, before)


def test_larger_bag_is_refused():
    """The message says both numbers and the ways out."""
    with pytest.raises(ShapeError, match=r"41 instances; keras-simple has 40 slots.*set slots"):
        KerasSimple(6, 2)(Bag(torch.zeros(41, 6)))


def test_layers_start_as_keras_does():
    """Zero biases, and weights within Glorot's bound, nearly up to it."""
    model = KerasSimple(100, 2)
    weight = model.embed.stack[0].weight
    bound = math.sqrt(6 / (100 + 512))  # Glorot and Bengio 2010, eq. 16

    assert not any(p.any() for name, p in model.named_parameters() if name.endswith("bias"))
    assert 0.99 * bound < weight.abs().max() <= bound


def test_rates_and_widths_must_match():
    """The message names both counts."""
    with pytest.raises(MilbenchError, match="1 widths in hidden and 3 rates in dropout"):
        KerasSimple(6, 2, hidden=(8,))


IMAGE = (2, 12, 14)  # two convolutions and a pooling, twice: 32 x 1 x 1 values


@pytest.fixture
def small():
    torch.manual_seed(0)
    return KerasSimpleCNN(2 * 12 * 14, 3, image=IMAGE, slots=4).eval()


def test_tiles_as_bytes_as_floats_and_as_rows_are_the_same(small):
    """Bytes keep their range of 0 to 255, as in the repository."""
    tiles = torch.arange(3 * 336).remainder(256).to(torch.uint8).reshape(3, *IMAGE)

    output = small(Bag(tiles))

    assert output.logits.shape == (3,)
    assert output.scores.shape == (3,)
    assert_close(small(Bag(tiles.float())).logits, output.logits)
    assert_close(small(Bag(tiles.float().flatten(1))).logits, output.logits)


def test_gradient_reaches_every_weight_of_the_cnn(small):
    """The tiles' network is trained with the rest."""
    small(Bag(torch.rand(4, *IMAGE))).logits[0].backward()

    assert all(p.grad.any() for p in small.parameters())


@pytest.mark.parametrize("shape", [(3, 2, 12, 13), (3, 335), (0, 336)])
def test_other_tiles_are_refused(small, shape):
    """The error names the shape that came."""
    with pytest.raises(ShapeError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        small(Bag(torch.zeros(shape)))


@pytest.mark.parametrize(("in_dim", "image"), [(100, (3, 256, 256)), (192, (3, 8, 8))])
def test_tiles_of_another_size_are_refused_at_once(in_dim, image):
    """Too few values, or tiles too small for two poolings."""
    with pytest.raises(MilbenchError, match=f"instances of {in_dim} values"):
        KerasSimpleCNN(in_dim, 2, image=image)


def test_tiles_are_trained_end_to_end():
    """By the harness, on bytes that nothing standardises: bright bags are told from dark ones."""
    rows, labels = 60, tuple(b % 2 for b in range(20))
    x = torch.randint(0, 160, (rows, *IMAGE), generator=torch.Generator().manual_seed(0))
    x += 60 * torch.tensor(labels).repeat_interleave(3)[:, None, None, None]
    tiles = Resident(x.byte(), tuple(range(0, rows + 1, 3)), None, labels, 2)
    record = next(r for r in milbench_aggregators() if r.name == "keras-simple-cnn")
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "toy"),
        args={"image": list(IMAGE), "slots": 3},
        recipe=Recipe(lr=1e-3, epochs=20, patience=0),
        standardise=True,
        threshold="half",
        settings="",
    )
    part = Part(train=np.arange(12), val=np.arange(12, 16), test=np.arange(16, 20))

    outcome = train_run(Run(cell, 0, 0, 0, ""), record, tiles, part)

    assert unsuitable(record, tiles) == ""
    assert outcome.test.argmax(axis=1).tolist() == [0, 1, 0, 1]
