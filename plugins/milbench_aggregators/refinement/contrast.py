"""The supervised contrastive loss of ItS2CLR and HNM, with chosen anchors and masked instances.

Sources: P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020,
https://arxiv.org/abs/2004.11362; the choice of pairs is that of ItS2CLR (Liu et al., CVPR 2023,
https://arxiv.org/abs/2210.09452) as its authors' code has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class Roles(NamedTuple):
    """What the instances of a batch are to each other.

    Parameters
    ----------
    labels : (B,) int64
        Instances with one label attract each other.
    is_anchor : (B,) bool
        Only these attract and are attracted; the others are contrast. The label-0 instances are
        pair mode 2 of the authors' code, the label-1 instances mode 1, all of them mode 0.
    is_masked : (B,) bool, optional
        Neither contrast to others nor their partners; they still look for partners themselves.
    """

    labels: Tensor
    is_anchor: Tensor
    is_masked: Tensor | None = None


def contrastive_loss(first: Tensor, second: Tensor, roles: Roles, temperature: float) -> Tensor:
    """Return the loss of two views of a batch.

    Of each view i the mean over its partners p of -log(exp(z_i z_p / t) / sum_a exp(z_i z_a / t)),
    a over all other views that are not masked; then the mean over all 2B views, where those
    without a partner count as 0. The authors' code adds 1e-10 to the count of partners and, where
    instances are masked, within the logarithm; here neither can be zero.

    Parameters
    ----------
    first, second : (B, E)
        Embeddings of two views, of length 1.
    roles
        See :class:`Roles`.
    temperature
        t, above 0.

    Returns
    -------
    ()
    """
    views = torch.cat([first, second])  # (2B, E)
    labels, is_anchor = roles.labels.repeat(2), roles.is_anchor.repeat(2)  # (2B,)
    similarity = views @ views.T / temperature  # (2B, 2B)
    is_left_out = torch.eye(len(views), dtype=torch.bool, device=views.device)  # itself
    if roles.is_masked is not None:
        is_left_out = is_left_out | roles.is_masked.repeat(2)
    lowest = torch.finfo(similarity.dtype).min  # minus infinity would give gradients of 0 / 0
    contrast = similarity.masked_fill(is_left_out, lowest).logsumexp(dim=1)  # (2B,)
    is_pair = (labels[:, None] == labels) & is_anchor[:, None] & is_anchor & ~is_left_out
    partners = is_pair.sum(dim=1)  # (2B,)
    closeness = (similarity * is_pair).sum(dim=1) / partners.clamp(min=1)  # (2B,)
    loss = torch.where(partners > 0, contrast - closeness, torch.zeros_like(contrast))
    return loss.mean()


def normalised(embeddings: Tensor) -> Tensor:
    """Return embeddings (B, E) scaled to length 1."""
    return F.normalize(embeddings, dim=1)
