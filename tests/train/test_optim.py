"""Optimisers: equal to torch's own, also where a parameter has no gradient."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from milbench import Recipe
from milbench.train import optim
from milbench.train.optim import build_optimizer, learning_rate

RECIPES = [
    Recipe(optimizer="adam", lr=0.01, weight_decay=0.1, betas=(0.5, 0.9)),
    Recipe(optimizer="adamw", lr=0.01, weight_decay=0.1),
    Recipe(optimizer="sgd", lr=0.01, weight_decay=0.1, momentum=0.9, nesterov=True),
    Recipe(optimizer="sgd", lr=0.01, weight_decay=0.1),
    Recipe(optimizer="radam", lr=0.01, weight_decay=0.1),
    Recipe(optimizer="rmsprop", lr=0.01, weight_decay=0.1, momentum=0.4),
]
MATRICES = [replace(recipe, decay="matrices") for recipe in RECIPES]


def reference(parameters, recipe):
    """Return torch's plain optimiser, by its documented name."""
    common = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "foreach": False}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common
        )
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, alpha=0.99, momentum=recipe.momentum, **common)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "radam": torch.optim.RAdam}
    return kinds[recipe.optimizer](parameters, betas=recipe.betas, **common)


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.optimizer)
def test_ten_steps_equal_torchs_plain_optimiser(recipe, is_fused, monkeypatch):
    """The weights agree to rounding; the second parameter has no gradient in every third step."""
    monkeypatch.setattr(optim, "HAS_FUSED", is_fused and optim.HAS_FUSED)
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(3, 4).double()), nn.Parameter(torch.randn(5).double())]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    mine, torchs = build_optimizer(ours, recipe), reference(theirs, recipe)
    for step in range(10):
        gradients = [torch.randn(3, 4).double(), torch.randn(5).double() if step % 3 else None]
        mine.step(gradients, recipe.lr)
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient
        torchs.step()

    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("recipe", MATRICES, ids=lambda r: r.optimizer)
def test_decay_of_matrices_spares_what_has_one_axis(recipe, is_fused, monkeypatch):
    """Ten steps equal torch's groups of parameters, the biases in one without weight decay."""
    monkeypatch.setattr(optim, "HAS_FUSED", is_fused and optim.HAS_FUSED)
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(shape).double()) for shape in ((3, 4), (5,), (2, 1, 3), ())]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    groups = [{"params": theirs[::2]}, {"params": theirs[1::2], "weight_decay": 0.0}]
    mine, torchs = build_optimizer(ours, recipe), reference(groups, recipe)
    for _ in range(10):
        gradients = [torch.randn_like(p) for p in ours]
        mine.step(gradients, recipe.lr)
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient
        torchs.step()

    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.optimizer)
@pytest.mark.parametrize("turned", ["gradient", "parameter"])
def test_strides_of_gradients_and_parameters_do_not_matter(recipe, turned):
    """A transposed tensor is moved element by element, as torch's plain optimiser does."""
    torch.manual_seed(0)
    start = torch.randn(4, 3).double()
    mine = nn.Parameter(start.t() if turned == "parameter" else start.t().contiguous())
    theirs = nn.Parameter(start.t().contiguous())
    ours, torchs = build_optimizer([mine], recipe), reference([theirs], recipe)
    for _ in range(3):
        gradient = torch.randn(4, 3).double().t()
        ours.step([gradient], recipe.lr)
        theirs.grad = gradient.contiguous()
        torchs.step()

    torch.testing.assert_close(mine.data, theirs.data, rtol=1e-12, atol=1e-12)


def test_the_learning_rate_of_a_step_is_used():
    """SGD without momentum moves by exactly rate times gradient."""
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = build_optimizer([parameter], Recipe(optimizer="sgd", lr=1.0, weight_decay=0.0))
    optimizer.step([torch.ones(1)], 0.25)

    assert parameter.item() == -0.25


def test_a_cosine_falls_from_lr_to_final_lr():
    """Start, middle and end of the cosine of Loshchilov and Hutter, eq. 5."""
    recipe = Recipe(lr=1.0, final_lr=0.2, epochs=10, schedule="cosine")

    assert [learning_rate(recipe, e) for e in (0, 5, 10)] == pytest.approx([1.0, 0.6, 0.2])
    assert learning_rate(Recipe(lr=0.3), 7) == 0.3
