"""mi-Net: classify every instance, then pool the instances' predictions.

Paper: X. Wang, Y. Yan, P. Tang, X. Bai and W. Liu, "Revisiting Multiple Instance Neural
Networks", Pattern Recognition 74 (2018) 15-24, https://arxiv.org/abs/1610.02501; the authors' code
is yanyongluan/MINNs, commit 2196b3e.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from torch import nn
from torch.nn import functional as F

from milbench import Bag, MilbenchError, Output
from milbench.nn import check_instances, embedding_stack, glorot_start, logit_count, with_negative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class MiNetInstance(nn.Module):
    """mi-Net (Wang et al. 2018): a network on instances, pooled in the space of predictions.

    Layers 256-128-64 with ReLU, dropout 0.5 after the last one only, Glorot weights and zero
    biases, all as in the authors' code, which is binary; more than two classes are ours.

    Departure: the authors pool sigmoids. ``max`` and ``mean`` give the same probability here,
    computed from logits for precision. ``lse`` pools the logits, because the log-mean-exp of
    numbers between 0 and 1 hardly differs from their mean.

    Parameters
    ----------
    pooling
        ``max``, ``mean`` or ``lse`` (the logarithm of the mean exponential).
    hidden
        Widths of the layers.
    dropout
        After the last layer.
    multi_label
        Whether each class is a label of its own: then each has a sigmoid, which is pooled as that
        of the authors' two classes is.
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
            raise MilbenchError(f"mi-net-instance: pooling is {pooling!r}; choose max, mean or lse")
        self.in_dim = in_dim
        self.pooling = pooling
        self.embed = embedding_stack(in_dim, hidden, dropout)
        self.is_multi_label = multi_label
        outputs = n_classes if multi_label else logit_count(n_classes)
        self.head = nn.Linear((in_dim, *hidden)[-1], outputs)
        self.apply(glorot_start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,), and a prediction for each instance.

        The scores are the positive logit (N,) of two classes, else all logits (N, C).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        outputs = self.head(self.embed(bag.x))  # (N, 1) or (N, C)
        if self.is_multi_label:
            return Output(pool_labels(outputs, self.pooling), outputs, outputs)
        instance_logits = with_negative(outputs)  # (N, C)
        return Output(
            logits=pool(instance_logits, self.pooling),
            scores=outputs.squeeze(-1),
            instance_logits=instance_logits,
        )


def pool(instance_logits: Tensor, pooling: str) -> Tensor:
    """Pool the logits of the instances (N, C) into those of the bag (C,)."""
    if pooling == "max":
        return instance_logits.amax(dim=0)
    if pooling == "mean":  # the mean of probabilities, in logarithms
        instance_logits = instance_logits.log_softmax(dim=-1)
    return instance_logits.logsumexp(dim=0) - math.log(len(instance_logits))


def pool_labels(instance_logits: Tensor, pooling: str) -> Tensor:
    """Pool the logits of the labels of the instances (N, L) into those of the bag (L,)."""
    if pooling != "mean":
        return pool(instance_logits, pooling)
    present = F.logsigmoid(instance_logits).logsumexp(dim=0)  # (L,), the mean of sigmoids in logs
    absent = F.logsigmoid(-instance_logits).logsumexp(dim=0)
    return present - absent
