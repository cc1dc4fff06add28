"""The reference engine: one network, one bag a step, one fold after the other.

A method that has ``join`` takes several bags in a step; its loss gets all their outputs. A step
does no ``.item()``, no logging and no other wait for the device; the host looks at a number once
an epoch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from milbench.errors import TrainingError
from milbench.seeds import seed
from milbench.train.dropout import name_dropout, step_keys
from milbench.train.flop import library_for
from milbench.train.fold import Fitted
from milbench.train.loss import default_loss, label_tensor, mean_loss
from milbench.train.matmul import multiplying
from milbench.train.optim import build_optimizer, learning_rate
from milbench.train.plateau import Plateau
from milbench.train.precision import forward_in
from milbench.train.protocol import Stopper, epoch_order, order_names, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from milbench.bags import Bag, Context, Output
    from milbench.train.dropout import Masks
    from milbench.train.fold import Fold
    from milbench.train.matmul import Library
    from milbench.train.optim import Optimizer

    Loss = Callable[[Any, Any, Context], Tensor]  # of one bag, or of the bags of a step

# Features of a step, 256 MiB in float32: what a network keeps of them is several times as much.
JOINED_VALUES = 2**26


def fit_sequential(model: nn.Module, fold: Fold) -> Fitted:
    """Train ``model`` on the training bags of ``fold`` and select on its validation bags.

    Raises
    ------
    TrainingError
        If a loss is not finite; the message names the epoch.
    """
    recipe = fold.run.cell.recipe
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise TrainingError("no parameter to train; a method without any needs fit and predict")
    precision = fold.run.cell.precision
    forward = forward_in(precision, model)
    library = library_for(model, fold)
    training = _Training(
        model=model,
        forward=forward,
        parameters=parameters,
        optimizer=build_optimizer(parameters, recipe),
        labels={b: label_tensor(v, parameters[0].device) for b, v in fold.labels.items()},
        masks=name_dropout(model, parameters[0].device),
        fold=fold,
        plateau=Plateau(recipe) if recipe.schedule == "plateau" else None,
    )
    stopper = Stopper(recipe)
    epoch = 0
    with multiplying(library):
        for epoch in range(recipe.epochs):
            _train_epoch(training, epoch)
            if len(fold.valid) == 0:
                continue
            if stopper.should_stop(_validation_loss(training, epoch), model):
                break
    stopper.restore(model)
    model.eval()
    best = stopper.best_epoch if len(fold.valid) and recipe.select == "best" else epoch
    return Fitted(
        predictor(forward, library),
        epoch + 1,
        best,
        sum(p.numel() for p in parameters),
        stopper.losses[best] if len(fold.valid) else None,
        precision=precision,
        matmul=library,
    )


class _Training(NamedTuple):
    model: nn.Module
    forward: Callable[[Bag], Output]
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    labels: dict[int, Tensor]
    masks: Masks | None
    fold: Fold
    plateau: Plateau | None


def _train_epoch(training: _Training, epoch: int) -> None:
    model, parameters, optimizer = training.model, training.parameters, training.optimizer
    labels, fold, plateau = training.labels, training.fold, training.plateau
    run = fold.run
    rate = learning_rate(run.cell.recipe, epoch) if plateau is None else plateau.rate
    order = epoch_order(fold.n_bags, fold.train, *order_names(run, epoch))
    keys = _dropout_keys(training, epoch)
    loss_of: Loss = getattr(model, "loss", default_loss)
    context = fold.at_epoch(epoch)
    joins_bags = hasattr(model, "join")
    model.train()
    loss: Tensor | None = None
    losses: list[Tensor] = []
    for bags in steps_of(model, order, fold.labels):
        outputs = _outputs(training, bags, keys)
        if joins_bags:
            loss = loss_of(outputs, [labels[bag] for bag in bags], context)
        else:
            loss = loss_of(outputs[0], labels[bags[0]], context)
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        optimizer.step(gradients, rate)
        if plateau is not None:
            losses.append(loss.detach())
    # What once is not finite stays so in the weights: the last loss tells of the whole epoch.
    if loss is not None and not math.isfinite(loss.detach()):
        raise TrainingError(diverged("training", epoch, run.cell.recipe.lr))
    if plateau is not None:
        plateau.take(float(torch.stack(losses).mean()))


def _outputs(training: _Training, bags: list[int], keys: tuple[Tensor, ...]) -> list[Output]:
    """Return the output of each bag of a step.

    A step of several large bags keeps their outputs only; what the gradients need beside them is
    computed again, one bag after the other and with the same masks.
    """
    if len(bags) == 1 or training.fold.bags.count_values(bags) <= JOINED_VALUES:
        return [_output(training, bag, keys) for bag in bags]
    return [checkpoint(_output, training, bag, keys, use_reentrant=False) for bag in bags]


def _output(training: _Training, bag: int, keys: tuple[Tensor, ...]) -> Output:
    if training.masks is not None:
        training.masks.grow()
        training.masks.start(keys[bag])
    return training.forward(training.fold.bags[bag])


def _dropout_keys(training: _Training, epoch: int) -> tuple[Tensor, ...]:
    fold = training.fold
    if training.masks is None:
        return ()
    seeds = np.array([seed("dropout", *fold.run.names)])
    keys = step_keys(seeds, epoch, fold.n_bags)[:, 0]  # (B,)
    return keys.to(training.parameters[0].device).unbind()


@torch.inference_mode()
def _validation_loss(training: _Training, epoch: int) -> float:
    forward, fold, labels = training.forward, training.fold, training.labels
    training.model.eval()
    positions = fold.valid.tolist()
    logits = torch.stack([forward(fold.bags[bag]).logits for bag in positions])  # (V, C)
    loss = float(mean_loss(logits, torch.stack([labels[bag] for bag in positions])))
    if not math.isfinite(loss):
        raise TrainingError(diverged("validation", epoch, fold.run.cell.recipe.lr))
    return loss


def predictor(
    forward: Callable[[Bag], Output], library: Library = "default"
) -> Callable[[Bag], Output]:
    """Return the prediction of a trained model, or of its ``forward``, one bag a call."""

    @torch.inference_mode()
    def predict(bag: Bag) -> Output:
        with multiplying(library):
            return forward(bag)

    return predict


def diverged(which: str, epoch: int, lr: float) -> str:
    """Return the message about a loss that is not finite."""
    return (
        f"the {which} loss is not finite in epoch {epoch} (counted from 0, lr {lr:g}); "
        "lower the learning rate or standardise the features"
    )
