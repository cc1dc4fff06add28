"""Lookahead and the optimiser that TransMIL is trained with, by hand and against torch."""

import math

import pytest
import torch
from torch import nn

from milbench import Recipe
from milbench.train.lookahead import Lookahead
from milbench.train.optim import build_optimizer

GRADIENTS = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, -0.1, 0.9, 1.1, -2.0, 0.3, 0.7, -0.4, 1.3]


def test_slow_weights_follow_by_hand():
    """Three steps of -1 from 0 lead to -3, half-way is -1.5; three more to -4.5, half-way -3."""
    parameter = nn.Parameter(torch.zeros(1))
    inner = build_optimizer([parameter], Recipe(optimizer="sgd", weight_decay=0.0))
    optimizer = Lookahead([parameter], inner, steps=3, share=0.5)

    seen = []
    for _ in range(6):
        optimizer.step([torch.ones(1)], 1.0)
        seen.append(parameter.item())

    assert seen == [-1.0, -2.0, -1.5, -2.5, -3.5, -3.0]


def test_slow_weights_keep_what_has_no_gradient():
    """A parameter that never had a gradient is where it was, however often it is pulled back."""
    parameters = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.full((3,), 7.0))]
    optimizer = build_optimizer(parameters, Recipe(optimizer="lookahead-radam", weight_decay=0.1))
    for _ in range(13):
        optimizer.step([torch.ones(2), None], 0.1)

    assert parameters[1].tolist() == [7.0] * 3
    assert parameters[0].tolist() != [1.0] * 2


def test_without_a_pull_it_is_torchs_radam():
    """With k beyond the last step: twenty steps, weight decay decoupled, to rounding."""
    recipe = Recipe(optimizer="lookahead-radam", lr=0.01, weight_decay=0.1, betas=(0.8, 0.99))
    torch.manual_seed(0)
    ours = nn.Parameter(torch.randn(3, 4).double())
    theirs = nn.Parameter(ours.detach().clone())
    mine = build_optimizer([ours], recipe)
    mine = Lookahead([ours], mine._inner, steps=10**9)
    torchs = torch.optim.RAdam(
        [theirs], lr=0.01, betas=(0.8, 0.99), weight_decay=0.1, decoupled_weight_decay=True
    )
    for _ in range(20):
        gradient = torch.randn(3, 4).double()
        mine.step([gradient], 0.01)
        theirs.grad = gradient
        torchs.step()

    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def by_hand(start, decay, lr=0.1, betas=(0.9, 0.999)):
    """Return the weights after each step: Liu et al. 2020, alg. 2; Zhang et al. 2019, alg. 1."""
    fast, slow, first, second, seen = start, start, 0.0, 0.0, []
    longest = 2 / (1 - betas[1]) - 1
    for t, gradient in enumerate(GRADIENTS, start=1):
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        mean = first / (1 - betas[0] ** t)
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        fast -= lr * decay * fast
        if length > 5:  # the paper has 4; its authors' code and torch have 5
            spread = math.sqrt(second / (1 - betas[1] ** t))
            tractable = (length - 4) * (length - 2) * longest
            scale = math.sqrt(tractable / ((longest - 4) * (longest - 2) * length))
            fast -= lr * scale * mean / spread
        else:
            fast -= lr * mean
        if t % 6 == 0:
            slow += 0.5 * (fast - slow)
            fast = slow
        seen.append(fast)
    return seen


@pytest.mark.parametrize(("shape", "decay"), [((1, 1), 0.05), ((1,), 0.0)])
def test_the_optimiser_of_transmil_by_hand(shape, decay):
    """Fourteen steps, across the sixth where the rectified steps begin; biases do not decay."""
    recipe = Recipe(optimizer="lookahead-radam", lr=0.1, weight_decay=0.05, decay="matrices")
    parameter = nn.Parameter(torch.full(shape, 2.0, dtype=torch.float64))
    optimizer = build_optimizer([parameter], recipe)

    seen = []
    for gradient in GRADIENTS:
        optimizer.step([torch.full(shape, gradient, dtype=torch.float64)], 0.1)
        seen.append(parameter.item())

    assert seen == pytest.approx(by_hand(2.0, decay), rel=1e-7)  # torch adds 1e-8 to the spread
