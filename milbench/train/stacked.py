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

from milbench.errors import TrainingError
from milbench.seeds import seed
from milbench.train.active import Active
from milbench.train.computation import computation_name, shared_computation
from milbench.train.dropout import step_keys
from milbench.train.flop import library_for_stack
from milbench.train.fold import Fitted
from milbench.train.loss import bag_losses, label_tensor
from milbench.train.matmul import multiplying
from milbench.train.protocol import Stopper, epoch_order, order_names
from milbench.train.replicas import Replicas
from milbench.train.sequential import diverged, predictor
from milbench.train.stack_bags import StackBags
from milbench.train.stacked_optim import stacked_optimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from milbench.train.fold import Fold
    from milbench.train.matmul import Library


class _Member(NamedTuple):
    """One run in the stack, and where its outcome goes."""

    place: int
    model: nn.Module
    fold: Fold
    stopper: Stopper

    @property
    def kind(self) -> tuple[bytes, str]:
        """Return what members have in common that count their steps together."""
        return self.fold.train.tobytes(), repr(self.fold.run.cell.recipe)


class _Row:
    """The weights of one replica, as a module would give them."""

    def __init__(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        self._model, self._weights = model, weights

    def state_dict(self) -> dict[str, Any]:
        return self._model.state_dict() | self._weights


def fit_stacked(models: Sequence[nn.Module], folds: Sequence[Fold]) -> list[Fitted | TrainingError]:
    """Train ``models`` on their ``folds``, which are of one cell and share the order of bags.

    Returns
    -------
    list
        For each model the trained one, or the error of a replica that diverged.
    """
    library = library_for_stack(folds[0])
    training = _Stack(models, folds, library)
    epochs = folds[0].run.cell.recipe.epochs
    with multiplying(library):
        for epoch in range(epochs):
            if training.members:
                training.train(epoch)
            if training.members:
                training.validate(epoch, is_last=epoch == epochs - 1)
    return [training.results[place] for place in range(len(models))]


class _Stack:
    def __init__(
        self, models: Sequence[nn.Module], folds: Sequence[Fold], library: Library
    ) -> None:
        self.library: Library = library
        self.members = sorted(
            (
                _Member(place, model, fold, Stopper(fold.run.cell.recipe))
                for place, (model, fold) in enumerate(zip(models, folds, strict=True))
            ),
            key=lambda member: member.kind,  # neighbours of a kind are moved by one call
        )
        self.results: dict[int, Fitted | TrainingError] = {}
        self._bags = StackBags([member.fold.bags for member in self.members])
        computation = shared_computation(
            computation_name(folds[0].run.cell),
            models[0],
            has_own_bags=self._bags.are_own,
            library=library,
        )
        self.replicas = Replicas([member.model for member in self.members], computation)
        weights = list(self.replicas.weights.values())
        recipes = [member.fold.run.cell.recipe for member in self.members]
        self.optimizer = stacked_optimizer(weights, recipes)
        self._device = weights[0].device
        known = {bag: label for fold in folds for bag, label in fold.labels.items()}
        self._labels = {b: label_tensor(v, self._device) for b, v in known.items()}
        self._plan()

    def _plan(self) -> None:
        """Note which members train on each bag, and which are validated on it."""
        folds = [member.fold for member in self.members]
        self._train = self._by_bag([fold.train for fold in folds])
        self._valid = self._by_bag([fold.valid for fold in folds])
        self._seeds = np.array([seed("dropout", *fold.run.names) for fold in folds])
        self._no_keys = torch.zeros(len(folds), dtype=torch.int32, device=self._device)

    def _by_bag(self, positions: list[np.ndarray]) -> dict[int, Active]:
        members: dict[int, list[int]] = {}
        for place, bags in enumerate(positions):
            for bag in bags.tolist():
                members.setdefault(bag, []).append(place)
        # Adam counts the steps of a replica, by which bags it has met; SGD does not.
        is_sgd = self.members[0].fold.run.cell.recipe.optimizer == "sgd"
        kinds = [member.kind[1:] if is_sgd else member.kind for member in self.members]
        known = {
            tuple(places): Active.of(places, self._device, kinds) for places in members.values()
        }
        return {bag: known[tuple(places)] for bag, places in members.items()}

    def train(self, epoch: int) -> None:
        """Train one epoch, bag by bag in the shared order."""
        fold = self.members[0].fold
        order = epoch_order(
            fold.n_bags, np.array(sorted(self._train)), *order_names(fold.run, epoch)
        )
        keys = step_keys(self._seeds, epoch, fold.n_bags).to(self._device).unbind()
        losses = torch.zeros(len(self.members), device=self._device)
        self.replicas.computation.begin_epoch(fold.at_epoch(epoch))
        for bag in order.tolist():
            active = self._train[bag]
            gradients, loss = self.replicas.gradients(
                self._bags.of(bag, active), self._labels[bag], active, keys[bag]
            )
            self.optimizer.step(gradients, epoch, active)
            losses.index_copy_(0, active.index, loss.float())
        # What once is not finite stays so in the weights: the last loss tells of the whole epoch.
        self._drop_diverged("training", epoch, losses.tolist())

    def validate(self, epoch: int, *, is_last: bool) -> None:
        """Compute the validation losses; replicas whose training ends with this epoch leave."""
        losses = self._validation_losses()
        self._drop_diverged("validation", epoch, losses)
        finite = [loss for loss in losses if math.isfinite(loss)]
        stay = []
        for place, (member, loss) in enumerate(zip(self.members, finite, strict=True)):
            row = _Row(member.model, self.replicas.row(place))
            is_validated = len(member.fold.valid) > 0
            stops = is_validated and member.stopper.should_stop(loss, row)
            if stops or is_last:
                self._leave(member, place, epoch)
            else:
                stay.append(place)
        self._keep(stay)

    @torch.no_grad()
    def _validation_losses(self) -> list[float]:
        """Return one mean loss a member; 0 where it has no validation bags."""
        total = torch.zeros(len(self.members), dtype=torch.float64, device=self._device)
        for bag, active in self._valid.items():
            mine, label = self._bags.of(bag, active), self._labels[bag]
            logits = self.replicas.logits(mine, label, active, self._no_keys)  # (A, C)
            total.index_add_(0, active.index, bag_losses(logits, label).double())
        counts = [max(len(member.fold.valid), 1) for member in self.members]
        return [loss / count for loss, count in zip(total.tolist(), counts, strict=True)]

    def _drop_diverged(self, which: str, epoch: int, losses: list[float]) -> None:
        stay = []
        for place, (member, loss) in enumerate(zip(self.members, losses, strict=True)):
            if math.isfinite(loss):
                stay.append(place)
            else:
                message = diverged(which, epoch, member.fold.run.cell.recipe.lr)
                self.results[member.place] = TrainingError(message)
        self._keep(stay)

    def _leave(self, member: _Member, place: int, epoch: int) -> None:
        model = member.model
        model.load_state_dict(_Row(model, self.replicas.row(place)).state_dict())
        member.stopper.restore(model)
        model.eval()
        is_chosen = len(member.fold.valid) > 0 and member.stopper.recipe.select == "best"
        best = member.stopper.best_epoch if is_chosen else epoch
        count = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.results[member.place] = Fitted(
            predictor(model, self.library),
            epoch + 1,
            best,
            count,
            validation_loss=member.stopper.losses[best] if len(member.fold.valid) else None,
            engine="stacked",
            note=self.replicas.computation.note,
            matmul=self.library,
        )

    def _keep(self, places: list[int]) -> None:
        if len(places) == len(self.members):
            return
        self.members = [self.members[place] for place in places]
        if not places:
            return
        active = Active.of(places, self._device)
        self.replicas.keep(active)
        self._bags.keep(active)
        self.optimizer.keep(list(self.replicas.weights.values()), active)
        self._plan()
