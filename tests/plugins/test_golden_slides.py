"""CLAM and TransMIL against published code, formulas and hand calculations.

The golden numbers were made by running the authors' files in float64 with parameters and inputs
filled by integer formulas: mahmoodlab/CLAM (commit 53e2409) and szc19990412/TransMIL (commit
9d6aee5) with the attention of the nystrom-attention package, 0.0.14 and the pinned 0.0.9.
"""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from milbench import Bag, MilbenchError, Output
from milbench_aggregators import transmil
from milbench_aggregators.clam import CLAMMB, CLAMSB
from milbench_aggregators.mil_fc import MILFC
from milbench_aggregators.transmil import TransMIL, pseudo_inverse, squared

LN2, LN3, LN4 = math.log(2), math.log(3), math.log(4)


def assert_golden(found, expected):
    assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


# CLAM


def golden_clam(method, rule):
    """Return the model of the golden numbers; its last layers hold the authors' side by side."""
    model = method(16, 3, k_sample=3, subtyping=True).double().eval()
    attention, head, evidence = model.attention, model.head, model.evidence
    heads = [(head.weight[c : c + 1], head.bias[c : c + 1]) for c in range(3)]
    pairs = [
        (evidence.weight.view(2, 3, -1)[:, c], evidence.bias.view(2, 3)[:, c]) for c in range(3)
    ]
    before = (model.embed[0], attention.content, attention.gate, attention.score)
    layers = [(layer.weight, layer.bias) for layer in before]
    layers += heads if method is CLAMMB else [(head.weight, head.bias)]
    rule.fill([tensor for layer in (*layers, *pairs) for tensor in layer])
    return model


CLAM_GOLDEN = [
    (CLAMSB, [-0.11547929, -0.19267977, -0.26575209], 0.61684502),
    (CLAMMB, [-0.11547929, -0.00658406, 0.11291147], 0.68061639),
]


@pytest.mark.parametrize(("method", "logits", "instance_loss"), CLAM_GOLDEN)
def test_clam_equals_the_authors_code(method, logits, instance_loss, rule):
    """Logits, instance loss of class 1 with subtyping, and raw attention of nine instances."""
    model = golden_clam(method, rule)

    output = model(Bag(rule.x(9, 16)))

    assert_golden(output.logits, logits)
    assert_golden(model.instance_loss(output, torch.tensor(1)), instance_loss)
    assert_golden(output.scores.reshape(9, -1)[0, 0], -0.11887872)


@pytest.mark.parametrize(("method", "parameters"), [(CLAMSB, 790_791), (CLAMMB, 791_048)])
def test_clam_is_as_large_as_the_authors_network(method, parameters):
    """The size "small" on 1024 features, two classes."""
    assert count(method(1024, 2)) == parameters


def extremes(model, scores, log_odds, label):
    """Return the instance loss of raw attention (K, N) and log-odds (N, C)."""
    said = (torch.tensor(scores), torch.tensor(log_odds))
    return model.instance_loss(Output(torch.zeros(3), extra=said), torch.tensor(label))


ODDS = [[0.0, LN3, 0.0], [0.0, LN3, 0.0], [9.0, 9.0, 9.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_clam_instance_loss_by_hand():
    """The two highest at 3/4 for their class, the two lowest at 1/2; the middle one is not seen."""
    found = extremes(CLAMSB(4, 3, k_sample=2), [[5.0, 4.0, 3.0, 2.0, 1.0]], ODDS, label=1)

    assert_close(found, torch.tensor(0.5 * math.log(4 / 3) + 0.5 * LN2))


def test_clam_instance_loss_of_exclusive_classes_by_hand():
    """Class 0 is right at 1/2; the highest at 3/4 and 1/2 for classes 1 and 2 are wrong there."""
    model = CLAMSB(4, 3, k_sample=2, subtyping=True)

    found = extremes(model, [[5.0, 4.0, 3.0, 2.0, 1.0]], ODDS, label=0)

    assert_close(found, torch.tensor((LN2 + LN4 + LN2) / 3))


def test_clam_takes_the_extremes_of_each_classs_own_attention():
    """Class 1 alone sees the instances at 3/4 as its lowest."""
    scores = [[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 0.0, 0.0, 0.0]]

    found = extremes(CLAMMB(4, 3, k_sample=2), scores, ODDS, label=1)

    assert_close(found, torch.tensor(0.5 * LN2 + 0.5 * LN4))


def test_a_bag_smaller_than_the_sample_gives_all_it_has():
    """One instance at 3/4 is the highest and the lowest at once."""
    found = extremes(CLAMSB(4, 3), [[1.0]], [[0.0, LN3, 0.0]], label=1)

    assert_close(found, torch.tensor(0.5 * math.log(4 / 3) + 0.5 * LN4))


def test_clam_svm_is_the_smooth_loss_of_berrada_et_al():
    """Their top-1 loss with temperature and margin 1: log of the sum of exp(margin + s_j - s_y)."""
    torch.manual_seed(0)
    model = CLAMSB(6, 3, k_sample=2, instance_loss="svm").eval()
    bag = Bag(torch.randn(4, 6))
    output = model(bag)
    order = output.scores.argsort(descending=True)
    pairs = model.evidence(model.embed(bag.x))[:, [2, 5]]  # against and for the last class

    losses = [
        torch.logsumexp(torch.tensor([y != 0, y != 1]) + pairs[i] - pairs[i, y], 0)
        for i, y in zip(order.tolist(), (1, 1, 0, 0), strict=True)
    ]

    assert_close(model.instance_loss(output, torch.tensor(2)), torch.stack(losses).mean())


def test_clam_weighs_bag_and_instances():
    """0.7 of the bag's cross-entropy, 0.3 of the instance loss."""
    torch.manual_seed(0)
    model, label = CLAMSB(6, 2).eval(), torch.tensor(1)
    output = model(Bag(torch.randn(5, 6)))

    expected = 0.7 * -output.logits.log_softmax(0)[1] + 0.3 * model.instance_loss(output, label)
    assert_close(model.loss(output, label, None), expected)


@pytest.mark.parametrize(("dropout", "rates"), [(0.5, [0.5, 0.25]), (0.0, [0.0, 0.0])])
def test_clam_drops_a_quarter_of_the_attention_or_nothing(dropout, rates):
    """The attention's rate is the authors' whatever the embedding's is, unless that is 0."""
    layers = [m.p for m in CLAMSB(4, 2, dropout=dropout).modules() if isinstance(m, nn.Dropout)]

    assert layers == rates


def test_settings_that_clam_does_not_know_are_refused():
    """The messages name the choices."""
    with pytest.raises(MilbenchError, match="'cross-entropy' or 'svm'"):
        CLAMSB(4, 2, instance_loss="hinge")
    with pytest.raises(MilbenchError, match="1 or more"):
        CLAMMB(4, 2, k_sample=0)


# MIL-fc


@torch.no_grad()
def mil_fc_of(logits):
    """Return what MIL-fc says of instances with the given logits, which are not negative."""
    size = len(logits[0])
    model = MILFC(size, size, hidden=size).eval()
    for layer in (model.embed[0], model.head):
        layer.weight.copy_(torch.eye(size))
        layer.bias.zero_()
    return model(Bag(torch.tensor(logits)))


def test_mil_fc_takes_the_most_positive_of_two_classes():
    """Odds 1, 0.5 and 3: the last, though its logit is the smallest."""
    output = mil_fc_of([[3.0, 4.0], [8.0, 8.5], [0.0, 3.0]])

    assert_close(output.logits, torch.tensor([0.0, 3.0]))
    assert_close(output.scores, torch.tensor([1.0, 0.5, 3.0]))


def test_mil_fc_takes_the_surest_of_three_classes():
    """Highest probabilities 2/4, 6/8 and 50/100: the second, not the highest logit."""
    rows = torch.tensor([[1.0, 1.0, 2.0], [6.0, 1.0, 1.0], [50.0, 40.0, 10.0]])

    output = mil_fc_of(rows.log().tolist())

    assert_close(output.logits, rows[1].log())
    assert_close(output.scores.exp(), rows / rows.sum(1, keepdim=True))


def test_mil_fc_has_one_layer_before_the_classes():
    """1024 features to 512, to two classes."""
    assert count(MILFC(1024, 2)) == 1025 * 512 + 513 * 2


# TransMIL

TRANSMIL_GOLDEN = [
    (50, "last", [-0.55194515, 0.88604786]),
    (50, "legacy_first", [-1.28219847, 4.84309072]),
    (300, "last", [-0.54290807, 0.76097532]),
    (300, "legacy_first", [-0.79363881, 2.60661358]),
]


@pytest.mark.parametrize(("size", "which", "logits"), TRANSMIL_GOLDEN)
def test_transmil_equals_the_authors_code(size, which, logits, rule):
    """Logits with the corrected attention, and with the version that the authors pin."""
    model = TransMIL(1024, 2, slice=which).double().eval()
    norms = [module.weight for module in model.modules() if isinstance(module, nn.LayerNorm)]
    rule.fill(model.parameters(), scales=norms)

    assert_golden(model(Bag(rule.x(size, 1024))).logits, logits)


def test_transmil_is_as_large_as_the_authors_network():
    """On 1024 features, two classes."""
    assert count(TransMIL(1024, 2)) == 2_672_146


def small(which="last", landmarks=4, seed=0):
    torch.manual_seed(seed)
    model = TransMIL(6, 2, width=8, heads=2, landmarks=landmarks, slice=which)
    return model.double().eval()


def plain_attention(layer, tokens, is_legacy):
    """Return the layer's output (T, W) and attention (H, T, P), every product written out."""
    count, marks = len(tokens), layer.shape.landmarks
    padded = F.pad(layer.norm(tokens), (0, 0, -count % marks, 0))
    heads = layer.qkv(padded).reshape(len(padded), 3, 2, 4).permute(1, 2, 0, 3)
    query, key, value = heads[0] / 2.0, heads[1], heads[2]  # root of 4
    groups = (2, marks, -1, 4)
    query_marks, key_marks = (part.reshape(groups).mean(2) for part in (query, key))
    first = (query @ key_marks.mT).softmax(-1)
    middle = (query_marks @ key_marks.mT).softmax(-1)
    last = (query_marks @ key.mT).softmax(-1)
    z = middle.mT / (middle.sum(-1).max() * middle.sum(-2).max())
    one = torch.eye(marks).double()
    for _ in range(6):
        az = middle @ z
        z = z @ (13 * one - az @ (15 * one - az @ (7 * one - az))) / 4
    attention = first @ z @ last
    near = F.conv2d(value[None], layer.near.weight, padding=(16, 0), groups=2)[0]
    found = layer.out((attention @ value + near).permute(1, 0, 2).reshape(-1, 8))
    kept = slice(0, count) if is_legacy else slice(-count, None)
    return tokens + found[kept], attention[:, kept]


def plain(model, x):
    """Return logits (C,) and scores (N,) by the formulas, without the shortcuts of the method."""
    is_legacy = model.first.shape.is_legacy
    hidden = model.embed(x)
    side = math.ceil(math.sqrt(len(x)))
    square = torch.cat((hidden, hidden[: side * side - len(x)]))
    tokens, _ = plain_attention(model.first, torch.cat((model.class_token, square)), is_legacy)
    image = tokens[1:].T.reshape(1, 8, side, side)
    code = model.position
    convolutions = zip((code.wide, code.middle, code.narrow), (3, 2, 1), strict=True)
    coded = [F.conv2d(image, c.weight, c.bias, padding=p, groups=8) for c, p in convolutions]
    patches = (image + sum(coded)).reshape(8, -1).T
    tokens, attention = plain_attention(model.second, torch.cat((tokens[:1], patches)), is_legacy)
    of_tokens = attention[:, 0, -len(tokens) :].mean(0)
    return model.head(model.norm(tokens)[0]), of_tokens[1 : 1 + len(x)]


@pytest.mark.parametrize("which", ["last", "legacy_first"])
@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_transmil_shortcuts_leave_the_formulas_as_they_are(size, which):
    """One kernel for three and one row of the last layer: logits, scores and gradients to 1e-9."""
    model = small(which)
    x = torch.randn(size, 6).double()

    output, (logits, scores) = model(Bag(x)), plain(model, x)

    assert_close(output.logits, logits, atol=1e-9, rtol=0)
    assert_close(output.scores, scores, atol=1e-9, rtol=0)
    gradients = [
        torch.autograd.grad(y[0], list(model.parameters())) for y in (output.logits, logits)
    ]
    for mine, theirs in zip(*gradients, strict=True):
        assert_close(mine, theirs, atol=1e-9, rtol=0)


def test_transmil_by_the_fused_kernel_is_the_same(monkeypatch):
    """With the kernel from the first element on, on float32 too."""
    model, x = small(), torch.randn(40, 6).double()
    before = model(Bag(x)).logits
    monkeypatch.setattr(transmil, "FUSED", 1)

    assert_close(model(Bag(x)).logits, before, atol=1e-9, rtol=0)
    assert_close(model.float()(Bag(x.float())).logits, before.float(), atol=1e-4, rtol=0)


def test_both_slices_agree_where_nothing_is_padded():
    """Nine instances and the class token are ten tokens, a multiple of five landmarks."""
    x = torch.randn(9, 6).double()
    logits = [small(which, landmarks=5)(Bag(x)).logits for which in ("last", "legacy_first")]

    assert_close(logits[0], logits[1], atol=0, rtol=0)


@pytest.mark.parametrize(
    ("size", "rows"),
    [(1, [0]), (2, [0, 1, 0, 1]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 4, 0, 1, 2, 3])],
)
def test_a_square_is_filled_with_the_first_instances(size, rows):
    """The next square number of rows, in the order given."""
    assert squared(torch.arange(size)[:, None])[:, 0].tolist() == rows


def test_the_pseudo_inverse_inverts():
    """On attention that is far from uniform it has converged to the inverse of linear algebra."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(3, 5, 5, generator=generator).double() + 4.0 * torch.eye(5)
    attention = scores.softmax(-1)

    assert_close(pseudo_inverse(attention), torch.linalg.inv(attention), atol=1e-3, rtol=0)


def test_transmil_scores_are_for_looking_at_only():
    """They are computed at prediction, not in every training step."""
    model, bag = small(), Bag(torch.randn(5, 6).double())

    assert model(bag).scores.shape == (5,)
    assert model.train()(bag).scores is None


def test_settings_that_transmil_does_not_know_are_refused():
    """The messages name the choices."""
    with pytest.raises(MilbenchError, match="'last' or 'legacy_first'"):
        TransMIL(4, 2, slice="first")
    with pytest.raises(MilbenchError, match="width 10, heads 4"):
        TransMIL(4, 2, width=10, heads=4)
