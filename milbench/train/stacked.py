"""The stacked engine: all runs of a cell that share an order of bags, trained side by side.

A step takes one bag and trains every replica that may see it: ``torch.func.vmap`` over weights,
one bag for all. A replica that holds the bag out is not computed at all. The results are those of
the sequential engine to rounding, whoever else is in the stack.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from milbench.errors import TrainingError
from milbench.seeds import seed
from milbench.train.dropout import step_keys
from milbench.train.fold import Fitted
from milbench.train.optim import learning_rate
from milbench.train.protocol import Stopper, epoch_order, order_names
from milbench.train.replicas import Replicas
from milbench.train.sequential import diverged, predictor
from milbench.train.stacked_optim import Active, stacked_optimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from milbench.records import Recipe
    from milbench.train.fold import Fold
    from milbench.train.resident import FoldBags


class _Member(NamedTuple):
    """One run in the stack, and where its outcome goes."""

    place: int
    model: nn.Module
    fold: Fold
    stopper: Stopper


class _Row:
    """The weights of one replica, as a module would give them."""

    def __init__(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        self._model, self._weights = model, weights

    def state_dict(self) -> dict[str, Any]:
        return self._model.state_dict() | self._weights


def fit_stacked(
    models: Sequence[nn.Module], folds: Sequence[Fold], bags: FoldBags
) -> list[Fitted | TrainingError]:
    """Train ``models`` on their ``folds``, which are of one cell and share the order of bags.

    Parameters
    ----------
    bags
        The bags before any fold's scaling; each fold's scaler is applied to its replica only.

    Returns
    -------
    list
        For each model the trained one, or the error of a replica that diverged.
    """
    training = _Stack(models, folds, bags)
    for epoch in range(training.recipe.epochs):
        if training.members:
            training.train(epoch)
        if training.members:
            training.validate(epoch)
    return [training.results[place] for place in range(len(models))]


class _Stack:
    def __init__(self, models: Sequence[nn.Module], folds: Sequence[Fold], bags: FoldBags) -> None:
        self.recipe: Recipe = folds[0].run.cell.recipe
        self.members = [
            _Member(place, model, fold, Stopper(self.recipe))
            for place, (model, fold) in enumerate(zip(models, folds, strict=True))
        ]
        self.results: dict[int, Fitted | TrainingError] = {}
        self.replicas = Replicas(models, [fold.bags.scaler for fold in folds])
        self.optimizer = stacked_optimizer(list(self.replicas.weights.values()), self.recipe)
        self._bags = bags
        self._device = self.replicas.device
        known = {bag: label for fold in folds for bag, label in fold.labels.items()}
        self._labels = {b: torch.tensor(v, device=self._device) for b, v in known.items()}
        self._plan()

    def _plan(self) -> None:
        """Note which members train on each bag, and which are validated on it."""
        folds = [member.fold for member in self.members]
        self._train = self._by_bag([fold.train for fold in folds])
        self._valid = self._by_bag([fold.valid for fold in folds])
        self._seeds = np.array([seed("dropout", *fold.run.names) for fold in folds])

    def _by_bag(self, positions: list[np.ndarray]) -> dict[int, Active]:
        members: dict[int, list[int]] = {}
        for place, bags in enumerate(positions):
            for bag in bags.tolist():
                members.setdefault(bag, []).append(place)
        kinds = {tuple(places): Active.of(places, self._device) for places in members.values()}
        return {bag: kinds[tuple(places)] for bag, places in members.items()}

    def train(self, epoch: int) -> None:
        """Train one epoch, bag by bag in the shared order."""
        fold = self.members[0].fold
        order = epoch_order(
            fold.n_bags, np.array(sorted(self._train)), *order_names(fold.run, epoch)
        )
        rate = learning_rate(self.recipe, epoch)
        keys = step_keys(self._seeds, epoch, fold.n_bags).to(self._device).unbind()
        losses = torch.zeros(len(self.members), device=self._device)
        self.replicas.begin_epoch(fold.at_epoch(epoch))
        for bag in order.tolist():
            active = self._train[bag]
            gradients, loss = self.replicas.gradients(
                self._bags[bag], self._labels[bag], active, keys[bag]
            )
            self.optimizer.step(gradients, rate, active)
            losses.index_copy_(0, active.index, loss.float())
        # What once is not finite stays so in the weights: the last loss tells of the whole epoch.
        self._drop_diverged("training", epoch, losses.tolist())

    def validate(self, epoch: int) -> None:
        """Compute the validation losses; replicas whose training ends with this epoch leave."""
        losses = self._validation_losses()
        self._drop_diverged("validation", epoch, losses)
        finite = [loss for loss in losses if math.isfinite(loss)]
        stay = []
        for place, (member, loss) in enumerate(zip(self.members, finite, strict=True)):
            row = _Row(member.model, self.replicas.row(place))
            is_validated = len(member.fold.valid) > 0
            stops = is_validated and member.stopper.should_stop(loss, row)
            if stops or epoch == self.recipe.epochs - 1:
                self._leave(member, place, epoch)
            else:
                stay.append(place)
        self._keep(stay)

    @torch.no_grad()
    def _validation_losses(self) -> list[float]:
        """Return one loss a member; 0 where it has no validation bags."""
        rows: dict[int, Tensor] = {}
        for bag, active in self._valid.items():
            rows[bag] = self.replicas.logits(self._bags[bag], active)  # (A, C)
        losses = []
        for place, member in enumerate(self.members):
            bags = member.fold.valid.tolist()
            if not bags:
                losses.append(0.0)
                continue
            logits = [rows[bag][self._valid[bag].places.index(place)] for bag in bags]
            labels = torch.stack([self._labels[bag] for bag in bags])
            losses.append(float(F.cross_entropy(torch.stack(logits), labels)))
        return losses

    def _drop_diverged(self, which: str, epoch: int, losses: list[float]) -> None:
        stay = []
        for place, (member, loss) in enumerate(zip(self.members, losses, strict=True)):
            if math.isfinite(loss):
                stay.append(place)
            else:
                message = diverged(which, epoch, self.recipe.lr)
                self.results[member.place] = TrainingError(message)
        self._keep(stay)

    def _leave(self, member: _Member, place: int, epoch: int) -> None:
        model = member.model
        model.load_state_dict(_Row(model, self.replicas.row(place)).state_dict())
        member.stopper.restore(model)
        model.eval()
        is_chosen = len(member.fold.valid) > 0 and self.recipe.select == "best"
        best = member.stopper.best_epoch if is_chosen else epoch
        count = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.results[member.place] = Fitted(predictor(model), epoch + 1, best, count)

    def _keep(self, places: list[int]) -> None:
        if len(places) == len(self.members):
            return
        self.members = [self.members[place] for place in places]
        if not places:
            return
        active = Active.of(places, self._device)
        self.replicas.keep(active)
        self.optimizer.keep(list(self.replicas.weights.values()), active)
        self._plan()
