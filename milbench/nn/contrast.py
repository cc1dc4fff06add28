"""The loss of SimCLR: of all views of a batch, tell which is the other one of the same image.

Source: T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A Simple Framework for Contrastive
Learning of Visual Representations", ICML 2020, https://arxiv.org/abs/2002.05709, equation 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["nt_xent"]


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised, temperature-scaled cross-entropy of two views of a batch.

    For each of the 2B views the cross-entropy over all others, whose classes are the similarities
    divided by ``temperature``, and whose right class is its twin; then the mean.

    Parameters
    ----------
    first, second : (B, E)
        Embeddings of two views, of length 1.
    temperature
        Above 0.

    Returns
    -------
    ()
    """
    views = torch.cat([first, second])  # (2B, E)
    lowest = torch.finfo(views.dtype).min  # a view is no class of its own
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    similarity = (views @ views.T / temperature).masked_fill(itself, lowest)  # (2B, 2B)
    twins = torch.arange(len(views), device=views.device).roll(len(first))
    return F.cross_entropy(similarity, twins)
