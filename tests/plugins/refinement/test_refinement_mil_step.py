"""The MIL step: which bags make a step, when rates fall, what is kept, and how it is judged."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_curve

from milbench import Bag
from milbench_aggregators.hnm_dsmil import HNMDSMIL
from milbench_aggregators.refinement.f1 import f1_at_best_threshold
from milbench_aggregators.refinement.mil_step import Featured, MILStep, instance_scores, judge
from milbench_aggregators.refinement.settings import Settings

NOTHING = Featured([], [])


def featured(count=10, n_classes=2, dim=4):
    """Return bags of 1 to 4 instances; feature 0 tells the class."""
    draw = torch.Generator().manual_seed(0)
    labels = [bag % n_classes for bag in range(count)]
    bags = [torch.randn(1 + bag % 4, dim, generator=draw) for bag in range(count)]
    for x, label in zip(bags, labels, strict=True):
        x[:, 0] += 4.0 * label
    return Featured(bags, labels)


def trained(train, valid=NOTHING, counts=(5, 5), is_paired=False, **settings):
    torch.manual_seed(0)
    step = MILStep(Settings(**settings), counts, is_paired)
    return step.run(train, valid, torch.Generator().manual_seed(1))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=30))
def test_f1_is_that_of_scikit_learn(pairs):
    """At the threshold that scikit-learn's ROC curve puts farthest from chance."""
    truth, scores = (np.array(column) for column in zip(*pairs, strict=True))
    if truth.min() == truth.max():
        expected = float(truth.any())  # every threshold finds all positives; none there is 0
        assert f1_at_best_threshold(truth, scores) in (0.0, expected) or truth.any()
        return
    false, true, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    best = thresholds[1:][int((true - false)[1:].argmax())]

    assert f1_at_best_threshold(truth, scores) == pytest.approx(f1_score(truth, scores >= best))


def test_f1_without_a_positive_bag_is_zero():
    """Nothing can be found."""
    assert f1_at_best_threshold(np.zeros(3, dtype=int), np.array([0.1, 0.2, 0.3])) == 0.0


def forwards(monkeypatch):
    """Return a list that grows with the labels of each step's loss."""
    steps, loss = [], HNMDSMIL.loss

    def record(self, outputs, labels, context):
        steps.append(([label.item() for label in labels], context.class_counts))
        return loss(self, outputs, labels, context)

    monkeypatch.setattr(HNMDSMIL, "loss", record)
    return steps


def test_single_bags_make_the_steps_of_its2clr(monkeypatch):
    """Every bag once an epoch, without a partner to be ranked against."""
    steps = forwards(monkeypatch)
    trained(featured(), counts=(7, 3), mil_epochs=2)

    assert len(steps) == 20
    assert sorted(labels for labels, _ in steps[:10]) == [[0]] * 5 + [[1]] * 5
    assert {counts for _, counts in steps} == {(7, 3)}
    assert steps[:10] != steps[10:]  # another order


def test_pairs_make_the_steps_of_hnm(monkeypatch):
    """Five positive and five negative bags are five pairs."""
    steps = forwards(monkeypatch)
    trained(featured(), is_paired=True, mil_epochs=1)

    assert [sorted(labels) for labels, _ in steps] == [[0, 1]] * 5


def test_rate_is_halved_every_37_and_a_half_epochs(monkeypatch):
    """Epochs 0 to 37 at 2e-4, 38 to 74 at half, from 75 a quarter, as the authors step it."""
    rates, step = [], torch.optim.Adam.step

    def record(self, *given, **named):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *given, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", record)
    trained(featured(1), counts=(1, 1), mil_epochs=77)

    assert rates == [2e-4] * 38 + [1e-4] * 37 + [5e-5] * 2


def test_scores_are_those_of_the_epoch_asked_for():
    """Of 6 epochs the third's equal the last of a training of 3."""
    early = trained(featured(), mil_epochs=3)
    late = trained(featured(), mil_epochs=6, extract_epoch=2)

    np.testing.assert_array_equal(late.scores, early.scores)
    assert late.scores.shape == (sum(map(len, featured().bags)), 1)
    assert not np.array_equal(late.scores, trained(featured(), mil_epochs=6).scores)


def test_scores_are_sigmoids_of_instance_logits():
    """In the order of the bags, one a stream."""
    torch.manual_seed(0)
    network, train = HNMDSMIL(4, 3), featured(n_classes=3)
    found = instance_scores(network, train.bags)
    logits = torch.cat([network(Bag(x)).instance_logits for x in train.bags])

    np.testing.assert_allclose(found, logits.detach().sigmoid().numpy(), rtol=1e-6)


def test_without_validation_bags_the_last_weights_are_kept():
    """There is nothing to choose by."""
    found = trained(featured(), mil_epochs=4)

    assert found.judgement is None
    np.testing.assert_array_equal(instance_scores(found.network, featured().bags), found.scores)


def test_best_epoch_of_the_validation_bags_is_kept():
    """The judgement is that of the weights given back, and no epoch does better."""
    valid = featured(6)
    found = trained(featured(), valid, mil_epochs=12, mil_lr=0.02)

    assert judge(found.network, valid) == found.judgement
    for epochs in range(1, 12):
        assert trained(featured(), valid, mil_epochs=epochs, mil_lr=0.02).judgement <= (
            found.judgement
        )


def test_judgement_by_hand():
    """Logits of zero: all bags positive at the only threshold, F1 2/3 of half; loss ln 2."""
    network = HNMDSMIL(4, 2)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    found = judge(network, featured(6))

    assert found.f1 == pytest.approx(2 / 3)
    assert found.negative_loss == pytest.approx(-math.log(2))


def test_more_classes_are_judged_by_the_mean_over_streams():
    """All-zero logits, 2 of 6 bags of each of three classes: F1 is 2 * 2 / (6 + 2) in each."""
    network = HNMDSMIL(4, 3)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)

    assert judge(network, featured(6, n_classes=3)).f1 == pytest.approx(0.5)
