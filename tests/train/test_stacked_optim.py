"""Stacked optimisers: each replica moves as under torch's own, also left out of steps."""

import pytest
import torch
from torch import nn

from milbench import Recipe
from milbench.train.active import Active
from milbench.train.optim import build_optimizer
from milbench.train.stacked_optim import stacked_optimizer

CPU = torch.device("cpu")
RECIPES = [
    Recipe(optimizer="adam", lr=0.01, weight_decay=0.1, betas=(0.5, 0.9)),
    Recipe(optimizer="adamw", lr=0.01, weight_decay=0.1),
    Recipe(optimizer="sgd", lr=0.01, weight_decay=0.1, momentum=0.9, nesterov=True),
    Recipe(optimizer="sgd", lr=0.01, weight_decay=0.1, momentum=0.9),
    Recipe(optimizer="sgd", lr=0.01, weight_decay=0.0),
    Recipe(optimizer="radam", lr=0.01, weight_decay=0.1, betas=(0.5, 0.9)),
    Recipe(optimizer="radam", lr=0.01, weight_decay=0.0),
]


def reference(parameters, recipe):
    """Return torch's plain optimiser, by its documented name."""
    common = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "foreach": False}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common
        )
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "radam": torch.optim.RAdam}
    return kinds[recipe.optimizer](parameters, betas=recipe.betas, **common)


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_replica_moves_as_under_torchs_optimiser(recipe):
    """Three replicas take part in different steps; from step 8 on only two are left."""
    torch.manual_seed(0)
    stack = [torch.randn(3, 4, 2).double(), torch.randn(3, 5).double()]
    theirs = [[nn.Parameter(rows[r].clone()) for rows in stack] for r in range(3)]
    torchs = [reference(parameters, recipe) for parameters in theirs]
    mine = stacked_optimizer(stack, [recipe] * 3)
    members = [0, 1, 2]
    for step in range(12):
        if step == 8:
            members = [0, 2]
            kept = Active.of(members, CPU)
            stack = [rows[kept.index] for rows in stack]
            mine.keep(stack, kept)
        places = [p for p, member in enumerate(members) if (step + member) % 3]
        # Transposed in memory, as vmap may leave the gradient of a matrix.
        gradients = [
            torch.randn(len(places), *rows.shape[:0:-1]).double().transpose(1, -1) for rows in stack
        ]
        mine.step(gradients, 0, Active.of(places, CPU, kinds=members))
        for row, place in enumerate(places):
            for parameter, gradient in zip(theirs[members[place]], gradients, strict=True):
                parameter.grad = gradient[row]
            torchs[members[place]].step()

    for place, member in enumerate(members):
        for rows, parameter in zip(stack, theirs[member], strict=True):
            torch.testing.assert_close(rows[place], parameter.data, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "radam", "lookahead-radam"])
@pytest.mark.parametrize("decay", ["all", "matrices"])
def test_each_replica_moves_as_under_the_optimiser_of_one_run(optimizer, decay):
    """Lookahead too, and where biases do not shrink: 13 steps, pulled back twice."""
    torch.manual_seed(0)
    recipe = Recipe(optimizer=optimizer, lr=0.05, weight_decay=0.5, decay=decay)
    stack = [torch.randn(2, 4, 3).double(), torch.randn(2, 5).double()]
    theirs = [[nn.Parameter(rows[r].clone()) for rows in stack] for r in range(2)]
    alone = [build_optimizer(parameters, recipe) for parameters in theirs]
    mine = stacked_optimizer(stack, [recipe] * 2)
    for step in range(13):
        places = [place for place in range(2) if (step, place) != (3, 0)]
        gradients = [torch.randn(len(places), *rows.shape[1:]).double() for rows in stack]
        mine.step(gradients, 0, Active.of(places, CPU, kinds=range(2)))
        for row, place in enumerate(places):
            alone[place].step([gradient[row] for gradient in gradients], recipe.lr)

    for place in range(2):
        for rows, parameter in zip(stack, theirs[place], strict=True):
            torch.testing.assert_close(rows[place], parameter.data, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "radam"])
def test_each_replica_has_a_rate_and_a_decay_of_its_own(optimizer):
    """Neighbours of one recipe are moved together, others by their own; each as under torch's."""
    torch.manual_seed(0)
    recipes = [
        Recipe(optimizer=optimizer, lr=lr, weight_decay=decay, schedule="cosine", epochs=2)
        for lr, decay in ((0.1, 0.0), (0.1, 0.0), (0.01, 0.1), (0.1, 0.1))
    ]
    stack = [torch.randn(4, 3).double()]
    theirs = [nn.Parameter(row.clone()) for row in stack[0]]
    torchs = [reference([p], recipe) for p, recipe in zip(theirs, recipes, strict=True)]
    mine = stacked_optimizer(stack, recipes)
    for epoch, share in enumerate((1.0, 0.5)):  # the cosine over two epochs: cos 0, cos(pi / 2)
        gradient = torch.randn(4, 3).double()
        mine.step([gradient], epoch, Active.of(range(4), CPU, kinds=recipes))
        for place, (recipe, theirs_now) in enumerate(zip(recipes, torchs, strict=True)):
            theirs[place].grad = gradient[place]
            theirs_now.param_groups[0]["lr"] = recipe.lr * share
            theirs_now.step()

    for row, parameter in zip(stack[0], theirs, strict=True):
        torch.testing.assert_close(row, parameter.data, rtol=1e-12, atol=1e-12)


def test_neighbours_of_a_kind_make_a_span():
    """Places 0 1 | 2 | 4 5: the kind changes after 1, and 3 is left out."""
    active = Active.of([0, 1, 2, 4, 5], CPU, kinds=["a", "a", "b", "b", "b", "b"])

    assert active.spans == ((0, 2), (2, 3), (4, 6))
    assert active.sizes == [2, 1, 2]


def test_neighbours_are_a_view_and_others_a_copy():
    """Rows that lie side by side cost no copy."""
    rows = torch.arange(10.0).reshape(5, 2)

    assert Active.of([1, 2, 3], CPU).take(rows).data_ptr() == rows[1].data_ptr()
    assert torch.equal(Active.of([0, 3], CPU).take(rows), rows[[0, 3]])
