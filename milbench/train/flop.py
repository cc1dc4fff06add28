"""How much arithmetic a training step is, and what multiplies the matrices of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from torch import nn

    from milbench.bags import Bag
    from milbench.train.fold import Fold
    from milbench.train.matmul import Library


def library_for(model: nn.Module, fold: Fold) -> Library:
    """Return what multiplies the float32 matrices in the training of ``model``.

    The same for all runs of a cell: it follows from the network and the mean size of a bag. Pixels
    go through convolutions, which have a library of their own.
    """
    matmul = fold.matmul
    if matmul.library == "default" or fold.run.cell.precision != "float32":
        return "default"
    bag = fold.bags.typical()
    if not bag.x.is_floating_point():
        return "default"
    return matmul.library if step_flop(model, bag) >= matmul.flop else "default"


def library_for_stack(fold: Fold) -> Library:
    """Return what multiplies the matrices of a stack: oneDNN only where it was asked for.

    It makes small stacks a sixth faster, and keeps a kernel of 0.7 MB for each layer and size of
    bag, which for small bags is more memory than all else together.
    """
    matmul = fold.matmul
    is_asked_for = matmul.flop == 0.0 and fold.bags.typical().x.is_floating_point()
    return matmul.library if is_asked_for else "default"


@torch.no_grad()
def step_flop(model: nn.Module, bag: Bag) -> float:
    """Return the floating-point operations of a training step of ``model`` on ``bag``.

    Random numbers and the model's mode are left as they were. 0 where the method cannot take the
    bag.
    """
    is_training = model.training
    devices = [bag.x.device] if bag.x.is_cuda else []
    with torch.random.fork_rng(devices=devices), FlopCounterMode(display=False) as counter:
        try:
            model.eval()(bag)
        except Exception:  # noqa: BLE001  # a method may raise anything; on real bags it is told
            return 0.0
        finally:
            model.train(is_training)
    forward: int = counter.get_total_flops()
    return 3.0 * forward  # the backward pass costs twice the forward pass
