"""The loss of every method that declares none, and the probabilities that belong to it.

One class a bag: cross-entropy and softmax. Several labels: the mean of their binary
cross-entropies, and a sigmoid each. The label of a bag tells which: one number, or one a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from milbench.bags import Context, Output


def label_tensor(label: int | tuple[int, ...], device: torch.device) -> Tensor:
    """Return a class as () int64, or labels as (L,) float32."""
    if isinstance(label, tuple):
        return torch.tensor(label, dtype=torch.float32, device=device)
    return torch.tensor(label, device=device)


def default_loss(output: Output, label: Tensor, _context: Context) -> Tensor:
    """Return the loss of one bag, ()."""
    if label.dim():
        return F.binary_cross_entropy_with_logits(output.logits, label)
    return F.cross_entropy(output.logits, label)


def bag_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each row, (A,).

    Parameters
    ----------
    logits : (A, C)
        Of one bag by A models.
    labels : () int64, or (L,) float32
        Of that bag.
    """
    if labels.dim():
        each = F.binary_cross_entropy_with_logits(
            logits, labels.expand_as(logits), reduction="none"
        )
        return each.mean(dim=1)
    return F.cross_entropy(logits, labels.expand(len(logits)), reduction="none")


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of V bags, (), given their logits (V, C) and labels (V,) or (V, L)."""
    if labels.dim() > 1:
        return F.binary_cross_entropy_with_logits(logits, labels)
    return F.cross_entropy(logits, labels)


def probabilities(logits: Tensor, *, is_multi_label: bool) -> Tensor:
    """Return the probability of each class, or of each label, (n, C), from logits (n, C)."""
    return logits.sigmoid() if is_multi_label else logits.softmax(dim=1)
