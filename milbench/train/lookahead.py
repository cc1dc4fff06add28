"""Lookahead: every few steps an optimiser is pulled back towards where it came from.

Source: M. Zhang, J. Lucas, G. Hinton and J. Ba, "Lookahead Optimizer: k steps forward, 1 step
back", NeurIPS 2019, algorithm 1, https://arxiv.org/abs/1907.08610.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from torch.nn import Parameter

    from milbench.train.optim import Optimizer

STEPS = 6  # k as TransMIL is trained (szc19990412/TransMIL, commit 9d6aee5)
SHARE = 0.5  # alpha, of the paper and of TransMIL


class Lookahead:
    """Slow weights that follow the fast ones of another optimiser.

    They start where the parameters are. After every ``steps`` steps they move by ``share`` of the
    way to the fast weights, which go on from there. The moments of the inner optimiser stay.

    Parameters
    ----------
    parameters
        The fast weights, which are also those that a network computes with.
    inner
        Changes them.
    steps, share
        k and alpha of the paper.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        inner: Optimizer,
        steps: int = STEPS,
        share: float = SHARE,
    ) -> None:
        self._fast = list(parameters)
        self._slow = [parameter.detach().clone() for parameter in parameters]
        self._inner, self._steps, self._share = inner, steps, share
        self._taken = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], lr: float) -> None:
        """Take one step; a parameter whose gradient is None is not moved by the inner optimiser."""
        self._inner.step(gradients, lr)
        self._taken += 1
        if self._taken % self._steps == 0:
            for slow, fast in zip(self._slow, self._fast, strict=True):
                slow.lerp_(fast, self._share)
                fast.copy_(slow)
