"""Masks of dropout: as random as they must be, and the same wherever they are made."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import vmap

from milbench import Bag, Context, Output
from milbench.train.active import Active
from milbench.train.computation import Computation
from milbench.train.dropout import Masks, NamedDropout, mixed, name_dropout, step_keys
from milbench.train.replicas import Replicas

CPU = torch.device("cpu")
COUNT = 20_000


def masks(keys: torch.Tensor, share: float = 0.5, calls: int = 1) -> np.ndarray:
    """Return one row of kept elements for each key and call."""
    made = Masks(CPU)
    rows = []
    for key in keys.unbind():
        made.start(key)
        rows += [made.keep(torch.Size((COUNT,)), share) for _ in range(calls)]
    return torch.stack(rows).numpy()


def largest_correlation(rows: np.ndarray) -> float:
    """Return the largest correlation of two rows, in standard deviations of independent ones."""
    correlation = np.corrcoef(rows.astype(float))
    return float(np.abs(correlation[np.triu_indices(len(rows), 1)]).max() * np.sqrt(COUNT))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75, 0.9])
def test_the_share_kept_is_the_one_asked_for(share):
    """Rates of 60 steps spread about the share as those of independent coins do."""
    rates = masks(step_keys(np.array([7]), 0, 60)[:, 0], share).mean(axis=1)
    sd = np.sqrt(share * (1 - share) / COUNT)

    assert abs(rates.mean() - share) < 4 * sd / np.sqrt(60)
    assert 0.7 * sd < rates.std() < 1.35 * sd


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda: masks(step_keys(np.array([7]), 3, 80)[:, 0]), id="steps"),
        pytest.param(lambda: masks(step_keys(np.arange(80), 3, 1)[0]), id="replicas"),
        pytest.param(lambda: masks(step_keys(np.array([7]), 3, 1)[0], calls=80), id="calls"),
    ],
)
def test_masks_are_independent(rows):
    """Of 3,160 pairs none correlates beyond 5.5 sd; independent ones do so once in 8,000 tests."""
    assert largest_correlation(rows()) < 5.5


def test_neighbouring_elements_are_independent():
    """Within a mask, no lag up to 64 correlates."""
    (row,) = masks(step_keys(np.array([7]), 0, 1)[0]).astype(float) - 0.5
    lags = [4 * (row[lag:] * row[:-lag]).mean() * np.sqrt(COUNT) for lag in range(1, 65)]

    assert np.abs(lags).max() < 4.5


def test_epochs_go_on_counting():
    """The steps of two epochs have keys of their own, and each run has its own."""
    keys = torch.cat([step_keys(np.arange(5), epoch, 40) for epoch in range(3)])

    assert len(keys.unique()) == 3 * 40 * 5


def test_the_hash_is_a_bijection_that_moves_half_of_the_bits():
    """No two of a million numbers collide; one flipped bit flips 16 of 32 on average."""
    numbers = np.arange(1_000_000)
    assert len(np.unique(mixed(numbers))) == len(numbers)

    flips = [np.bitwise_count(mixed(numbers) ^ mixed(numbers ^ (1 << bit))) for bit in range(32)]
    assert np.mean(flips, axis=1) == pytest.approx(16, abs=0.5)


def layer(p: float) -> tuple[NamedDropout, Masks]:
    module = nn.Dropout(p)
    made = name_dropout(module, CPU)
    return module, made


def test_a_stack_draws_the_masks_of_each_replica():
    """Under vmap over keys the output is that of one key after the other."""
    module, made = layer(0.3)
    x, keys = torch.randn(7, 5), step_keys(np.arange(4), 0, 1)[0]

    def drop(key):
        made.start(key)
        return module(module(x))

    assert torch.equal(vmap(drop)(keys), torch.stack([drop(key) for key in keys]))


def test_growing_the_kept_sequence_changes_no_mask():
    """What is kept between steps is a cache and nothing else."""
    module, made = layer(0.5)
    key = step_keys(np.array([1]), 0, 1)[0, 0]
    made.start(key)
    before = module(torch.ones(50, 3))
    made.grow()
    made.start(key)

    assert torch.equal(module(torch.ones(50, 3)), before)


def test_kept_elements_are_scaled_and_gradients_follow_the_mask():
    """As nn.Dropout: 1 / (1 - p) or 0, forward and backward."""
    module, made = layer(0.2)
    made.start(step_keys(np.array([1]), 0, 1)[0, 0])
    x = torch.ones(100, requires_grad=True)
    out = module(x)
    out.sum().backward()

    assert set(out.tolist()) == {0.0, 1.25}
    assert torch.equal(x.grad, out.detach())


def test_evaluation_and_the_edges_need_no_mask():
    """In evaluation and for p = 0 nothing is dropped, for p = 1 everything is."""
    x = torch.ones(4)
    (never, _), (always, _), (half, _) = layer(0.0), layer(1.0), layer(0.5)

    assert torch.equal(never(x), x)
    assert torch.equal(half.eval()(x), x)
    assert not always(x).any()


def test_a_model_without_dropout_needs_no_masks():
    """And a subclass of nn.Dropout is left as its author wrote it."""

    class Own(nn.Dropout):
        pass

    assert name_dropout(nn.Sequential(nn.Linear(2, 2), Own()), CPU) is None


class Dropping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)

    def forward(self, bag: Bag) -> Output:
        return Output(logits=self.head(self.drop(bag.x)).mean(dim=0))


def test_masks_tie_no_recording_to_the_size_of_a_bag():
    """One recording of a network with dropout serves bags of all sizes."""
    models = [Dropping(), Dropping()]
    computation = Computation(models[0], has_own_bags=False)
    computation.begin_epoch(Context(n_classes=2))
    replicas, active = Replicas(models, computation), Active.of(range(2), torch.device("cpu"))
    keys = torch.tensor([3, 4], dtype=torch.int32)
    for size in (5, 2, 9, 7):
        replicas.gradients(Bag(torch.randn(size, 4)), torch.tensor(1), active, keys)

    assert computation.is_recorded
    assert len(computation._gradients._recordings) == 1
