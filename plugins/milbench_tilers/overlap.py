"""How well a segmentation fits a drawing: the Dice coefficient, and the loss made with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6  # milesial/Pytorch-UNet, commit 21d7850


def dice(found: Tensor, drawn: Tensor) -> Tensor:
    """Return twice the overlap by the sum of both areas, (); 1 where both are empty.

    Parameters
    ----------
    found, drawn
        Of one shape, in [0, 1].
    """
    overlap = 2.0 * (found * drawn).sum()
    return (overlap + EPSILON) / (found.sum() + drawn.sum() + EPSILON)


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return cross-entropy plus one minus Dice, (), as milesial/Pytorch-UNet trains.

    Dice is that of probabilities, over all classes and pixels together.

    Parameters
    ----------
    logits : (B, 1, H, W) or (B, 2, H, W)
        One of the foreground, or one a class.
    mask : (B, H, W)
        1 in the foreground, else 0; int64.
    """
    if logits.shape[1] == 1:
        drawn = mask.to(logits.dtype)  # (B, H, W)
        entropy = F.binary_cross_entropy_with_logits(logits[:, 0], drawn)
        return entropy + 1.0 - dice(logits[:, 0].sigmoid(), drawn)
    drawn = torch.stack((1 - mask, mask), dim=1).to(logits.dtype)  # (B, 2, H, W)
    return F.cross_entropy(logits, mask) + 1.0 - dice(logits.softmax(dim=1), drawn)
