"""Attention-based multiple-instance learning, plain and gated.

Paper: M. Ilse, J. Tomczak and M. Welling, "Attention-based Deep Multiple Instance Learning",
ICML 2018, https://arxiv.org/abs/1802.04712; the authors' code is AMLab-Amsterdam/AttentionDeepMIL,
commit eb0434b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from milbench import Bag, Output
from milbench.nn import (
    AttentionScores,
    attention_pool,
    check_instances,
    embedding_stack,
    glorot_start,
    logit_count,
    with_negative,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class ABMIL(nn.Module):
    """Embed each instance, average by attention, classify (Ilse et al. 2018).

    Two classes share one logit z, returned as (0, z), as published; more classes get one logit
    each. The paper's loss, the Bernoulli likelihood of p clamped to [1e-5, 1 - 1e-5], is the
    harness's cross-entropy on (0, z) but for the clamp.

    Departure: the authors publish no code for features; see ABMILCNN for their network on images.
    Here Linear and ReLU replace the CNN; one layer of 512 and dropout 0.25 are our choice. For the
    classical sets take the layers of Wang et al. 2018, ``hidden=(256, 128, 64), attention=64,
    dropout=0.5``; the Glorot start is theirs too.

    Parameters
    ----------
    hidden
        Widths of the embedding layers.
    attention
        Width L of the attention space.
    dropout
        After the last embedding layer.
    multi_label
        Whether each class is a label of its own: then two have two logits.
    """

    gated = False

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        hidden: Sequence[int] = (512,),
        attention: int = 128,
        dropout: float = 0.25,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.is_multi_label = multi_label
        self.embed, width = Layers(in_dim, hidden, dropout), (in_dim, *hidden)[-1]
        self.attention = AttentionScores(width, attention, gated=self.gated)
        self.head = nn.Linear(width, n_classes if multi_label else logit_count(n_classes))
        self.apply(glorot_start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,) and attention (N,).

        Raises
        ------
        ShapeError
            If bag.x has another shape.
        """
        embedded = self.embed(bag.x)  # (N, M)
        pooled, weights = attention_pool(embedded, self.attention(embedded))  # (M,), (N,)
        logits = self.head(pooled)  # (L,), (1,) or (C,)
        return Output(logits if self.is_multi_label else with_negative(logits), scores=weights)


class GatedABMIL(ABMIL):
    """ABMIL with the gated attention of Ilse et al. 2018, eq. 9; see :class:`ABMIL`."""

    gated = True


class Layers(nn.Module):
    """Embed features: (N, D) to (N, hidden[-1])."""

    def __init__(self, in_dim: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.stack = embedding_stack(in_dim, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map instances (N, D) to (N, M)."""
        check_instances(x, self.in_dim)
        embedded: Tensor = self.stack(x)
        return embedded
