"""The optimisers of a stack: parameters (R, ...) of R replicas, of which a step changes some.

Each replica keeps its own count of steps, its own moments and its own learning rate and weight
decay, so it moves as it would alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from milbench.train.optim import HAS_FUSED, learning_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from milbench.records import Recipe
    from milbench.train.active import Active


class StackedOptimizer(Protocol):
    """Changes the parameters of some replicas by their gradients."""

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        ...

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        ...


class _Slices(NamedTuple):
    """What one call of the kernel changes: slices of one recipe, one a parameter and span."""

    recipe: Recipe
    pieces: list[int]
    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    counts: list[Tensor]


class StackedAdam:
    """Adam or AdamW by torch's fused kernel, one call for all slices; see ``optim.FusedAdam``.

    The spans of :class:`Active` must hold replicas of one recipe that trained on the same bags.
    """

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        self._recipes = list(recipes)
        self._kernel = (
            torch._fused_adamw_ if recipes[0].optimizer == "adamw" else torch._fused_adam_
        )  # see optim.HAS_FUSED
        self._parameters = list(parameters)
        self._first = [torch.zeros_like(p) for p in parameters]
        self._second = [torch.zeros_like(p) for p in parameters]
        self._counts = torch.zeros(len(parameters[0]), device=parameters[0].device)  # (R,)
        self._slices: dict[tuple[int, ...], list[_Slices]] = {}

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        self._counts.index_add_(0, active.index, active.ones)
        sizes = active.sizes
        pieces = [piece for g in gradients for piece in torch.split_with_sizes(g, sizes)]
        for slices in self._of(active):
            self._kernel(
                slices.parameters,
                [pieces[i] for i in slices.pieces],
                slices.first,
                slices.second,
                [],
                slices.counts,
                lr=learning_rate(slices.recipe, epoch),
                beta1=slices.recipe.betas[0],
                beta2=slices.recipe.betas[1],
                weight_decay=slices.recipe.weight_decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
                grad_scale=None,
                found_inf=None,
            )

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        self._recipes = [self._recipes[place] for place in active.places]
        self._parameters = list(parameters)
        self._first = [first[active.index] for first in self._first]
        self._second = [second[active.index] for second in self._second]
        self._counts = self._counts[active.index]
        self._slices = {}

    def _of(self, active: Active) -> list[_Slices]:
        if active.places not in self._slices:
            recipes = dict.fromkeys(self._recipes[start] for start, _ in active.spans)
            self._slices[active.places] = [self._one(recipe, active) for recipe in recipes]
        return self._slices[active.places]

    def _one(self, recipe: Recipe, active: Active) -> _Slices:
        mine = [i for i, (start, _) in enumerate(active.spans) if self._recipes[start] == recipe]
        spans = [active.spans[i] for i in mine]

        def cut(stacked: Iterable[Tensor]) -> list[Tensor]:
            return [rows[start:stop] for rows in stacked for start, stop in spans]

        count = len(active.spans)
        return _Slices(
            recipe=recipe,
            pieces=[p * count + i for p in range(len(self._parameters)) for i in mine],
            parameters=cut(self._parameters),
            first=cut(self._first),
            second=cut(self._second),
            counts=[self._counts[start] for _ in self._parameters for start, _ in spans],
        )


class StackedSGD:
    """SGD with momentum, as ``torch.optim.SGD`` does it (its documentation gives the formulas)."""

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        self._recipes = list(recipes)
        self._parameters = list(parameters)
        self._velocity = [torch.zeros_like(p) for p in parameters]

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        momentum, nesterov = self._recipes[0].momentum, self._recipes[0].nesterov
        mine = [self._recipes[place] for place in active.places]
        decays = gradients[0].new_tensor([recipe.weight_decay for recipe in mine])  # (A,)
        rates = gradients[0].new_tensor([learning_rate(recipe, epoch) for recipe in mine])
        for i, raw in enumerate(gradients):
            parameter, velocity = self._parameters[i], self._velocity[i]
            column = (len(mine), *[1] * (raw.dim() - 1))
            gradient = raw + decays.view(column) * active.take(parameter)
            if momentum:
                moved = active.take(velocity) * momentum + gradient
                velocity.index_copy_(0, active.index, moved)
                gradient = gradient + momentum * moved if nesterov else moved
            parameter.index_add_(0, active.index, gradient * rates.view(column), alpha=-1)

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        self._recipes = [self._recipes[place] for place in active.places]
        self._parameters = list(parameters)
        self._velocity = [velocity[active.index] for velocity in self._velocity]


def cannot_stack(recipe: Recipe) -> str:
    """Return why the optimiser of ``recipe`` has no stacked form here, or empty text."""
    if recipe.optimizer == "sgd" or (recipe.optimizer in ("adam", "adamw") and HAS_FUSED):
        return ""
    return f"the optimiser {recipe.optimizer} has no stacked form"


def kin(recipe: Recipe) -> Recipe:
    """Return what the recipes of one stack have in common: all but the rates and the decay."""
    return replace(recipe, lr=0.0, final_lr=0.0, weight_decay=0.0)


def stacked_optimizer(parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> StackedOptimizer:
    """Return the optimiser of ``recipes``, one a replica, over stacked ``parameters``.

    The recipes must be :func:`kin`; see :func:`cannot_stack` for which there are.
    """
    if recipes[0].optimizer == "sgd":
        return StackedSGD(parameters, recipes)
    return StackedAdam(parameters, recipes)
