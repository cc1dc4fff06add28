"""The loop: when it refines, what it trusts, what it keeps, and which bags it may learn from."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from milbench import Bag, Context, Example, MilbenchError, TrainingError
from milbench_aggregators.hnm import HNM, HNMFeatures
from milbench_aggregators.its2clr import ITS2CLR, ITS2CLRFeatures
from milbench_aggregators.refinement import loop
from milbench_aggregators.refinement.contrast_step import (
    ContrastStep,
    Deck,
    Labelling,
    dealt,
    learning_rate,
)
from milbench_aggregators.refinement.encoder import FeatureAdapter
from milbench_aggregators.refinement.loop import Refinement, Round, UpdateSignal
from milbench_aggregators.refinement.mil_step import Judgement, MILStep, Scored
from milbench_aggregators.refinement.settings import Settings
from milbench_aggregators.refinement.training_bags import TrainingBags

FAST = {"epochs": 4, "warmup": 1, "refresh": 2, "mil_epochs": 3, "batch": 16}


def examples(count=12, n_classes=2, seed=0):
    """Return bags of 2 to 5 instances; one instance of a bag of class c has feature c raised."""
    draw, found = torch.Generator().manual_seed(seed), []
    for bag in range(count):
        x = torch.randn(2 + bag % 4, 6, generator=draw)
        if bag % n_classes or n_classes > 2:
            x[0, bag % n_classes] += 4.0
        found.append(Example(Bag(x), bag % n_classes))
    return found


def fitted(method=HNMFeatures, train=None, valid=None, seed=0, **settings):
    train = examples() if train is None else train
    n_classes = len({example.label for example in train})
    model = method(6, n_classes, **(FAST | settings))
    given = examples(6, seed=1) if valid is None else valid
    model.fit(train, given, Context(n_classes=n_classes, seed=seed))
    return model


def test_the_defaults_are_those_of_the_authors_commands():
    """READMEs and code of both repositories, the values of the specification."""
    both = {
        "epochs": 100,
        "refresh": 5,
        "threshold": 0.3,
        "batch": 512,
        "positive_part": 0.2,
        "positive_share": 0.2,
        "positive_share_end": 0.8,
        "low_share": 0.2,
        "lr": 0.01,
        "weight_decay": 1e-4,
        "temperature": 0.07,
        "mil_epochs": 350,
        "extract_epoch": 199,
        "mil_lr": 2e-4,
        "mil_weight_decay": 1e-4,
        "halve_every": 37.5,
        "anchor_part": 0.05,
    }
    its2clr, hnm = ITS2CLR(3, 2), HNM(3, 2)

    assert both.items() <= vars(its2clr).items()
    assert both.items() <= vars(hnm).items()
    assert (its2clr.warmup, its2clr.negative_share, its2clr.mask_uncertain) == (15, 1.0, False)
    assert (hnm.warmup, hnm.negative_share, hnm.mask_uncertain) == (5, 0.2, True)
    assert (its2clr.is_paired, hnm.is_paired) == (False, True)


def test_batches_are_dealt_as_published():
    """102 positives and 409 negatives, 25 and 486; a small batch still has a positive."""
    assert dealt(512, 0.2) == (102, 409)
    assert dealt(512, 0.05) == (25, 486)
    assert dealt(10, 0.05) == (1, 9)


def test_rate_is_constant_for_ten_epochs_and_then_a_cosine():
    """Of 100 epochs: cos(40/100 pi) at epoch 50, and never 0."""
    rates = [learning_rate(0.01, epoch, 100) for epoch in range(100)]

    assert rates[:11] == [0.01] * 11
    assert rates[60] == pytest.approx(0.005)
    assert rates[50] == pytest.approx(0.005 * (1 + np.cos(0.4 * np.pi)))
    assert rates[99] > 0.0


def test_a_deck_deals_everything_before_it_is_shuffled_again():
    """Ten cards, four at a time: two hands of four and one of two, then anew."""
    deck = Deck(np.arange(10), torch.Generator().manual_seed(0))
    hands = [deck.draw(4) for _ in range(6)]

    assert [len(hand) for hand in hands] == [4, 4, 2, 4, 4, 2]
    assert sorted(np.concatenate(hands[:3])) == sorted(np.concatenate(hands[3:])) == [*range(10)]
    assert not np.array_equal(np.concatenate(hands[:3]), np.concatenate(hands[3:]))


def test_instances_are_found_by_their_position():
    """Positions run through the bags in their order."""
    train = examples()
    bags = TrainingBags(train, 2, negative=True)
    everything = torch.cat([example.bag.x for example in train])
    chosen = np.array([0, 2, 1, 40, len(everything) - 1])

    assert_close(bags.rows(chosen), everything[chosen], atol=0, rtol=0)
    assert bags.streams.tolist() == [
        example.label - 1 for example in train for _ in range(len(example.bag))
    ]
    assert_close(bags.spread(), everything.std(dim=0, correction=0))


class Recorded:
    """What each contrastive step drew, beside its pools."""

    def __init__(self, monkeypatch):
        self.steps, self.pools, self.rows = [], [], []
        step, pools, rows = ContrastStep._step, ContrastStep.pools, TrainingBags.rows

        def take_step(this, labelling, chosen, *, anchors_are_own):
            self.steps.append((labelling.stream, anchors_are_own, chosen))
            return step(this, labelling, chosen, anchors_are_own=anchors_are_own)

        def build(this, epoch, beliefs):
            self.pools.append((epoch, beliefs, pools(this, epoch, beliefs)))
            return self.pools[-1][2]

        def look_up(this, positions):
            self.rows.append(rows(this, positions))
            return self.rows[-1]

        monkeypatch.setattr(ContrastStep, "_step", take_step)
        monkeypatch.setattr(ContrastStep, "pools", build)
        monkeypatch.setattr(TrainingBags, "rows", look_up)


def test_positive_anchors_wait_for_the_warm_up(monkeypatch):
    """Before, steps have negative anchors only; afterwards the two kinds take turns."""
    recorded = Recorded(monkeypatch)
    fitted(ITS2CLRFeatures, warmup=2, epochs=3, batch=1000)

    assert [own for _, own, _ in recorded.steps] == [False, False, False, True]


def test_steps_draw_from_their_pools(monkeypatch):
    """Negative anchors beside passing instances; positive anchors beside all negatives."""
    recorded = Recorded(monkeypatch)
    fitted(ITS2CLRFeatures, warmup=0, epochs=1, batch=1000)
    ((_, _, pools),) = recorded.pools
    (_, _, negative), (_, _, positive) = recorded.steps

    assert set(negative) == {*pools[0].clean_negative, *pools[0].passing}
    assert set(positive) == {*pools[0].positive, *pools[0].negative}


@pytest.mark.parametrize(("anchors_are_own", "matters"), [(False, True), (True, False)])
def test_masked_instances_are_no_contrast_to_negative_anchors(anchors_are_own, matters):
    """Position 0, in a positive bag but not taken for positive, changes that loss only."""
    train = examples()
    bags = TrainingBags(train, 2, negative=True)
    is_own = bags.streams == 0
    labels = np.where(is_own, 1, 0)
    uncertain, *sure = np.flatnonzero(is_own)[:5]
    labels[uncertain] = 0
    chosen = np.array([uncertain, *sure, *np.flatnonzero(~is_own)[:5]])
    losses = []
    for is_masking in (True, False):
        torch.manual_seed(0)
        settings = Settings(**FAST, mask_uncertain=is_masking)
        adapter = FeatureAdapter(bags.spread())
        step = ContrastStep(adapter, bags, settings, torch.Generator().manual_seed(0))
        labelling = Labelling(labels, 0, is_own)
        losses.append(step._step(labelling, chosen, anchors_are_own=anchors_are_own).item())

    assert (losses[0] != losses[1]) is matters


def test_only_training_bags_reach_the_contrastive_step(monkeypatch):
    """A canary: a value that only validation and test bags hold is never drawn."""
    recorded = Recorded(monkeypatch)
    strange = [Example(Bag(example.bag.x + 1e3), example.label) for example in examples(6, seed=1)]
    model = fitted(valid=strange)
    model.predict(strange[0].bag)
    drawn = torch.cat(recorded.rows)
    known = {tuple(row) for example in examples() for row in example.bag.x.tolist()}

    assert {tuple(row) for row in drawn.tolist()} <= known


def test_validation_bags_only_choose():
    """Without a refresh the encoder is the same whatever validates, and so are its epochs."""
    judged, blind = (
        fitted(valid=valid, epochs=2, refresh=10, mil_epochs=1) for valid in (None, [])
    )
    bag = examples(seed=2)[3].bag

    assert judged.rounds != blind.rounds == [None]
    assert torch.equal(judged.predict(bag).scores, blind.predict(bag).scores)


def judgement(f1, loss=0.5):
    return None if f1 is None else Judgement(f1, -loss)


@pytest.mark.parametrize(
    ("f1", "allowed"),
    [
        ([0.5, 0.4, 0.5, 0.45, 0.6], [True, False, True, False, True]),
        ([0.0, 0.0], [True, True]),
        ([None, None], [True, True]),
    ],
)
def test_pseudo_labels_follow_a_round_that_is_no_worse(f1, allowed):
    """Than any refined round before it; the first always counts."""
    signal = UpdateSignal()

    assert [signal.allows(judgement(one)) for one in f1] == allowed


@pytest.mark.parametrize(
    ("later", "earlier", "is_kept"),
    [
        (judgement(0.8), judgement(0.7), True),
        (judgement(0.7), judgement(0.8), False),
        (judgement(0.8), judgement(0.8), True),  # the later of equals
        (judgement(0.8, loss=0.2), judgement(0.8, loss=0.3), True),
        (judgement(0.8, loss=0.3), judgement(0.8, loss=0.2), False),
        (None, None, True),  # without validation bags the last
    ],
)
def test_best_round_is_kept(later, earlier, is_kept):
    """By F1, and by the loss where that is equal."""
    rounds = [Round(0, {}, Scored(None, np.empty(0), one)) for one in (earlier, later)]

    assert rounds[1].beats(rounds[0]) is is_kept


def refinement_of(valid, **settings):
    train = examples()
    bags = TrainingBags(train, 2, negative=True)
    step = MILStep(Settings(**(FAST | settings)), bags.counts, is_paired=False)
    torch.manual_seed(0)
    adapter = FeatureAdapter(bags.spread())
    return Refinement(adapter, (bags, valid), step, torch.Generator().manual_seed(0))


def test_encoder_goes_back_to_the_round_that_is_kept():
    """The best of all judgements, with the weights that it was given for."""
    refinement = refinement_of(examples(6, seed=1), epochs=9, lr=1.0)
    best = refinement.run()

    assert len(refinement.rounds) == 5  # before, and after epochs 2, 4, 6 and 8
    assert best.scored.judgement == max(refinement.rounds)
    weights = refinement.encoder.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in best.weights.items())


def test_pseudo_labels_are_refreshed_after_the_epochs_asked_for(monkeypatch):
    """After epochs 2 and 4 of 6, counted from 0: never after the first."""
    recorded = Recorded(monkeypatch)
    refinement_of([], epochs=6).run()
    scores = [beliefs.scores for _, beliefs, _ in recorded.pools]

    assert [beliefs.is_refreshed for _, beliefs, _ in recorded.pools] == [False] * 3 + [True] * 3
    same = [np.array_equal(one, other) for one, other in pairwise(scores)]
    assert same == [True, True, False, True, False]


@pytest.mark.parametrize("method", [ITS2CLRFeatures, HNMFeatures])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_seed_decides_everything(method, n_classes):
    """The same seed gives the same model, another one another; torch's stream is left alone."""
    train = examples(n_classes=n_classes)
    valid, bag = examples(6, n_classes, seed=1), examples(seed=2)[3].bag
    state = torch.get_rng_state()
    outputs = [fitted(method, train, valid, seed).predict(bag) for seed in (5, 5, 6)]

    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(outputs[0].logits, outputs[1].logits)
    assert torch.equal(outputs[0].scores, outputs[1].scores)
    assert not torch.allclose(outputs[0].logits, outputs[2].logits)


def test_training_bags_are_left_as_they_were():
    """No step writes into what all folds share."""
    train = examples()
    before = [example.bag.x.clone() for example in train]
    fitted(train=train)

    assert all(torch.equal(e.bag.x, x) for e, x in zip(train, before, strict=True))


def test_streams_have_pools_of_their_own(monkeypatch):
    """Three classes: three pools an epoch, each with the bags of its class as positive ones."""
    recorded = Recorded(monkeypatch)
    train = examples(n_classes=3)
    fitted(ITS2CLRFeatures, train, train[:6])
    classes = np.concatenate([[e.label] * len(e.bag) for e in train])

    for _, _, pools in recorded.pools:
        assert list(pools) == [0, 1, 2]
        for stream, pool in pools.items():
            assert set(classes[pool.passing]) == {stream}
    assert {stream for stream, _, _ in recorded.steps} == {0, 1, 2}


def test_class_without_training_bags_is_left_out():
    """Its stream has no positives to contrast; its logit is still there."""
    train = [example for example in examples(16, 4) if example.label != 3]
    model = ITS2CLRFeatures(6, 4, **FAST)
    model.fit(train, train[:6], Context(n_classes=4))

    assert model.predict(train[0].bag).logits.shape == (4,)


def test_one_class_is_refused():
    """The message says which one and what to do."""
    train = [example for example in examples() if example.label == 1]
    with pytest.raises(MilbenchError, match=r"have the class \[1\].*draw other splits"):
        HNMFeatures(6, 2).fit(train, [], Context(n_classes=2))


def test_divergence_is_told():
    """A learning rate without measure ends in an error that names it, not in nan predictions."""
    with pytest.raises(TrainingError, match="contrastive loss is not finite in epoch"):
        fitted(lr=1e30, epochs=6)


def test_refined_rounds_are_logged(caplog):
    """One line a round, for whoever follows a long training."""
    with caplog.at_level("INFO", logger=loop.__name__):
        fitted(epochs=5, refresh=2)

    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "round after epoch -1",
        "round after epoch 2",
        "round after epoch 4",
    ]
