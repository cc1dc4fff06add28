"""The optimiser and the learning rate that a recipe asks for.

An optimiser takes the gradients as they come from ``torch.autograd.grad``; nothing is stored in
``.grad`` and nothing has to be zeroed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from milbench.train.lookahead import Lookahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from torch.nn import Parameter

    from milbench.recipe import Recipe

# torch's own kernels behind Adam(fused=True) and SGD(fused=True). Called directly they spare 35 of
# 60 and 170 of 190 microseconds a step on small networks; they are private, so their absence is
# no error.
HAS_FUSED = all(hasattr(torch, f"_fused_{name}_") for name in ("adam", "adamw", "sgd"))


class Optimizer(Protocol):
    """Changes parameters by their gradients."""

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None stays as it is."""
        ...


class FusedAdam:
    """Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019) by torch's fused kernel.

    Equal to ``torch.optim.Adam`` and ``AdamW``: a parameter counts only the steps in which it had
    a gradient.
    """

    def __init__(self, parameters: Sequence[Parameter], recipe: Recipe) -> None:
        self._parameters = list(parameters)
        self._kernel = (
            torch._fused_adamw_ if recipe.optimizer == "adamw" else torch._fused_adam_
        )  # see HAS_FUSED
        self._recipe = recipe
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]
        self._counts = torch.zeros(len(self._parameters), device=self._parameters[0].device)
        self._count = list(self._counts.unbind())  # views, one a parameter

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None stays as it is."""
        used = [i for i, gradient in enumerate(gradients) if gradient is not None]
        if len(used) == len(gradients):
            self._counts += 1
        else:
            for i in used:
                self._count[i] += 1
        self._kernel(
            [self._parameters[i] for i in used],
            _in_order(gradients),
            [self._first[i] for i in used],
            [self._second[i] for i in used],
            [],
            [self._count[i] for i in used],
            lr=lr,
            beta1=self._recipe.betas[0],
            beta2=self._recipe.betas[1],
            weight_decay=self._recipe.weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )


class FusedSGD:
    """SGD with momentum by torch's fused kernel; equal to ``torch.optim.SGD``.

    A momentum that starts at zero is the gradient after its first step, as torch defines it.
    """

    def __init__(self, parameters: Sequence[Parameter], recipe: Recipe) -> None:
        self._parameters = list(parameters)
        self._recipe = recipe
        self._momentum = [torch.zeros_like(p) for p in self._parameters] if recipe.momentum else []

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None stays as it is."""
        used = [i for i, gradient in enumerate(gradients) if gradient is not None]
        torch._fused_sgd_(
            [self._parameters[i] for i in used],
            _in_order(gradients),
            [self._momentum[i] for i in used] if self._momentum else [],
            weight_decay=self._recipe.weight_decay,
            momentum=self._recipe.momentum,
            lr=lr,
            dampening=0.0,
            nesterov=self._recipe.nesterov,
            maximize=False,
            is_first_step=False,
        )


def _in_order(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the gradients as the kernels read them: through memory, whatever their strides say."""
    return [gradient.contiguous() for gradient in gradients if gradient is not None]


class TorchOptimizer:
    """Any optimiser of ``torch.optim``."""

    def __init__(self, parameters: Sequence[Parameter], optimizer: torch.optim.Optimizer) -> None:
        self._parameters = parameters
        self._optimizer = optimizer

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None stays as it is."""
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()


class Parts:
    """Optimisers of parts of the parameters, as one.

    Parameters
    ----------
    parts
        Positions of some parameters, and the optimiser that changes them.
    """

    def __init__(self, parts: Sequence[tuple[Sequence[int], Optimizer]]) -> None:
        self._parts = list(parts)

    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None stays as it is."""
        for positions, optimizer in self._parts:
            optimizer.step([gradients[i] for i in positions], lr)


def build_optimizer(parameters: Sequence[Parameter], recipe: Recipe) -> Optimizer:
    """Return the optimiser of ``recipe`` over ``parameters``."""
    build = _split if recipe.decay == "matrices" else _uniform
    if recipe.optimizer == "lookahead-radam":
        return Lookahead(parameters, build(parameters, recipe))
    return build(parameters, recipe)


def _split(parameters: Sequence[Parameter], recipe: Recipe) -> Optimizer:
    """Return an optimiser whose weight decay shrinks parameters of two axes or more only."""
    flat = [i for i, parameter in enumerate(parameters) if parameter.dim() <= 1]
    matrices = [i for i in range(len(parameters)) if i not in flat]
    recipes = ((matrices, recipe), (flat, replace(recipe, weight_decay=0.0)))
    return Parts(
        [
            (positions, _uniform([parameters[i] for i in positions], mine))
            for positions, mine in recipes
            if positions
        ]
    )


def _uniform(parameters: Sequence[Parameter], recipe: Recipe) -> Optimizer:
    is_in_order = all(parameter.is_contiguous() for parameter in parameters)
    if HAS_FUSED and is_in_order and recipe.optimizer in ("adam", "adamw"):
        return FusedAdam(parameters, recipe)
    if HAS_FUSED and is_in_order and recipe.optimizer == "sgd":
        return FusedSGD(parameters, recipe)
    return TorchOptimizer(parameters, _torch_optimizer(parameters, recipe))


def _torch_optimizer(parameters: Sequence[Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    lr, decay = recipe.lr, recipe.weight_decay
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(
                parameters,
                lr=lr,
                weight_decay=decay,
                momentum=recipe.momentum,
                nesterov=recipe.nesterov,
            )
        case "radam":
            return torch.optim.RAdam(parameters, lr=lr, betas=recipe.betas, weight_decay=decay)
        case "lookahead-radam":  # the authors of RAdam decouple the decay; torch's default does not
            return torch.optim.RAdam(
                parameters,
                lr=lr,
                betas=recipe.betas,
                weight_decay=decay,
                decoupled_weight_decay=True,
            )
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters, lr=lr, weight_decay=decay, momentum=recipe.momentum
            )
        case "adam":
            return torch.optim.Adam(parameters, lr=lr, betas=recipe.betas, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=lr, betas=recipe.betas, weight_decay=decay)


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Return the learning rate of ``epoch``, counted from 0, where it follows from that alone.

    ``cosine`` falls from ``lr`` at epoch 0 towards ``final_lr`` at ``epochs``
    (Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts).
    """
    if recipe.schedule != "cosine":
        return recipe.lr
    wave = 0.5 * (1.0 + math.cos(math.pi * epoch / recipe.epochs))
    return recipe.final_lr + (recipe.lr - recipe.final_lr) * wave
