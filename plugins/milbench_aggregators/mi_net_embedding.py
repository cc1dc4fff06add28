"""MI-Net: embed every instance, pool the embeddings, classify the pooled vector.

Paper: X. Wang, Y. Yan, P. Tang, X. Bai and W. Liu, "Revisiting Multiple Instance Neural
Networks", Pattern Recognition 74 (2018) 15-24, https://arxiv.org/abs/1610.02501; the authors' code
is yanyongluan/MINNs, commit 2196b3e.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from torch import nn

from milbench import Bag, MilbenchError, Output
from milbench.nn import check_instances, embedding_stack, glorot_start, logit_count, with_negative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class MiNetEmbedding(nn.Module):
    """MI-Net (Wang et al. 2018): a network on instances, pooled in the space of embeddings.

    Layers 256-128-64 with ReLU, dropout 0.5 after the last one only, Glorot weights and zero
    biases, all as in the authors' code, which is binary; more than two classes are ours.

    Parameters
    ----------
    pooling
        ``max``, ``mean`` or ``lse`` (the logarithm of the mean exponential).
    hidden
        Widths of the layers.
    dropout
        After the last layer, before pooling.
    multi_label
        Whether each class is a label of its own: then two have two logits.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        pooling: Literal["max", "mean", "lse"] = "max",
        hidden: Sequence[int] = (256, 128, 64),
        dropout: float = 0.5,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        if pooling not in ("max", "mean", "lse"):
            raise MilbenchError(
                f"mi-net-embedding: pooling is {pooling!r}; choose max, mean or lse"
            )
        self.in_dim = in_dim
        self.pooling = pooling
        self.embed = embedding_stack(in_dim, hidden, dropout)
        self.is_multi_label = multi_label
        outputs = n_classes if multi_label else logit_count(n_classes)
        self.head = nn.Linear((in_dim, *hidden)[-1], outputs)
        self.apply(glorot_start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits of shape (C,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        embedded = self.embed(bag.x)  # (N, M)
        logits = self.head(pool(embedded, self.pooling))  # (L,), (1,) or (C,)
        return Output(logits if self.is_multi_label else with_negative(logits))


def pool(embedded: Tensor, pooling: str) -> Tensor:
    """Pool embedded instances (N, M) feature by feature into one vector (M,)."""
    if pooling == "max":
        return embedded.amax(dim=0)
    if pooling == "mean":
        return embedded.mean(dim=0)
    return embedded.logsumexp(dim=0) - math.log(len(embedded))
