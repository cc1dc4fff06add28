"""The optimisers of a stack: parameters (R, ...) of R replicas, of which a step changes some.

Each replica keeps its own count of steps and its own moments, so it moves as it would alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from milbench.train.optim import HAS_FUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.records import Recipe


@dataclass(frozen=True, eq=False)
class Active:
    """Some replicas of a stack.

    Parameters
    ----------
    places
        Ascending positions in the stack.
    index : (A,) int64
        The same, on the device.
    """

    places: tuple[int, ...]
    index: Tensor

    @classmethod
    def of(cls, places: Sequence[int], device: torch.device) -> Active:
        """Return the replicas at ``places``."""
        return cls(tuple(places), torch.tensor(places, dtype=torch.int64, device=device))

    def take(self, stacked: Tensor) -> Tensor:
        """Return the rows (A, ...) of ``stacked`` (R, ...): a view where they are neighbours."""
        first, last = self.places[0], self.places[-1]
        if last - first + 1 == len(self.places):
            return stacked[first : last + 1]
        return stacked.index_select(0, self.index)


class StackedOptimizer(Protocol):
    """Changes the parameters of some replicas by their gradients."""

    def step(self, gradients: Sequence[Tensor], lr: float, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        ...

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        ...


class StackedAdam:
    """Adam or AdamW by torch's fused kernel, one call for all slices; see ``optim.FusedAdam``."""

    def __init__(self, parameters: Sequence[Tensor], recipe: Recipe) -> None:
        self._recipe = recipe
        self._kernel = (
            torch._fused_adamw_ if recipe.optimizer == "adamw" else torch._fused_adam_
        )  # see optim.HAS_FUSED
        self._first = [torch.zeros_like(p) for p in parameters]
        self._second = [torch.zeros_like(p) for p in parameters]
        self._counts = torch.zeros(len(parameters[0]), device=parameters[0].device)  # (R,)
        self._parameters = list(parameters)
        self._slices: dict[tuple[int, ...], list[list[Tensor]]] = {}

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: float, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        self._counts.index_add_(0, active.index, torch.ones_like(active.index, dtype=torch.float32))
        parameters, first, second, counts = self._of(active)
        self._kernel(
            parameters,
            [row for gradient in gradients for row in gradient.unbind()],
            first,
            second,
            [],
            counts,
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

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        self._parameters = list(parameters)
        self._first = [first[active.index] for first in self._first]
        self._second = [second[active.index] for second in self._second]
        self._counts = self._counts[active.index]
        self._slices = {}

    def _of(self, active: Active) -> list[list[Tensor]]:
        """Return the slices of parameters, moments and counts, one a parameter and replica."""
        if active.places not in self._slices:
            whole = (self._parameters, self._first, self._second)
            counts = [self._counts] * len(self._parameters)
            self._slices[active.places] = [
                [rows[place] for rows in stacked for place in active.places]
                for stacked in (*whole, counts)
            ]
        return self._slices[active.places]


class StackedSGD:
    """SGD with momentum, as ``torch.optim.SGD`` does it (its documentation gives the formulas)."""

    def __init__(self, parameters: Sequence[Tensor], recipe: Recipe) -> None:
        self._recipe = recipe
        self._parameters = list(parameters)
        self._velocity = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], lr: float, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        decay, momentum = self._recipe.weight_decay, self._recipe.momentum
        for i, raw in enumerate(gradients):
            parameter, velocity = self._parameters[i], self._velocity[i]
            gradient = raw.add(active.take(parameter), alpha=decay)
            if momentum:
                moved = active.take(velocity) * momentum + gradient
                velocity.index_copy_(0, active.index, moved)
                gradient = gradient + momentum * moved if self._recipe.nesterov else moved
            parameter.index_add_(0, active.index, gradient, alpha=-lr)

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        self._parameters = list(parameters)
        self._velocity = [velocity[active.index] for velocity in self._velocity]


def cannot_stack(recipe: Recipe) -> str:
    """Return why the optimiser of ``recipe`` has no stacked form here, or empty text."""
    if recipe.optimizer == "sgd" or (recipe.optimizer in ("adam", "adamw") and HAS_FUSED):
        return ""
    return f"the optimiser {recipe.optimizer} has no stacked form"


def stacked_optimizer(parameters: Sequence[Tensor], recipe: Recipe) -> StackedOptimizer:
    """Return the optimiser of ``recipe`` over stacked ``parameters``; see :func:`cannot_stack`."""
    if recipe.optimizer == "sgd":
        return StackedSGD(parameters, recipe)
    return StackedAdam(parameters, recipe)
