"""Attention-based multiple-instance learning, plain and gated.

Paper: M. Ilse, J. Tomczak and M. Welling, "Attention-based Deep Multiple Instance Learning",
ICML 2018, https://arxiv.org/abs/1802.04712; the authors' code is AMLab-Amsterdam/AttentionDeepMIL,
commit eb0434b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from milbench import Bag, MilbenchError, Output
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

IMAGE = (1, 28, 28)
PIXELS = 784  # 1 * 28 * 28


class ABMIL(nn.Module):
    """Embed each instance, average by attention, classify (Ilse et al. 2018).

    Two classes share one logit z, returned as (0, z), as published; more classes get one logit
    each. The paper's loss, the Bernoulli likelihood of p clamped to [1e-5, 1 - 1e-5], is the
    harness's cross-entropy on (0, z) but for the clamp.

    Departure: the authors publish no code for features. Here Linear and ReLU replace the CNN; one
    layer of 512 and dropout 0.25 are our choice. For the classical sets take the layers of Wang et
    al. 2018, ``hidden=(256, 128, 64), attention=64, dropout=0.5``; the Glorot start is theirs too.
    With the CNN, PyTorch's own start is kept, as in the authors' code.

    Parameters
    ----------
    hidden
        Widths of the embedding layers; not used with ``embed="lenet"``.
    attention
        Width L of the attention space.
    dropout
        After the last embedding layer; not used with ``embed="lenet"``, which has none.
    embed
        ``linear`` for features; ``lenet`` for digits of 28 x 28 pixels, the published CNN.
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
        embed: Literal["linear", "lenet"] = "linear",
    ) -> None:
        super().__init__()
        if embed not in ("linear", "lenet"):
            raise MilbenchError(f"abmil: embed is {embed!r}; choose 'linear' or 'lenet'")
        self.embed: nn.Module
        if embed == "lenet":
            self.embed, width = LeNet(in_dim), LeNet.width
        else:
            self.embed, width = Layers(in_dim, hidden, dropout), (in_dim, *hidden)[-1]
        self.attention = AttentionScores(width, attention, gated=self.gated)
        self.head = nn.Linear(width, logit_count(n_classes))
        if embed == "linear":
            self.apply(glorot_start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D), or (N, 1, 28, 28), to logits (C,) and attention (N,).

        Raises
        ------
        ShapeError
            If bag.x has another shape.
        """
        embedded = self.embed(bag.x)  # (N, M)
        pooled, weights = attention_pool(embedded, self.attention(embedded))  # (M,), (N,)
        return Output(logits=with_negative(self.head(pooled)), scores=weights)


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


class LeNet(nn.Module):
    """The LeNet-like CNN of Ilse et al. 2018 for 28 x 28 digits: (N, 1, 28, 28) to (N, 500).

    Rows of 784 pixels are reshaped. Bytes are scaled to [0, 1] and normalised by the mean 0.1307
    and sd 0.3081 of the MNIST training pixels, as in the authors' code; floats stay as they are.
    """

    width = 500

    def __init__(self, in_dim: int = PIXELS) -> None:
        super().__init__()
        if in_dim != PIXELS:
            raise MilbenchError(
                f"abmil: embed='lenet' with {in_dim} values an instance; it needs digits of "
                f"28 x 28 pixels, {PIXELS} values; use embed='linear' for anything else"
            )
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 20, 12, 12)
            *(nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 50, 4, 4)
            *(nn.Flatten(), nn.Linear(800, self.width), nn.ReLU()),  # (N, 500)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map pixels (N, 1, 28, 28) or (N, 784) to (N, 500)."""
        if tuple(x.shape[1:]) != IMAGE:
            check_instances(x, PIXELS)
        if x.dtype == torch.uint8:
            x = (x / 255 - 0.1307) / 0.3081
        embedded: Tensor = self.layers(x.reshape(-1, *IMAGE))
        return embedded
