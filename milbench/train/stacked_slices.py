"""Slices of stacked parameters (R, ...) that an optimiser changes in one call.

Each replica keeps its own count of steps, its own moments and its own learning rate and weight
decay, so it moves as it would alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from milbench.train.optim import learning_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from milbench.recipe import Recipe
    from milbench.train.active import Active


class StackedOptimizer(Protocol):
    """Changes the parameters of some replicas by their gradients."""

    def step(self, gradients: Sequence[Tensor], epoch: int, active: Active) -> None:
        """Take one step; ``gradients`` hold (A, ...) for each parameter, in their order."""
        ...

    def keep(self, parameters: Sequence[Tensor], active: Active) -> None:
        """Go on with the replicas ``active``, whose parameters now are ``parameters``."""
        ...


class Slices(NamedTuple):
    """What one call changes: slices of one recipe, one a parameter and span.

    Parameters
    ----------
    recipe
        Of these slices; its weight decay is 0 where theirs is.
    starts
        First replica of each slice.
    pieces
        Which pieces of the gradients are theirs.
    parameters, states
        Views of the parameters and of each state.
    counts
        Steps of the replicas, (), the new one included.
    """

    recipe: Recipe
    starts: list[int]
    pieces: list[int]
    parameters: list[Tensor]
    states: list[list[Tensor]]
    counts: list[Tensor]


class Sliced:
    """An optimiser that changes all slices of a recipe in one call of :meth:`_move`.

    The spans of :class:`Active` must hold replicas of one recipe.
    """

    n_states = 0

    def __init__(self, parameters: Sequence[Tensor], recipes: Sequence[Recipe]) -> None:
        self._recipes = list(recipes)
        self._parameters = list(parameters)
        self._states = [[torch.zeros_like(p) for p in parameters] for _ in range(self.n_states)]
        self._counts = torch.zeros(len(parameters[0]), device=parameters[0].device)  # (R,)
        self._slices: dict[tuple[int, ...], list[Slices]] = {}

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

    def _move(self, slices: Slices, gradients: list[Tensor], lr: float) -> None:
        raise NotImplementedError

    def _of(self, active: Active) -> list[Slices]:
        if active.places not in self._slices:
            recipes = dict.fromkeys(self._recipes[start] for start, _ in active.spans)
            self._slices[active.places] = [
                slices for recipe in recipes for slices in self._split(recipe, active)
            ]
        return self._slices[active.places]

    def _split(self, recipe: Recipe, active: Active) -> Iterator[Slices]:
        """Yield the slices of ``recipe``: those that shrink, and those that only move."""
        everything = range(len(self._parameters))
        if recipe.decay == "all":
            yield self._one(recipe, everything, active)
            return
        is_flat = [rows.dim() <= 2 for rows in self._parameters]  # noqa: PLR2004  # (R, ...)
        yield self._one(recipe, [p for p in everything if not is_flat[p]], active)
        free = replace(recipe, weight_decay=0.0)
        yield self._one(free, [p for p in everything if is_flat[p]], active, of=recipe)

    def _one(
        self, recipe: Recipe, chosen: Sequence[int], active: Active, of: Recipe | None = None
    ) -> Slices:
        """Return slices of the parameters ``chosen``, of the replicas whose recipe is ``of``."""
        asked = of or recipe
        mine = [i for i, (start, _) in enumerate(active.spans) if self._recipes[start] == asked]
        spans = [active.spans[i] for i in mine]

        def cut(stacked: Sequence[Tensor]) -> list[Tensor]:
            return [stacked[p][start:stop] for p in chosen for start, stop in spans]

        count = len(active.spans)
        return Slices(
            recipe=recipe,
            starts=[start for _ in chosen for start, _ in spans],
            pieces=[p * count + i for p in chosen for i in mine],
            parameters=cut(self._parameters),
            states=[cut(state) for state in self._states],
            counts=[self._counts[start] for _ in chosen for start, _ in spans],
        )
