"""DSMIL: the most critical instance attends to all others; two streams vote.

Paper: B. Li, Y. Li and K. Eliceiri, "Dual-stream Multiple Instance Learning Network for Whole
Slide Image Classification with Self-supervised Contrastive Learning", CVPR 2021,
https://arxiv.org/abs/2011.08939; the authors' code is binli123/dsmil-wsi, commit 80465ed (2024).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from milbench import Bag, Context, Output
from milbench.nn import check_instances, with_negative

if TYPE_CHECKING:
    from torch import Tensor

QUERY = 128  # authors' code


class Streams(NamedTuple):
    """What both streams say, for the loss; S streams, one for each class that can be present.

    Parameters
    ----------
    bag : (S,)
        Logits of the bag stream.
    instances : (N, S)
        Logits of the instance stream.
    critical : (S,) int64
        The instance with the highest logit.
    attention : (N, S)
        Similarity to the critical instance; each column sums to 1.
    vectors : (S, D)
        The bag, averaged by each attention.
    """

    bag: Tensor
    instances: Tensor
    critical: Tensor
    attention: Tensor
    vectors: Tensor


class DSMIL(nn.Module):
    """Dual-stream MIL (Li, Li and Eliceiri 2021), the architecture of the 2024 code.

    Two classes have one stream: the negative class is the absence of the positive one, so the one
    logit z is returned as (0, z). More classes have one stream each, trained one against the rest
    by binary cross-entropy; their logits are returned as they are and the harness normalises them
    by softmax, where the authors report one sigmoid for each.

    The values are the instances themselves, the authors' default. Their convolution over the bag
    vectors spans all of them, so it is a linear layer here, with the same weights in the same
    order. Weights start orthogonal and biases at zero, as in their training on slides.

    Parameters
    ----------
    multi_label
        Whether each class is a label of its own, as the authors train several of them: then each
        has a stream, and is trained on whether the bag has it.
    negative
        Whether two classes share one stream. False gives each its own, as the authors do for the
        two lung cancers of TCGA, where no class is the absence of the other.
    """

    def __init__(
        self, in_dim: int, n_classes: int, *, negative: bool = True, multi_label: bool = False
    ) -> None:
        super().__init__()
        self.is_multi_label = multi_label
        self.in_dim = in_dim
        self.n_classes = n_classes
        is_one = negative and n_classes == 2 and not multi_label  # noqa: PLR2004  # binary
        streams = 1 if is_one else n_classes
        self.instances = nn.Linear(in_dim, streams)
        self.query = nn.Sequential(
            nn.Linear(in_dim, QUERY), nn.ReLU(), nn.Linear(QUERY, QUERY), nn.Tanh()
        )
        self.head = nn.Linear(streams * in_dim, streams)
        self.apply(start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,) and attention (N,), or (N, C) by class.

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        said = self.streams(bag.x)
        scores = said.attention.squeeze(-1)
        if self.is_multi_label:
            return Output(said.bag, scores, said.instances, extra=said)
        return Output(
            logits=with_negative(said.bag),
            scores=scores,
            instance_logits=with_negative(said.instances),
            extra=said,
        )

    def streams(self, x: Tensor) -> Streams:
        """Run both streams on instances (N, D)."""
        instances = self.instances(x)  # (N, S)
        critical = instances.argmax(dim=0)  # (S,)
        queries = self.query(x)  # (N, Q)
        critical_queries = queries[critical]  # (S, Q)
        similarity = queries @ critical_queries.T / math.sqrt(QUERY)  # (N, S)
        attention = similarity.softmax(dim=0)  # (N, S)
        vectors = attention.T @ x  # (S, D)
        return Streams(self.head(vectors.flatten()), instances, critical, attention, vectors)

    def loss(self, output: Output, label: Tensor, context: Context) -> Tensor:  # noqa: ARG002
        """Return the mean of both streams' binary cross-entropies.

        Parameters
        ----------
        output
            Of :meth:`forward`.
        label : () int64, or (L,)
            The bag's class, or 1 for each label that it has.
        context
            Not needed; set by contract.

        Returns
        -------
        ()
            0.5 on the bag's logits, 0.5 on the highest logit of an instance.
        """
        said: Streams = output.extra
        target = label.to(said.bag.dtype)  # (S,) of labels
        if not self.is_multi_label:
            first = self.n_classes - len(said.bag)  # 1 where the negative class has no stream
            classes = torch.arange(first, self.n_classes, device=label.device)  # (S,)
            target = (classes == label).to(said.bag.dtype)  # (S,)
        highest = said.instances.amax(dim=0)  # (S,)
        bag_loss = F.binary_cross_entropy_with_logits(said.bag, target)
        return 0.5 * bag_loss + 0.5 * F.binary_cross_entropy_with_logits(highest, target)


def start(module: nn.Module) -> None:
    """Initialise a linear layer as the authors do."""
    if isinstance(module, nn.Linear):
        nn.init.orthogonal_(module.weight)
        nn.init.zeros_(module.bias)
