"""Promises of the shared blocks."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from milbench.errors import ShapeError
from milbench.nn import (
    AttentionScores,
    attention_pool,
    check_instances,
    embedding_stack,
    glorot_start,
    logit_count,
    with_negative,
)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (5, 4), (1, 5, 3), (5, 1, 28, 28)])
def test_a_bag_of_another_shape_is_refused_with_both_shapes(shape):
    """The message says what was found and what was expected."""
    with pytest.raises(ShapeError) as error:
        check_instances(torch.zeros(shape), 3)

    assert str(shape) in str(error.value)
    assert "(N, 3)" in str(error.value)


def test_a_bag_of_one_instance_is_accepted():
    """N >= 1 is all that is asked."""
    check_instances(torch.zeros(1, 3), 3)


def test_embedding_stack_has_a_layer_a_width_and_one_dropout():
    """Linear and ReLU for each width, chained, then dropout."""
    stack = embedding_stack(7, (5, 4), 0.3)

    kinds = [type(layer) for layer in stack]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Dropout]
    assert stack[0].weight.shape == (5, 7)
    assert stack[2].weight.shape == (4, 5)
    assert stack[4].p == 0.3


def test_embedding_stack_without_widths_keeps_the_features():
    """A method with ``hidden=()`` works on the features themselves."""
    x = torch.tensor([[1.0, -2.0]])

    assert_close(embedding_stack(2, (), 0.5).eval()(x), x)


def test_glorot_start_by_its_formula():
    """Weights spread over +-sqrt(6 / (in + out)), here 0.1, and biases are zero."""
    layer = nn.Linear(400, 200)
    glorot_start(layer)

    assert 0.0999 < layer.weight.abs().max() <= 0.1
    assert not layer.bias.any()


def test_plain_attention_scores_by_hand():
    """Score = w tanh(V h + b) + c: tanh(ln 3) = 0.8, so 2 * 0.8 + 0.5 = 2.1."""
    attention = AttentionScores(1, 1, gated=False)
    set_parameters(attention, content=(1.0, math.log(3) - 1), score=(2.0, 0.5))

    assert_close(attention(torch.ones(1, 1)), torch.tensor([2.1]))


def test_gated_attention_scores_by_hand():
    """The gate sigmoid(ln 3) = 0.75 scales tanh(ln 3) = 0.8: 2 * 0.8 * 0.75 + 0.5 = 1.7."""
    attention = AttentionScores(1, 1, gated=True)
    set_parameters(
        attention, content=(1.0, math.log(3) - 1), gate=(math.log(3), 0.0), score=(2.0, 0.5)
    )

    assert_close(attention(torch.ones(1, 1)), torch.tensor([1.7]))


def set_parameters(attention, **values):
    with torch.no_grad():
        for name, (weight, bias) in values.items():
            getattr(attention, name).weight.fill_(weight)
            getattr(attention, name).bias.fill_(bias)


def test_attention_pool_by_hand():
    """Scores 0 and ln 3 weigh 1/4 and 3/4."""
    x = torch.tensor([[4.0, 0.0], [0.0, 8.0]])

    pooled, weights = attention_pool(x, torch.tensor([0.0, math.log(3)]))

    assert_close(weights, torch.tensor([0.25, 0.75]))
    assert_close(pooled, torch.tensor([1.0, 6.0]))


@given(scores=st.lists(st.floats(-50, 50), min_size=1, max_size=20), shift=st.floats(-50, 50))
def test_attention_ignores_a_shift_of_all_scores(scores, shift):
    """Weights sum to 1, and only differences between scores matter."""
    scores = torch.tensor(scores, dtype=torch.float64)
    x = torch.eye(len(scores), dtype=torch.float64)

    pooled, weights = attention_pool(x, scores)

    assert_close(weights.sum(), torch.tensor(1.0, dtype=torch.float64))
    assert_close(attention_pool(x, scores + shift)[0], pooled)


@pytest.mark.parametrize(("x", "scores"), [((5, 3), (4,)), ((5, 3), (5, 1)), ((5,), (5,))])
def test_attention_pool_refuses_scores_that_do_not_match(x, scores):
    """One score an instance; no broadcasting by accident."""
    with pytest.raises(ShapeError, match="one score for each instance"):
        attention_pool(torch.zeros(x), torch.zeros(scores))


@pytest.mark.parametrize(("classes", "logits"), [(2, 1), (3, 3), (7, 7)])
def test_two_classes_need_one_logit(classes, logits):
    """One sigmoid decides between two classes."""
    assert logit_count(classes) == logits


@given(z=st.floats(-30, 30), label=st.sampled_from([0, 1]))
def test_one_positive_logit_is_a_sigmoid_under_softmax_and_cross_entropy(z, label):
    """Softmax of (0, z) is sigmoid(z), and cross-entropy the Bernoulli likelihood."""
    logit = torch.tensor([z], dtype=torch.float64)
    pair = with_negative(logit)

    assert_close(pair.softmax(0)[1], logit.sigmoid()[0])
    expected = F.binary_cross_entropy_with_logits(logit[0], torch.tensor(float(label)).double())
    assert_close(F.cross_entropy(pair, torch.tensor(label)), expected)


def test_several_logits_stay_as_they_are():
    """Only a single logit gets a companion."""
    logits = torch.tensor([[1.0, 2.0, 3.0]])

    assert with_negative(logits) is logits
