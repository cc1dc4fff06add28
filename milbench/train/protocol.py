"""The rules that hold for every method: order of bags, early stopping, decision threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from milbench.errors import TrainingError
from milbench.seeds import seed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from milbench.jobs import Run
    from milbench.recipe import Recipe


def epoch_order(n_bags: int, held_in: np.ndarray, *names: str | int) -> np.ndarray:
    """Return the training bags of one fold in the order of one epoch.

    One permutation of *all* bags follows from ``names`` (data set, repeat, seed, epoch); a fold's
    order is that permutation without the bags it holds out. So all folds and all methods share
    it, which pairs their comparisons and lets folds be trained side by side on one bag.

    Parameters
    ----------
    n_bags
        B, the bags of the data set.
    held_in : (n,)
        Positions of the training bags.

    Returns
    -------
    (n,)
        The same positions, shuffled.
    """
    permutation = np.random.default_rng(seed("order", *names)).permutation(n_bags)
    is_in = np.zeros(n_bags, dtype=bool)
    is_in[held_in] = True
    return permutation[is_in[permutation]]


def order_names(run: Run, epoch: int) -> tuple[str | int, ...]:
    """Return the names that the order of bags follows from.

    ``per-seed`` gives each repeat and seed an order of its own; ``common`` gives all trainings on
    a data set one order, so that the spread over seeds is that of weights and dropout alone.
    """
    if run.cell.order == "common":
        return (run.cell.chance, epoch)
    return (run.cell.chance, run.repeat, run.seed, epoch)


def steps_of(model: Any, order: np.ndarray, labels: Mapping[int, Any]) -> list[list[int]]:
    """Return the bags of each training step of an epoch.

    One bag a step, in their order; a method whose loss joins bags has ``join(labels)``, which is
    given the labels in that order and says which places of it make up each step.

    Parameters
    ----------
    order : (n,)
        Positions of the training bags; see :func:`epoch_order`.
    labels
        Label by position.

    Raises
    ------
    TrainingError
        If the method makes no step of them.
    """
    bags: list[int] = order.tolist()
    if not hasattr(model, "join"):
        return [[bag] for bag in bags]
    joined = model.join([labels[bag] for bag in bags])
    steps = [[bags[place] for place in places] for places in joined]
    if not steps:
        raise TrainingError(f"join(labels) made no step of {len(bags)} training bags")
    return steps


class Weights(Protocol):
    """Anything whose weights can be read by name, as those of a module."""

    def state_dict(self) -> dict[str, Any]:
        """Return the weights by name."""
        ...


@dataclass
class Stopper:
    """Early stopping and the choice of the weights to keep.

    The validation loss decides, epochs count from 0, and the earliest of equal epochs wins. A
    recipe that selects ``last``, or a fold without validation bags, keeps the last epoch.
    """

    recipe: Recipe
    losses: list[float] = field(default_factory=list)
    best_epoch: int = 0
    _weights: dict[str, Any] | None = None

    def should_stop(self, loss: float, model: Weights) -> bool:
        """Take the validation loss of one epoch and return whether training ends with it."""
        self.losses.append(loss)
        epoch = len(self.losses) - 1
        if epoch == 0 or loss < self.losses[self.best_epoch]:
            self.best_epoch = epoch
            if self.recipe.select == "best":
                self._weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        patience = self.recipe.patience
        return patience > 0 and epoch - self.best_epoch >= patience

    def restore(self, model: nn.Module) -> None:
        """Give ``model`` the weights of the best epoch, where they were kept."""
        if self._weights is not None:
            model.load_state_dict(self._weights)


def youden_threshold(label: np.ndarray, score: np.ndarray) -> float:
    """Return the threshold that maximises sensitivity + specificity - 1 (Youden 1950).

    Parameters
    ----------
    label : (B,)
        0 or 1.
    score : (B,)
        Probability of class 1; a bag is positive when its score is at least the threshold.

    Returns
    -------
    float
        The midpoint between the two neighbouring scores, so that it does not cling to one bag;
        0.5 where a class is absent or no threshold separates anything.
    """
    n_positive = int(label.sum())
    n_negative = len(label) - n_positive
    if n_positive == 0 or n_negative == 0:
        return 0.5
    values = np.unique(score)  # ascending
    index = np.array(
        [(score[label == 1] >= v).mean() - (score[label == 0] >= v).mean() for v in values]
    )
    best = int(index.argmax())
    if index[best] <= 0:
        return 0.5
    below = values[best - 1] if best > 0 else 0.0
    return float((values[best] + below) / 2)
