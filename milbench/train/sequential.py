"""The reference engine: one network, one bag a step, one fold after the other.

A training step does no ``.item()``, no logging and no other wait for the device; the host looks
at a number once an epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from milbench.errors import TrainingError
from milbench.train.fold import Fitted
from milbench.train.optim import build_optimizer, learning_rate, set_learning_rate
from milbench.train.protocol import Stopper, epoch_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from milbench.bags import Bag, Context, Output
    from milbench.train.fold import Fold

    Loss = Callable[[Output, Tensor, Context], Tensor]


def cross_entropy(output: Output, label: Tensor, _context: Context) -> Tensor:
    """Return the cross-entropy of one bag: the loss of every method that declares none."""
    return F.cross_entropy(output.logits, label)


def fit_sequential(model: nn.Module, fold: Fold) -> Fitted:
    """Train ``model`` on the training bags of ``fold`` and select on its validation bags.

    Raises
    ------
    TrainingError
        If a loss is not finite; the message names the epoch.
    """
    recipe = fold.run.cell.recipe
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = build_optimizer(parameters, recipe)
    stopper = Stopper(recipe)
    device = parameters[0].device
    labels = {b: torch.tensor(label, device=device) for b, label in fold.labels.items()}
    epoch = 0
    for epoch in range(recipe.epochs):
        set_learning_rate(optimizer, learning_rate(recipe, epoch))
        _train_epoch(model, optimizer, fold, labels, epoch)
        if len(fold.valid) == 0:
            continue
        if stopper.should_stop(_validation_loss(model, fold, labels, epoch), model):
            break
    stopper.restore(model)
    model.eval()
    best = stopper.best_epoch if len(fold.valid) and recipe.select == "best" else epoch
    return Fitted(_predictor(model), epoch + 1, best, sum(p.numel() for p in parameters))


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    fold: Fold,
    labels: dict[int, Tensor],
    epoch: int,
) -> None:
    run = fold.run
    order = epoch_order(fold.n_bags, fold.train, run.cell.dataset, run.repeat, run.seed, epoch)
    loss_of: Loss = getattr(model, "loss", cross_entropy)
    context = fold.at_epoch(epoch)
    model.train()
    total: Tensor | None = None
    for bag in order.tolist():
        loss = loss_of(model(fold.bags[bag]), labels[bag], context)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        total = loss.detach() if total is None else total + loss.detach()
    if total is not None and not np.isfinite(float(total)):
        raise TrainingError(_diverged("training", epoch, run.cell.recipe.lr))


@torch.inference_mode()
def _validation_loss(model: nn.Module, fold: Fold, labels: dict[int, Tensor], epoch: int) -> float:
    model.eval()
    positions = fold.valid.tolist()
    logits = torch.stack([model(fold.bags[bag]).logits for bag in positions])  # (V, C)
    loss = float(F.cross_entropy(logits, torch.stack([labels[bag] for bag in positions])))
    if not np.isfinite(loss):
        raise TrainingError(_diverged("validation", epoch, fold.run.cell.recipe.lr))
    return loss


def _predictor(model: nn.Module) -> Callable[[Bag], Output]:
    @torch.inference_mode()
    def predict(bag: Bag) -> Output:
        output: Output = model(bag)
        return output

    return predict


def _diverged(which: str, epoch: int, lr: float) -> str:
    return (
        f"the {which} loss is not finite in epoch {epoch} (counted from 0, lr {lr:g}); "
        "lower the learning rate or standardise the features"
    )
