"""The optimiser and the learning rate that a recipe asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter

    from milbench.records import Recipe


def build_optimizer(parameters: Iterable[Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser of ``recipe`` over ``parameters``, fused where torch offers it."""
    common = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    match recipe.optimizer:
        case "sgd":
            momentum = {"momentum": recipe.momentum, "nesterov": recipe.nesterov}
            return torch.optim.SGD(parameters, fused=True, **common, **momentum)
        case "adam":
            return torch.optim.Adam(parameters, betas=recipe.betas, fused=True, **common)
        case "adamw":
            return torch.optim.AdamW(parameters, betas=recipe.betas, fused=True, **common)
        case "radam":
            return torch.optim.RAdam(parameters, betas=recipe.betas, **common)


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Return the learning rate of ``epoch``, counted from 0.

    ``cosine`` falls from ``lr`` at epoch 0 towards ``final_lr`` at ``epochs``
    (Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts).
    """
    if recipe.schedule == "constant":
        return recipe.lr
    wave = 0.5 * (1.0 + math.cos(math.pi * epoch / recipe.epochs))
    return recipe.final_lr + (recipe.lr - recipe.final_lr) * wave


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use ``rate`` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
