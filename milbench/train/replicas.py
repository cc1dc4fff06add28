"""The networks of a stack: what they compute, and the weights (R, ...) of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from milbench.train.computation import Inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from milbench.bags import Bag
    from milbench.train.active import Active
    from milbench.train.computation import Computation


class Replicas:
    """R networks of one shape.

    Parameters
    ----------
    models
        Give the starting weights; they are not changed.
    """

    def __init__(self, models: Sequence[nn.Module], computation: Computation) -> None:
        self.computation = computation
        self.weights = {name: _stacked(models, name) for name in computation.trained}
        self._fixed = {name: _stacked(models, name) for name in computation.fixed}

    def gradients(
        self, bag: Bag, label: Tensor, active: Active, keys: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the gradient (A, ...) of each weight, and the losses (A,), on one bag.

        Parameters
        ----------
        bag
            Its instances are (A, N, D), each replica's own, or (N, D), shared.
        label : () int64, or (L,) float32
            Class of the bag, or its labels.
        keys : (R,) int32
            Dropout keys of this step, one a replica.
        """
        inputs = Inputs(bag.x, bag.coords, label, active.take(keys))
        *gradients, losses = self.computation.gradients(inputs, self._taken(active))
        return gradients, losses

    def logits(self, bag: Bag, label: Tensor, active: Active, keys: Tensor) -> Tensor:
        """Return the logits (A, C) of one bag, without dropout; see :meth:`gradients`."""
        inputs = Inputs(bag.x, bag.coords, label, active.take(keys))
        return self.computation.logits(inputs, self._taken(active))

    def _taken(self, active: Active) -> list[Tensor]:
        stacked = (*self.weights.values(), *self._fixed.values())
        return [active.take(value) for value in stacked]

    def row(self, place: int) -> dict[str, Tensor]:
        """Return the trained weights of the replica at ``place``: views of the stack."""
        return {name: value[place] for name, value in self.weights.items()}

    def keep(self, active: Active) -> None:
        """Go on with the replicas ``active`` only."""
        self.weights = {name: value[active.index] for name, value in self.weights.items()}
        self._fixed = {name: value[active.index] for name, value in self._fixed.items()}


def _stacked(models: Sequence[nn.Module], name: str) -> Tensor:
    rows = []
    for model in models:
        owner, _, attribute = name.rpartition(".")
        rows.append(getattr(model.get_submodule(owner), attribute).detach())
    return torch.stack(rows)  # (R, ...)
