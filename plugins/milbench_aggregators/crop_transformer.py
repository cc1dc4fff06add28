"""The classifier of a UBC-OCEAN notebook: a transformer over the crops of a slide.

Source: Metavers1/kaggle_UBC-OCEAN-MIL, commit 6be6b60 (2025), a solution of the Kaggle competition
UBC-OCEAN on subtypes of ovarian cancer, which no paper describes. Its layers are those of
A. Vaswani et al., "Attention Is All You Need", NIPS 2017, https://arxiv.org/abs/1706.03762.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from milbench import Bag, MilbenchError, Output
from milbench.nn import check_instances

if TYPE_CHECKING:
    from torch import Tensor

# Crops up to which there is dropout. Beyond, neither the matrix of attention nor masks are made: of
# 20,000 crops the one would take 6.4 GB a layer, and the others 1.3 GB at width 1024.
DROPPED = 512
# Crops beyond which a layer is computed again for its gradient, a third more work: six layers of
# 20,000 crops of width 1024 keep some 9 GB otherwise.
RECOMPUTED = 4096
KEPT = nn.Identity()


class CropTransformer(nn.Module):
    """Let the crops of a slide attend to each other, place by place (UBC-OCEAN notebook, 2025).

    An instance is a crop, and its features are ``tokens`` vectors side by side: those of the places
    of a feature map, row by row, so that D is ``tokens`` times the width of a vector. With tokens=1
    an instance is one vector, as everywhere else. Published: the 16 x 16 places of EfficientNet-B4,
    448 values each, so tokens=256 and D=114,688; the network has then 7,599,366 parameters for six
    classes.

    In the notebook the axis of the sequence is that of the crops: a place of one crop attends to
    the same place of the others, and the sine code of Vaswani et al. 2017 tells crops apart, by
    their number, not places. So the order of crops has a meaning. It is kept here. The mean over
    places is classified for each crop, and the logits of a bag are the sum of those of its crops.

    Departures: the sequence holds the crops of one picture (``per_image``), where the notebook also
    lets cores of different patients attend to each other if they share a batch; every layer starts
    from weights of its own, where torch's ``TransformerEncoder`` copies the first; bags of more
    than 512 crops have no dropout, and of more than 4096 layers are computed again for their
    gradient. The notebook publishes no training, so the recipe is ours. Two
    earlier rules of the notebook, sums of thresholded probabilities, are not offered.

    Parameters
    ----------
    tokens
        T, vectors of an instance.
    layers
        Of both encoders together, which are one stack.
    heads, hidden, dropout
        Of every layer.
    per_image
        Must be True: a method of this harness sees one bag.

    Raises
    ------
    MilbenchError
        If D is not ``tokens`` times a multiple of ``heads``, or ``per_image`` is False.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        tokens: int = 1,
        layers: int = 6,
        heads: int = 4,
        hidden: int = 512,
        dropout: float = 0.1,
        per_image: bool = True,
    ) -> None:
        super().__init__()
        if tokens < 1 or heads < 1 or in_dim % (tokens * heads):
            raise MilbenchError(
                f"crop-transformer: {in_dim} features are no {tokens} tokens of a width that "
                f"{heads} heads divide; set tokens to what the encoder gives"
            )
        if not per_image:
            raise MilbenchError(
                "crop-transformer: per_image is False, so crops of other pictures would change a "
                "prediction; a method sees one bag, leave it True"
            )
        self.in_dim, self.tokens = in_dim, tokens
        width = in_dim // tokens
        self.layers = nn.ModuleList(Layer(width, heads, hidden, dropout) for _ in range(layers))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, n_classes)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,), and logits (N, C) of the crops.

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        x = bag.x.reshape(bag.x.shape[0], self.tokens, -1)  # (N, T, d)
        x = x.transpose(0, 1)  # (T, N, d): a sequence of crops for each place
        x = x + sine_code(x)
        x = self.drop(x) if x.shape[1] <= DROPPED else x
        for layer in self.layers:
            x = layer(x) if x.shape[1] <= RECOMPUTED else recomputed(layer, x)
        of_crops = self.head(x.mean(dim=0))  # (N, C)
        return Output(logits=of_crops.sum(dim=0), instance_logits=of_crops)


class Layer(nn.Module):
    """One layer of a transformer's encoder, normalised after each half (Vaswani et al. 2017).

    It computes what ``torch.nn.TransformerEncoderLayer`` does, in operations that runs side by side
    can share.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm_attention, self.norm_hidden = nn.LayerNorm(width), nn.LayerNorm(width)
        self.drops = nn.ModuleList(nn.Dropout(dropout) for _ in range(4))
        nn.init.xavier_uniform_(self.project.weight)  # these three as in torch's attention
        nn.init.zeros_(self.project.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (T, N, d) to (T, N, d)."""
        is_small = x.shape[1] <= DROPPED
        weights, attention, within, behind = self.drops if is_small else [KEPT] * 4
        queries, keys, values = self._heads(self.project(x))  # (T, H, N, d / H) each
        if is_small:
            scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
            mixed = weights(scores.softmax(dim=-1)) @ values
        else:
            mixed = F.scaled_dot_product_attention(queries, keys, values)
        attended = self.out(mixed.transpose(1, 2).reshape(x.shape))  # (T, N, d)
        x = self.norm_attention(x + attention(attended))
        inner = self.second(within(self.first(x).relu()))
        given: Tensor = self.norm_hidden(x + behind(inner))
        return given

    def _heads(self, projected: Tensor) -> tuple[Tensor, ...]:
        places, crops, width = projected.shape
        parts = projected.reshape(places, crops, 3, self.heads, width // (3 * self.heads))
        return parts.permute(2, 0, 3, 1, 4).unbind(0)


def recomputed(layer: nn.Module, x: Tensor) -> Tensor:
    """Return ``layer(x)``, of which nothing but ``x`` is kept for the gradient.

    Chen et al. 2016, Training deep nets with sublinear memory cost, https://arxiv.org/abs/1604.06174.
    """
    given: Tensor = checkpoint(layer, x, use_reentrant=False, preserve_rng_state=False)
    return given


def sine_code(x: Tensor) -> Tensor:
    """Return the code of each place of the sequence (Vaswani et al. 2017, section 3.5).

    Parameters
    ----------
    x : (T, N, d)
        Only its shape and kind are used.

    Returns
    -------
    (N, d)
        Sine in the even columns, cosine in the odd ones.
    """
    crops, width = x.shape[1], x.shape[2]
    column = torch.arange(0, width, 2, device=x.device).double()
    rate = torch.exp(column * (-math.log(10_000.0) / width))  # (ceil(d / 2),)
    angle = torch.arange(crops, device=x.device).double()[:, None] * rate
    pairs = torch.stack((angle.sin(), angle.cos()), dim=-1)  # (N, ceil(d / 2), 2)
    return pairs.flatten(1)[:, :width].to(x.dtype)
