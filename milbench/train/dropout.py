"""Dropout whose masks follow from names: the same in every engine, in any order of training.

A mask is a hash of the run's seed, the training step and the element's number within the step.
Nothing is drawn from a shared stream, so a run has the same masks alone and beside other runs, and
``torch.func.vmap`` takes the seed as one more input.

The mixing constants are the ``lowbias32`` of C. Wellons, "Prospecting for Hash Functions", 2018,
https://nullprogram.com/blog/2018/07/31/.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

FIRST, SECOND = 0x7FEB352D, 0x846CA68B
SECOND_SIGNED = SECOND - 2**32  # the same 32 bits in torch's int32


def mixed(values: np.ndarray) -> np.ndarray:
    """Return a bijection of 32-bit numbers (...) uint32 in which every bit depends on every bit."""
    values = values.astype(np.uint32, copy=False)
    values = (values ^ (values >> np.uint32(16))) * np.uint32(FIRST)
    values = (values ^ (values >> np.uint32(15))) * np.uint32(SECOND)
    final: np.ndarray = values ^ (values >> np.uint32(16))
    return final


def step_keys(seeds: np.ndarray, epoch: int, n_bags: int) -> Tensor:
    """Return the key of every training step of an epoch, for each run.

    Parameters
    ----------
    seeds : (R,)
        One seed a run, from 0 to 2**32 - 1.
    n_bags
        B; the step on bag ``b`` is number ``epoch * B + b`` of the run.

    Returns
    -------
    (B, R) int32
        Keys for :meth:`Masks.start`.
    """
    steps = mixed(np.arange(epoch * n_bags, (epoch + 1) * n_bags))  # (B,)
    keys = mixed(steps[:, None] + seeds.astype(np.uint32)[None, :])  # wraps at 32 bits
    return torch.from_numpy(keys.view(np.int32))


class Masks:
    """The masks of one model in one training step.

    Two calls in a step use different elements of one sequence, which a step and a run begin anew.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._key: Tensor | None = None
        self._used = 0
        self._sequence = self.sequence = self._numbers(0)

    def start(self, key: Tensor, sequence: Tensor | None = None) -> None:
        """Begin a step.

        Parameters
        ----------
        key : () int32
            One of :func:`step_keys`.
        sequence
            ``self.sequence``, given where a transform has to see it as an input.
        """
        self._key, self._used = key, 0
        self._sequence = self.sequence if sequence is None else sequence

    def grow(self) -> None:
        """Keep a sequence longer than the last step used; not to be called inside a transform.

        Longer, because a recording of a step that used all of it would use all of any other.
        """
        if self._used >= len(self.sequence):
            self.sequence = self._numbers(2 * self._used)

    def keep(self, shape: torch.Size, share: float) -> Tensor:
        """Return which elements are kept: boolean, of ``shape``, true in ``share`` of it."""
        assert self._key is not None, "no step was started"  # noqa: S101  # a fault of the engine
        # Not shape.numel(): that is a plain number, which would fix a recording to one size.
        begin, self._used = self._used, self._used + math.prod(shape)
        sequence = self._sequence
        if self._used > sequence.shape[0]:
            sequence = self._numbers(self._used)  # not kept: inside a transform it is wrapped
        bits = sequence[begin : self._used].view(shape) ^ self._key
        bits = (bits ^ (bits >> 16)) * FIRST  # wraps at 32 bits
        bits = (bits ^ (bits >> 15)) * SECOND_SIGNED
        return bits < int(share * 2**32) - 2**31

    def _numbers(self, count: int) -> Tensor:
        return torch.from_numpy(mixed(np.arange(count)).view(np.int32)).to(self._device)


class NamedDropout(nn.Dropout):
    """``nn.Dropout`` with the masks of :class:`Masks`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name that nn.Dropout gives it
        """Zero elements with probability p and scale the others by 1 / (1 - p)."""
        if not self.training or self.p == 0.0:
            return input
        if self.p == 1.0:
            return torch.zeros_like(input)
        masks: Masks = self.__dict__["masks"]
        kept = masks.keep(input.shape, 1.0 - self.p)
        return input * (kept.to(input.dtype) * (1.0 / (1.0 - self.p)))


def name_dropout(model: nn.Module, device: torch.device) -> Masks | None:
    """Make every ``nn.Dropout`` of ``model`` take its masks from one :class:`Masks`.

    Subclasses and functional dropout are left as they are: they draw from torch's stream, which
    the stacked engine refuses.

    Returns
    -------
    Masks or None
        None where the model has no such layer.
    """
    layers = [m for m in model.modules() if type(m) in (nn.Dropout, NamedDropout)]
    if not layers:
        return None
    masks = Masks(device)
    for layer in layers:
        layer.__class__ = NamedDropout  # in place: a layer may be used under several names
        layer.__dict__["masks"] = masks
    return masks
