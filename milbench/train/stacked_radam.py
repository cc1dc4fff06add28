"""RAdam, alone and under Lookahead, on slices of stacked parameters; torch has no kernel for it.

Source: L. Liu, H. Jiang, P. He, W. Chen, X. Liu, J. Gao and J. Han, "On the Variance of the
Adaptive Learning Rate and Beyond", ICLR 2020, algorithm 2, https://arxiv.org/abs/1908.03265, with
the constants of ``torch.optim.RAdam``; Lookahead as in :mod:`milbench.train.lookahead`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from milbench.train.lookahead import SHARE, STEPS
from milbench.train.stacked_slices import Sliced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.recipe import Recipe
    from milbench.train.active import Active
    from milbench.train.stacked_slices import Slices

TRUSTED = 5.0  # degrees of freedom from which the variance is used; torch.optim.RAdam
EPS = 1e-8


class StackedRAdam(Sliced):
    """RAdam, its decay added to the gradient; equal to ``torch.optim.RAdam``."""

    n_states = 2
    is_decoupled = False

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        super().__init__(parameters, recipes)
        self._taken = [0] * len(recipes)  # what ``_counts`` holds on the device

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        for place in active.places:
            self._taken[place] += 1
        super().step(gradients, epoch, active)

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        super().keep(parameters, active)
        self._taken = [self._taken[place] for place in active.places]

    @torch.no_grad()
    def _move(self, slices: Slices, gradients: list[Tensor], lr: float) -> None:
        for number, (parameter, gradient) in enumerate(
            zip(slices.parameters, gradients, strict=True)
        ):
            states = [state[number] for state in slices.states]
            self._move_one(parameter, gradient, states, self._size(slices, number, lr))

    def _size(self, slices: Slices, number: int, lr: float) -> _Size:
        return _Size(slices.recipe, lr, self._taken[slices.starts[number]])

    def _move_one(
        self, parameter: Tensor, gradient: Tensor, states: list[Tensor], size: _Size
    ) -> None:
        first, second = states[:2]
        b1, b2 = size.recipe.betas
        decay = size.recipe.weight_decay
        if self.is_decoupled:
            parameter.mul_(1.0 - size.lr * decay)
        else:
            gradient = gradient.add(parameter, alpha=decay)
        first.lerp_(gradient, 1.0 - b1)
        second.mul_(b2).addcmul_(gradient, gradient, value=1.0 - b2)
        length = -size.lr / (1.0 - b1**size.steps)
        share = rectified(size.steps, b2)
        if share is None:
            parameter.add_(first, alpha=length)
        else:
            parameter.addcdiv_(first, second.sqrt().add_(EPS), value=length * share)


class StackedLookaheadRAdam(StackedRAdam):
    """RAdam with decoupled decay whose weights are pulled back every few steps.

    Equal to :class:`milbench.train.lookahead.Lookahead` on one replica after the other.
    """

    is_decoupled = True

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        super().__init__(parameters, recipes)
        self._states.append([rows.clone() for rows in parameters])

    def _move_one(
        self, parameter: Tensor, gradient: Tensor, states: list[Tensor], size: _Size
    ) -> None:
        super()._move_one(parameter, gradient, states, size)
        slow = states[2]
        if size.steps % STEPS == 0:
            slow.lerp_(parameter, SHARE)
            parameter.copy_(slow)


class _Size(NamedTuple):
    """What decides how far a step goes; ``steps`` counts it too."""

    recipe: Recipe
    lr: float
    steps: int


def rectified(steps: int, b2: float) -> float | None:
    """Return the factor of the adaptive step number ``steps``; None while it is not trusted.

    The square root of the paper's r_t, with that of the second moment's bias correction.
    """
    longest = 2.0 / (1.0 - b2) - 1.0
    correction = 1.0 - b2**steps
    length = longest - 2.0 * steps * b2**steps / correction
    if length <= TRUSTED:
        return None
    top = (length - 4.0) * (length - 2.0) * longest
    bottom = (longest - 4.0) * (longest - 2.0) * length
    return math.sqrt(top / bottom * correction)
