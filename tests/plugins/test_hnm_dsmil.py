"""hnm-dsmil: which bags make a step, and the loss of a step, by hand."""

import math
from itertools import compress

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from milbench import Bag, Context, Output
from milbench_aggregators.dsmil import Streams
from milbench_aggregators.hnm_dsmil import HNMDSMIL

LN3 = math.log(3)


def said(bag, instances):
    """Return the output of a bag with these logits of the bag (S,) and of its instances (N, S)."""
    unused = torch.empty(0)
    streams = Streams(torch.tensor(bag), torch.tensor(instances), unused, unused, unused)
    return Output(streams.bag, extra=streams)


def loss(model, outputs, labels, counts=()):
    context = Context(n_classes=model.network.n_classes, class_counts=counts)
    return model.loss(outputs, [torch.tensor(label) for label in labels], context)


@given(st.lists(st.integers(0, 1), max_size=60))
def test_two_classes_are_paired_in_their_order(labels):
    """The k-th positive bag meets the k-th negative one, up to the rarer class: as published."""
    pairs = HNMDSMIL(4, 2).join(labels)

    positive = list(compress(range(len(labels)), labels))
    negative = [place for place in range(len(labels)) if place not in positive]
    expected = [set(pair) for pair in zip(positive, negative, strict=False)]
    assert [set(pair) for pair in pairs] == expected


@given(st.lists(st.integers(0, 4), max_size=60))
def test_pairs_of_many_classes(labels):
    """Two classes in each pair, no bag twice, and what is left over is of one class."""
    pairs = HNMDSMIL(4, 5).join(labels)

    paired = [place for pair in pairs for place in pair]
    assert len(paired) == len(set(paired))
    assert all(labels[a] != labels[b] for a, b in pairs)
    assert len({label for place, label in enumerate(labels) if place not in paired}) <= 1


POSITIVE = said([LN3], [[2.0], [1.0], [-5.0]])
NEGATIVE = said([0.0], [[0.5], [0.0], [-9.0]])
# -ln sigmoid(ln 3) = ln 4/3; of the negative bag -ln(1 - sigmoid(0)) = ln 2. Highest instances:
# ln(1 + e^-2) and ln(1 + e^0.5).
OF_BAGS = (math.log(4 / 3), math.log(2))
OF_HIGHEST = (math.log1p(math.exp(-2)), math.log1p(math.exp(0.5)))
# Two highest: means 1.5 and 0.25; the hinge lacks 1 + 0.25 - 1.5 < 0, so the pair is ranked.
# All three: means -2/3 and -17/6; 1 - 17/6 + 2/3 < 0.


def by_hand(weight=1.0, hinge=0.0):
    means = [(weight * positive + negative) / 2 for positive, negative in (OF_BAGS, OF_HIGHEST)]
    return torch.tensor(0.5 * means[0] + 0.5 * means[1] + 0.1 * hinge)


@pytest.mark.parametrize(
    ("top", "margin", "hinge"),
    [
        (2, 1.0, 0.0),
        (2, 1.5, 0.25),  # 1.5 + 0.25 - 1.5
        (1, 2.0, 0.5),  # 2 + 0.5 - 2
        (10, 3.0, 5 / 6),  # all of three: 3 - 17/6 + 2/3
    ],
)
def test_loss_of_a_pair_by_hand(top, margin, hinge):
    """Half from the bags, half from their highest instances, a tenth of the hinge."""
    model = HNMDSMIL(4, 2, top=top, margin=margin)

    assert_close(loss(model, [POSITIVE, NEGATIVE], [1, 0]), by_hand(hinge=hinge))


def test_which_bag_comes_first_has_no_effect():
    """A pair is a positive and a negative bag, however they are named."""
    model = HNMDSMIL(4, 2, margin=5.0)

    first = loss(model, [POSITIVE, NEGATIVE], [1, 0])
    assert_close(loss(model, [NEGATIVE, POSITIVE], [0, 1]), first)
    assert loss(model, [POSITIVE, NEGATIVE], [0, 1]) > first


def test_positive_bags_weigh_as_there_are_fewer_of_them():
    """30 negative and 10 positive bags: a positive one counts three times, the hinge once."""
    model = HNMDSMIL(4, 2, top=1, margin=2.0)

    found = loss(model, [POSITIVE, NEGATIVE], [1, 0], counts=(30, 10))
    assert_close(found, by_hand(weight=3.0, hinge=0.5))


def test_more_classes_are_ranked_in_the_streams_of_the_two_bags():
    """Of classes 0 and 2: hinges 1 - (2 - 1) and 1 - (0.5 - 1), mean 0.75; class 1 has no part."""
    model = HNMDSMIL(4, 3, rank_weight=1.0)
    bags = [said([0.0] * 3, [[2.0, 9.0, 1.0]]), said([0.0] * 3, [[1.0, 0.0, 0.5]])]

    with_rank = loss(model, bags, [0, 2])
    model.rank_weight = 0.0
    assert_close(with_rank - loss(model, bags, [0, 2]), torch.tensor(0.75))


def test_a_bag_without_a_partner_has_no_hinge():
    """Cross-entropies only: ln 4/3 and ln(1 + e^-2)."""
    found = loss(HNMDSMIL(4, 2), [POSITIVE], [1])

    assert_close(found, torch.tensor(0.5 * OF_BAGS[0] + 0.5 * OF_HIGHEST[0]))


@pytest.mark.parametrize("n_classes", [2, 7])
def test_gradient_of_a_pair_reaches_every_parameter(n_classes):
    """The loss of two bags trains the whole network."""
    torch.manual_seed(0)
    model = HNMDSMIL(6, n_classes)
    outputs = [model(Bag(torch.randn(size, 6))) for size in (3, 12)]
    loss(model, outputs, [1, 0], counts=(4,) * n_classes).backward()

    assert all(p.grad.any() and p.grad.isfinite().all() for p in model.parameters())
