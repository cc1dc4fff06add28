"""How a method wants to be trained, as data that a suite may override field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a method wants to be trained, as data; a suite may override each field.

    Parameters
    ----------
    optimizer
        ``adam``, ``adamw``, ``sgd``, ``radam``, ``lookahead-radam`` (RAdam with the decoupled decay
        of AdamW, pulled back half-way every six steps) or ``rmsprop`` (squares decay by 0.99).
    lr, weight_decay, betas, momentum, nesterov
        Of the optimiser; ``betas`` belong to the Adam family, ``momentum`` to SGD and RMSprop.
    decay
        What weight decay shrinks: ``all`` parameters, or ``matrices`` only, those of two axes or
        more, and neither biases nor the scales of normalisations.
    schedule
        ``constant``; ``cosine`` from ``lr`` to ``final_lr`` over ``epochs``, stepped once an
        epoch; or ``plateau``, a tenth, but not less than ``final_lr``, whenever the training loss
        has not fallen for more than five epochs.
    epochs
        Upper bound of passes over the training bags.
    patience
        Stop after this many epochs without a better validation loss; 0 never stops early.
    select
        ``best``: keep the weights of the lowest validation loss; ``last``: keep the last ones.
    """

    optimizer: Literal["adam", "adamw", "sgd", "radam", "lookahead-radam", "rmsprop"] = "adam"
    lr: float = 2e-4
    weight_decay: float = 1e-5
    decay: Literal["all", "matrices"] = "all"
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.0
    nesterov: bool = False
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    final_lr: float = 0.0
    epochs: int = 50
    patience: int = 10
    select: Literal["best", "last"] = "best"
