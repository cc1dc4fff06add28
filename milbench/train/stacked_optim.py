"""The optimisers of a stack: parameters (R, ...) of R replicas, of which a step changes some.

Each replica keeps its own count of steps, its own moments and its own learning rate and weight
decay, so it moves as it would alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

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
    states: list[list[Tensor]]
    counts: list[Tensor]


class _Fused:
    """One call of a fused kernel of torch for all slices of a recipe.

    The spans of :class:`Active` must hold replicas of one recipe.
    """

    n_states = 0

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        self._recipes = list(recipes)
        self._parameters = list(parameters)
        self._states = [[torch.zeros_like(p) for p in parameters] for _ in range(self.n_states)]
        self._counts = torch.zeros(len(parameters[0]), device=parameters[0].device)  # (R,)
        self._slices: dict[tuple[int, ...], list[_Slices]] = {}

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        self._counts.index_add_(0, active.index, active.ones)
        sizes = active.sizes
        # The kernels go through memory in order, whatever the strides of a gradient say.
        whole = [gradient.contiguous() for gradient in gradients]
        pieces = [piece for g in whole for piece in torch.split_with_sizes(g, sizes)]
        for slices in self._of(active):
            mine = [pieces[i] for i in slices.pieces]
            self._move(slices, mine, learning_rate(slices.recipe, epoch))

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        self._recipes = [self._recipes[place] for place in active.places]
        self._parameters = list(parameters)
        self._states = [[one[active.index] for one in state] for state in self._states]
        self._counts = self._counts[active.index]
        self._slices = {}

    def _move(self, slices: _Slices, gradients: list[Tensor], lr: float) -> None:
        raise NotImplementedError

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
            states=[cut(state) for state in self._states],
            counts=[self._counts[start] for _ in self._parameters for start, _ in spans],
        )


class StackedAdam(_Fused):
    """Adam or AdamW; see ``optim.FusedAdam``. Replicas of a span must have taken equal steps."""

    n_states = 2

    def _move(self, slices: _Slices, gradients: list[Tensor], lr: float) -> None:
        recipe = slices.recipe
        kernel: Any = torch._fused_adamw_ if recipe.optimizer == "adamw" else torch._fused_adam_
        kernel(
            slices.parameters,
            gradients,
            *slices.states,
            [],
            slices.counts,
            lr=lr,
            beta1=recipe.betas[0],
            beta2=recipe.betas[1],
            weight_decay=recipe.weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )


class StackedSGD(_Fused):
    """SGD with momentum; see ``optim.FusedSGD``."""

    n_states = 1

    def _move(self, slices: _Slices, gradients: list[Tensor], lr: float) -> None:
        recipe = slices.recipe
        torch._fused_sgd_(
            slices.parameters,
            gradients,
            slices.states[0] if recipe.momentum else [],
            weight_decay=recipe.weight_decay,
            momentum=recipe.momentum,
            lr=lr,
            dampening=0.0,
            nesterov=recipe.nesterov,
            maximize=False,
            is_first_step=False,
        )


def cannot_stack(recipe: Recipe) -> str:
    """Return why the optimiser of ``recipe`` has no stacked form here, or empty text."""
    if recipe.schedule == "plateau":
        return "a rate that waits for a run's own training loss has no stacked form"
    if recipe.decay != "all":
        return f"weight decay of {recipe.decay} only has no stacked form"
    if recipe.optimizer in ("adam", "adamw", "sgd") and HAS_FUSED:
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
