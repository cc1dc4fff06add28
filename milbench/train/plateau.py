"""The learning rate that falls when training no longer gets better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from milbench.recipe import Recipe

FACTOR: Final = 0.1  # torch's default, and what HMIL is published with
WAITED: Final = 5  # epochs; HMIL's authors' code
THRESHOLD: Final = 1e-4  # torch's default: relative
SMALLEST: Final = 1e-8  # torch's default: a smaller change of the rate is none


class Plateau:
    """A learning rate, divided by ten whenever the training loss stays where it is.

    Equal to ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with factor 0.1 and patience 5: an
    epoch counts as better when its loss is less than 0.9999 of the best one, and the sixth epoch in
    a row that is not better lowers the rate. The rate never falls below ``final_lr``.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.rate = recipe.lr
        self._least = recipe.final_lr
        self._best = math.inf
        self._waited = 0

    def take(self, loss: float) -> None:
        """Take the mean training loss of one epoch; ``rate`` is then that of the next one."""
        if loss < self._best * (1.0 - THRESHOLD):
            self._best, self._waited = loss, 0
            return
        self._waited += 1
        if self._waited > WAITED:
            lower = max(self.rate * FACTOR, self._least)
            self.rate = lower if self.rate - lower > SMALLEST else self.rate
            self._waited = 0
