"""The optimisers of a stack: torch's fused kernels on slices of stacked parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from milbench.train.optim import HAS_FUSED
from milbench.train.stacked_radam import StackedLookaheadRAdam, StackedRAdam
from milbench.train.stacked_slices import Sliced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.recipe import Recipe
    from milbench.train.stacked_slices import Slices, StackedOptimizer


class StackedAdam(Sliced):
    """Adam or AdamW; see ``optim.FusedAdam``. Replicas of a span must have taken equal steps."""

    n_states = 2

    def _move(self, slices: Slices, gradients: list[Tensor], lr: float) -> None:
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


class StackedSGD(Sliced):
    """SGD with momentum; see ``optim.FusedSGD``."""

    n_states = 1

    def _move(self, slices: Slices, gradients: list[Tensor], lr: float) -> None:
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


OF: dict[str, type[Sliced]] = {
    "adam": StackedAdam,
    "adamw": StackedAdam,
    "sgd": StackedSGD,
    "radam": StackedRAdam,
    "lookahead-radam": StackedLookaheadRAdam,
}


def cannot_stack(recipe: Recipe) -> str:
    """Return why the optimiser of ``recipe`` has no stacked form here, or empty text."""
    if recipe.schedule == "plateau":
        return "a rate that waits for a run's own training loss has no stacked form"
    if recipe.optimizer not in OF:
        return f"the optimiser {recipe.optimizer} has no stacked form"
    if not HAS_FUSED and recipe.optimizer in ("adam", "adamw", "sgd"):
        return f"this version of torch has no fused kernel of {recipe.optimizer}"
    return ""


def kin(recipe: Recipe) -> Recipe:
    """Return what the recipes of one stack have in common: all but the rates and the decay."""
    return replace(recipe, lr=0.0, final_lr=0.0, weight_decay=0.0)


def stacked_optimizer(parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> StackedOptimizer:
    """Return the optimiser of ``recipes``, one a replica, over stacked ``parameters``.

    The recipes must be :func:`kin`; see :func:`cannot_stack` for which there are.
    """
    return OF[recipes[0].optimizer](parameters, recipes)
