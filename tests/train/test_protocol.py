"""The rules that hold for every method: order of bags, early stopping, threshold."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from milbench import Recipe
from milbench.train.protocol import Stopper, epoch_order, youden_threshold


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(0, 5))
def test_a_fold_sees_its_own_bags_once_an_epoch(n_bags, bags, epoch):
    """An epoch's order holds each training bag once, and no other."""
    held_in = np.array(sorted(b for b in bags if b < n_bags), dtype=np.int64)

    order = epoch_order(n_bags, held_in, "musk1", 0, 0, epoch)

    assert sorted(order.tolist()) == held_in.tolist()


@given(st.sets(st.integers(0, 29), min_size=2), st.sets(st.integers(0, 29), min_size=2))
def test_all_folds_share_one_order(first, second):
    """Two bags that two folds both train on come in the same order in both."""
    orders = [
        epoch_order(30, np.array(sorted(bags)), "musk1", 0, 0, 3).tolist()
        for bags in (first, second)
    ]
    common = first & second

    assert [b for b in orders[0] if b in common] == [b for b in orders[1] if b in common]


def test_the_order_changes_with_epoch_repeat_and_data_set():
    """Each name that goes into the order moves it."""
    bags = np.arange(50)
    orders = {
        tuple(epoch_order(50, bags, *names).tolist())
        for names in [
            ("a", 0, 0, 0),
            ("a", 0, 0, 1),
            ("a", 0, 1, 0),
            ("a", 1, 0, 0),
            ("b", 0, 0, 0),
        ]
    }

    assert len(orders) == 5


def stop_at(losses: list[float], **recipe: object) -> tuple[int, int, float]:
    """Return the epoch training ended with, the best epoch, and the weight that is kept."""
    model = nn.Linear(1, 1, bias=False)
    stopper = Stopper(Recipe(**recipe))
    epoch = 0
    for epoch, loss in enumerate(losses):  # the last epoch is the answer
        nn.init.constant_(model.weight, float(epoch))
        if stopper.should_stop(loss, model):
            break
    stopper.restore(model)
    return epoch, stopper.best_epoch, model.weight.item()


def test_training_stops_after_patience_and_keeps_the_best_epoch():
    """Best loss in epoch 2, patience 3: the last epoch is 5, and epoch 2 is kept."""
    losses = [3.0, 2.0, 1.0, 1.5, 1.0, 1.2, 0.1]

    assert stop_at(losses, patience=3) == (5, 2, 2.0)


def test_patience_zero_never_stops():
    """All epochs run, and the best is kept."""
    assert stop_at([1.0, 2.0, 3.0, 4.0], patience=0) == (3, 0, 0.0)


def test_select_last_keeps_the_last_epoch():
    """A recipe that selects the last epoch keeps its weights, whatever the losses."""
    assert stop_at([1.0, 2.0, 3.0], patience=0, select="last")[2] == 2.0


def test_kept_weights_do_not_follow_later_training():
    """The stored weights are a copy."""
    model = nn.Linear(1, 1)
    stopper = Stopper(Recipe())
    nn.init.constant_(model.weight, 1.0)
    stopper.should_stop(1.0, model)
    with torch.no_grad():
        model.weight.add_(5.0)
    stopper.should_stop(2.0, model)
    stopper.restore(model)

    assert model.weight.item() == 1.0


def test_the_threshold_separates_what_can_be_separated():
    """Negatives at 0.1 and 0.3, positives at 0.7 and 0.9: halfway between 0.3 and 0.7."""
    label = np.array([0, 0, 1, 1])

    assert youden_threshold(label, np.array([0.1, 0.3, 0.7, 0.9])) == 0.5
    assert youden_threshold(label, np.array([0.01, 0.02, 0.04, 0.09])) == 0.03


def test_the_threshold_of_one_class_or_of_noise_is_a_half():
    """Where nothing can be chosen, nothing is."""
    assert youden_threshold(np.array([1, 1]), np.array([0.9, 0.8])) == 0.5
    assert youden_threshold(np.array([0, 1]), np.array([0.9, 0.1])) == 0.5
