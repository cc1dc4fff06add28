"""The named precisions: which numbers a method is trained in.

``float32``
    Everything.
``bfloat16``
    Features are kept rounded to bfloat16, in half the memory, and the products of the network run
    in it under ``torch.autocast``. Weights, the optimiser's state, the loss and the predicted
    logits stay in float32. bfloat16 has the range of float32 and 8 bits of its 24.

Methods that train themselves (``fit``) are always given float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from milbench.bags import Bag, Output
    from milbench.suite import Precision


def precision_of(model: Any, asked: Precision) -> Precision:
    """Return the precision that ``model`` is trained in where a suite asked for ``asked``."""
    return "float32" if hasattr(model, "fit") else asked


def feature_type(precision: Precision) -> torch.dtype:
    """Return the type of the features that a method is given."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def forward_in(precision: Precision, model: nn.Module) -> Callable[[Bag], Output]:
    """Return ``model`` as a function of a bag that computes in ``precision``.

    What it returns is float32 in both, so a loss is computed, and logits are predicted, in it.
    """
    if precision == "float32":
        return model

    def forward(bag: Bag) -> Output:
        with torch.autocast(bag.x.device.type, dtype=torch.bfloat16):
            output: Output = model(bag)
        widened: Output = _widened(output)
        return widened

    return forward


def _widened(value: Any) -> Any:
    """Return ``value`` with its tensors, and those in the tuples, lists and dicts of it, widened.

    A method's loss finds its tensors in ``Output.extra``, in whatever it put them.
    """
    if isinstance(value, Tensor):
        return value.float() if value.dtype == torch.bfloat16 else value
    if isinstance(value, dict):
        return {name: _widened(part) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_widened, value))
    if isinstance(value, tuple | list):
        return type(value)(map(_widened, value))
    return value
