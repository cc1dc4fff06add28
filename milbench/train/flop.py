"""How much arithmetic a training step is, by counting that of a typical bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from milbench.bags import Bag

if TYPE_CHECKING:
    from torch import nn

    from milbench.train.resident import Resident


@torch.no_grad()
def step_flop(model: nn.Module, data: Resident) -> float:
    """Return the floating-point operations of a step of ``model`` on a bag of the mean size.

    The bag is of zeros: no instance of the data set is looked at. Random numbers and the model's
    mode are left as they were. 0 where the method cannot take such a bag.
    """
    rows = max(1, round(len(data.x) / len(data.labels)))
    x = torch.zeros((rows, *data.x.shape[1:]), device=data.x.device)
    bag = Bag(x, None if data.coords is None else data.coords[:rows])
    prepare = getattr(model, "prepare", None)
    is_training = model.training
    devices = [data.x.device] if data.x.is_cuda else []
    with torch.random.fork_rng(devices=devices), FlopCounterMode(display=False) as counter:
        try:
            model.eval()(bag if prepare is None else prepare(bag))
        except Exception:  # noqa: BLE001  # a method may raise anything; on real bags it is told
            return 0.0
        finally:
            model.train(is_training)
    forward: int = counter.get_total_flops()
    return 3.0 * forward  # the backward pass costs twice the forward pass
