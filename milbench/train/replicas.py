"""The networks of a stack: one module for the shape of the computation, weights (R, ...) beside it.

The replicas of a bag are computed by ``torch.func.vmap`` over weights, scalers and dropout keys;
bag and label are shared.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

from milbench.bags import Bag
from milbench.train.dropout import name_dropout
from milbench.train.resident import Scaler
from milbench.train.sequential import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.bags import Context, Output
    from milbench.train.stacked_optim import Active

SHARED = ("n_classes", "epoch", "epochs", "parents")


class SharedContext:
    """The context of a stack: what differs between folds cannot be read from it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        if name in SHARED:
            return getattr(self._context, name)
        raise AttributeError(f"context.{name} differs between the folds of a stack")


class _Method(nn.Module):
    """The model with its loss, so that a loss which reads weights reads the replica's."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.is_training = True

    def forward(self, bag: Bag, label: Tensor, context: Any) -> Tensor:
        if not self.is_training:
            output: Output = self.model(bag)
            return output.logits
        loss_of = getattr(self.model, "loss", cross_entropy)
        loss: Tensor = loss_of(self.model(bag), label, context)
        return loss


class Replicas:
    """R networks of one shape.

    Parameters
    ----------
    models
        Give the starting weights; they are not changed.
    scalers
        The standardisation of each replica's instances; all None, or none of them.
    """

    def __init__(self, models: Sequence[nn.Module], scalers: Sequence[Scaler | None]) -> None:
        self._method = _Method(copy.deepcopy(models[0]))
        trained = {n: p for n, p in models[0].named_parameters() if p.requires_grad}
        self.weights = {name: _stacked(models, name) for name in trained}
        # What is not trained, frozen weights and buffers, may still differ between replicas.
        names = [n for n, _ in models[0].named_parameters() if n not in trained]
        names += [n for n, _ in models[0].named_buffers()]
        self._fixed = {name: _stacked(models, name) for name in names}
        given = [scaler for scaler in scalers if scaler is not None]
        self._scalers: tuple[Tensor, ...] = ()
        if given:
            means, inverses = [s.mean for s in given], [s.inverse_sd for s in given]
            self._scalers = (torch.stack(means), torch.stack(inverses))  # (R, D) each
        self.device = next(iter(self.weights.values())).device
        self._masks = name_dropout(self._method, self.device)
        self._context: Any = None
        axes = (0, 0, 0, 0, None, None, None)
        self._gradients = vmap(grad_and_value(self._forward), in_dims=axes)
        self._logits = vmap(self._forward, in_dims=axes)

    def _forward(  # noqa: PLR0913, PLR0917  # vmap gives each its axis by position
        self,
        weights: dict[str, Tensor],
        fixed: dict[str, Tensor],
        scaler: tuple[Tensor, ...],
        key: tuple[Tensor, ...],
        x: Tensor,
        coords: Tensor | None,
        label: Tensor | None,
    ) -> Tensor:
        if self._masks is not None and key:
            self._masks.start(key[0])
        bag = Bag(Scaler(*scaler)(x) if scaler else x, coords)
        named = {f"model.{name}": value for name, value in (weights | fixed).items()}
        answer: Tensor = functional_call(self._method, named, (bag, label, self._context))
        return answer

    def begin_epoch(self, context: Context) -> None:
        """Show the loss what ``context`` says of all folds alike."""
        self._context = SharedContext(context)

    def gradients(
        self, bag: Bag, label: Tensor, active: Active, keys: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Return the gradient (A, ...) of each weight, and the losses (A,), on one bag.

        Parameters
        ----------
        label : () int64
            Class of the bag.
        keys : (R,) int32
            Dropout keys of this step, one a replica.
        """
        self._method.is_training = True
        self._method.train()
        key: tuple[Tensor, ...] = ()
        if self._masks is not None:
            self._masks.grow()
            key = (active.take(keys),)
        weights, fixed, scaler = self._taken(active)
        gradients, losses = self._gradients(weights, fixed, scaler, key, bag.x, bag.coords, label)
        return list(gradients.values()), losses

    def logits(self, bag: Bag, active: Active) -> Tensor:
        """Return the logits (A, C) of one bag, without dropout."""
        self._method.is_training = False
        self._method.eval()
        weights, fixed, scaler = self._taken(active)
        logits: Tensor = self._logits(weights, fixed, scaler, (), bag.x, bag.coords, None)
        return logits

    def _taken(self, active: Active) -> tuple[Any, ...]:
        weights = {name: active.take(value) for name, value in self.weights.items()}
        fixed = {name: active.take(value) for name, value in self._fixed.items()}
        return weights, fixed, tuple(active.take(value) for value in self._scalers)

    def row(self, place: int) -> dict[str, Tensor]:
        """Return the trained weights of the replica at ``place``: views of the stack."""
        return {name: value[place] for name, value in self.weights.items()}

    def keep(self, active: Active) -> None:
        """Go on with the replicas ``active`` only."""
        self.weights = {name: value[active.index] for name, value in self.weights.items()}
        self._fixed = {name: value[active.index] for name, value in self._fixed.items()}
        self._scalers = tuple(value[active.index] for value in self._scalers)


def _stacked(models: Sequence[nn.Module], name: str) -> Tensor:
    rows = []
    for model in models:
        owner, _, attribute = name.rpartition(".")
        rows.append(getattr(model.get_submodule(owner), attribute).detach())
    return torch.stack(rows)  # (R, ...)
