"""Outputs of the built-in methods against published code and hand calculations.

The golden numbers were made by running the authors' files in float64 with parameters and inputs
filled by integer formulas: binli123/dsmil-wsi (commit 80465ed) and, for the older DSMIL,
winston52/HNM-WSI (commit 355e7bd).
"""

import math

import pytest
import torch
from torch.testing import assert_close

from milbench import Bag, Context, MilbenchError, Output
from milbench_aggregators.abmil import ABMIL
from milbench_aggregators.dsmil import DSMIL, Streams
from milbench_aggregators.dsmil_classic import DSMILClassic
from milbench_aggregators.hnm_dsmil import HNMDSMIL
from milbench_aggregators.max import Max
from milbench_aggregators.mean import Mean
from milbench_aggregators.mi_net_embedding import MiNetEmbedding
from milbench_aggregators.mi_net_instance import MiNetInstance


def assert_golden(found, expected):
    assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_dsmil_with_one_stream_equals_the_authors_code(rule):
    """Bag logit, critical instance, attention and bag vector of seven instances."""
    output = rule.filled(DSMIL(16, 2))(Bag(rule.x(7, 16)))
    said = output.extra

    assert_golden(output.logits, [0.0, 0.20988015])
    assert said.critical.tolist() == [5]
    assert_golden(said.instances.amax(0), [0.24665032])
    assert_golden(
        output.scores,
        [0.14369496, 0.1434152, 0.14149016, 0.1454389, 0.13962028, 0.14535535, 0.14098515],
    )
    assert_golden(said.vectors[0, :3], [-0.01409362, -0.12602535, -0.21858947])


def test_dsmil_with_two_streams_equals_the_authors_code(rule):
    """Two positive classes, mixed by the last layer."""
    output = rule.filled(DSMIL(16, 2, negative=False))(Bag(rule.x(7, 16)))

    assert_golden(output.logits, [0.13577567, 0.03493344])
    assert output.extra.critical.tolist() == [5, 1]
    assert_golden(output.extra.instances.amax(0), [0.24665032, 0.57906208])


def test_dsmil_is_as_large_as_the_authors_network():
    """Parameters with one stream on 512 features, and two on 1024."""
    assert count(DSMIL(512, 2)) == 83_202
    assert count(DSMIL(1024, 2, negative=False)) == 153_860


@pytest.mark.parametrize("method", [DSMILClassic, HNMDSMIL])
def test_older_dsmil_with_one_stream_equals_the_code_of_its_users(method, rule):
    """Bag logit, attention and bag vector of seven instances."""
    output = rule.filled(method(16, 2))(Bag(rule.x(7, 16)))

    assert_golden(output.logits, [0.0, -0.07536598])
    assert_golden(output.scores[0], 0.14346684)
    assert_golden(output.extra.vectors[0, :3], [0.00009971, 0.01454005, -0.11780231])


@pytest.mark.parametrize("method", [DSMILClassic, HNMDSMIL])
def test_older_dsmil_with_two_streams_equals_the_code_of_its_users(method, rule):
    """Two positive classes, mixed by the last layer; the instance stream is that of DSMIL."""
    output = rule.filled(method(16, 2, negative=False))(Bag(rule.x(7, 16)))

    assert_golden(output.logits, [-0.01204082, -0.11458086])
    assert output.extra.critical.tolist() == [5, 1]
    assert_golden(output.extra.instances.amax(0), [0.24665032, 0.57906208])


@pytest.mark.parametrize("method", [DSMILClassic, HNMDSMIL])
def test_older_dsmil_is_as_large_as_that_of_its_users(method):
    """Parameters with one stream on 512 features, and two on 1024."""
    assert count(method(512, 2)) == 592_002
    assert count(method(1024, 2, negative=False)) == 2_236_548


def test_older_dsmil_keeps_the_start_of_pytorch():
    """Its users set nothing: biases are not zero, and rows are not orthonormal."""
    model = DSMILClassic(16, 3)

    weight = model.instances.weight
    assert (weight.norm(dim=1) < 1).all()  # uniform within 1 / sqrt(16): the square mean is 1/3
    assert all(p.any() for name, p in model.named_parameters() if name.endswith("bias"))


def test_dsmil_starts_orthogonal_with_zero_biases():
    """Rows of a start weight are orthonormal."""
    model = DSMIL(16, 3)

    weight = model.instances.weight
    assert_close(weight @ weight.T, torch.eye(3))
    assert all(not p.any() for name, p in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(("label", "probabilities"), [(1, (3 / 4, 1 / 2)), (0, (1 / 4, 1 / 2))])
def test_dsmil_loss_of_two_classes_by_hand(label, probabilities):
    """Half from the bag logit ln 3, half from the highest instance logit 0."""
    said = streams(bag=[math.log(3)], instances=[[-5.0], [0.0]])

    loss = DSMIL(4, 2).loss(Output(said.bag, extra=said), torch.tensor(label), Context(n_classes=2))

    expected = sum(-0.5 * math.log(probability) for probability in probabilities)
    assert_close(loss, torch.tensor(expected))


def test_dsmil_loss_of_three_classes_is_one_against_the_rest():
    """Class 2 present, 0 and 1 absent; all instance logits 0."""
    said = streams(bag=[0.0, math.log(3), math.log(3)], instances=[[0.0, 0.0, 0.0]])

    loss = DSMIL(4, 3).loss(Output(said.bag, extra=said), torch.tensor(2), Context(n_classes=3))

    bag = -(math.log(1 / 2) + math.log(1 / 4) + math.log(3 / 4)) / 3
    assert_close(loss, torch.tensor(0.5 * bag + 0.5 * math.log(2)))


def streams(bag, instances):
    unused = torch.empty(0)
    return Streams(torch.tensor(bag), torch.tensor(instances), unused, unused, unused)


def identity_head(model):
    """Make the last layer hand through what it gets."""
    with torch.no_grad():
        torch.nn.init.eye_(model.head.weight)
        model.head.bias.zero_()
    return model.eval()


def test_mean_by_hand():
    """The mean of (1, 5) and (3, 1) is (2, 3)."""
    output = identity_head(Mean(2, 2))(Bag(torch.tensor([[1.0, 5.0], [3.0, 1.0]])))

    assert_close(output.logits, torch.tensor([2.0, 3.0]))


def test_max_by_hand():
    """The maximum of (1, 5) and (3, 1) is (3, 5)."""
    output = identity_head(Max(2, 2))(Bag(torch.tensor([[1.0, 5.0], [3.0, 1.0]])))

    assert_close(output.logits, torch.tensor([3.0, 5.0]))


@pytest.mark.parametrize(
    ("pooling", "exponentials"), [("max", (1, 3)), ("mean", (3 / 8, 5 / 8)), ("lse", (1, 2))]
)
def test_mi_net_instance_by_hand(pooling, exponentials):
    """Instances at 1/2 and 3/4: mean (3/8, 5/8); lse averages their odds 1 and 3 to 2."""
    model = identity_head(MiNetInstance(1, 2, pooling=pooling, hidden=()))

    output = model(Bag(torch.tensor([[0.0], [math.log(3)]])))

    assert_close(output.logits.exp(), torch.tensor(exponentials, dtype=torch.float32))
    assert_close(output.scores, torch.tensor([0.0, math.log(3)]))


def test_mi_net_instance_averages_the_probabilities_of_several_classes():
    """Means of (1, 1, 2)/4 and (5, 2, 1)/8 are (7, 4, 5)/16."""
    model = identity_head(MiNetInstance(3, 3, pooling="mean", hidden=()))

    output = model(Bag(torch.tensor([[1.0, 1.0, 2.0], [5.0, 2.0, 1.0]]).log()))

    assert_close(output.logits.softmax(0), torch.tensor([7.0, 4.0, 5.0]) / 16)


@pytest.mark.parametrize(
    ("pooling", "odds"),
    [("max", (5, 3, 7)), ("mean", (5**0.5, 3**0.5, 7**0.5)), ("lse", (3, 2, 4))],
)
def test_mi_net_embedding_by_hand(pooling, odds):
    """Embeddings (0, ln 3, 0) and (ln 5, 0, ln 7) pooled feature by feature."""
    model = identity_head(MiNetEmbedding(3, 3, pooling=pooling, hidden=()))

    output = model(Bag(torch.tensor([[1.0, 3.0, 1.0], [5.0, 1.0, 7.0]]).log()))

    assert_close(output.logits.exp(), torch.tensor(odds, dtype=torch.float32))


@pytest.mark.parametrize("method", [MiNetInstance, MiNetEmbedding])
def test_mi_nets_have_the_published_layers(method):
    """166 features, then 256, 128, 64 and one output; dropout once, after the last layer."""
    model = method(166, 2)

    expected = 167 * 256 + 257 * 128 + 129 * 64 + 65
    assert count(model) == expected
    active = [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout) and m.p > 0]
    assert active == [0.5]


@pytest.mark.parametrize("method", [MiNetInstance, MiNetEmbedding])
def test_an_unknown_pooling_is_refused(method):
    """The message names the choices."""
    with pytest.raises(MilbenchError, match="max, mean or lse"):
        method(4, 2, pooling="median")


@pytest.mark.parametrize("method", [ABMIL, MiNetInstance, MiNetEmbedding])
def test_feature_networks_start_with_zero_biases(method):
    """As Keras does, unlike PyTorch."""
    biases = [p for name, p in method(6, 2).named_parameters() if name.endswith("bias")]

    assert biases
    assert not any(bias.any() for bias in biases)
