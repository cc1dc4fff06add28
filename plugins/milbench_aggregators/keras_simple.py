"""The attention network of a Keras repository for kidney tiles, with its head of one slot a tile.

Source: bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-using-clear-cell-renal-cell-carcinoma-
dataset, commit 4a1d221 (2022), which no paper describes; its attention is that of M. Ilse,
J. Tomczak and M. Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018,
https://arxiv.org/abs/1802.04712.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from milbench import Bag, MilbenchError, Output
from milbench.errors import ShapeError
from milbench.nn import check_instances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

HIDDEN, DROPOUT, ATTENTION = (512, 512, 256), (0.5, 0.5, 0.2), 1024  # the repository's
SLOTS = 40  # instances of a bag there
TILE = (3, 256, 256)


class KerasSimple(nn.Module):
    """Weigh embedded instances by attention and lay them side by side (Keras repository, 2022).

    The head has weights of its own for every place in a bag, so the order of the instances has a
    meaning, and the bag a largest size. With ``slots`` instances it is the published network; a
    smaller bag leaves the last slots empty. All classes have a logit, two classes too; weights
    start by Glorot's rule and biases at zero, as Keras does.

    Departure: the repository reads tiles, and a CNN comes first; see :class:`KerasSimpleCNN`. Here
    its dense layers read features. Its learning rate also shrinks by 1/(1 + 5e-4 step).

    Parameters
    ----------
    slots
        The largest bag.
    hidden
        Widths of the layers that embed an instance, each with ReLU.
    dropout
        After each of them.
    attention
        Width of the attention space.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        slots: int = SLOTS,
        hidden: Sequence[int] = HIDDEN,
        dropout: Sequence[float] = DROPOUT,
        attention: int = ATTENTION,
    ) -> None:
        super().__init__()
        self.slots = slots
        self.embed: nn.Module = Layers(in_dim, hidden, dropout)
        width = (in_dim, *hidden)[-1]
        self.attention = GatedScores(width, attention)
        self.head = nn.Linear(slots * width, n_classes)
        self.apply(start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D), N at most ``slots``, to logits (C,) and attention (N,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D), or has more instances than there are slots.
        """
        weighted, weights = weigh(self.embed(bag.x), self.attention)  # (N, M), (N,)
        empty = self.slots - weighted.shape[0]
        if empty < 0:
            raise ShapeError(
                f"bag.x has {weighted.shape[0]} instances; keras-simple has {self.slots} slots, "
                "one an instance: set slots to the largest bag, or use keras-simple-sum"
            )
        filled = F.pad(weighted, (0, 0, 0, empty))  # (slots, M)
        return Output(logits=self.head(filled.flatten()), scores=weights)


class KerasSimpleSum(nn.Module):
    """KerasSimple with a head on the sum of the weighted instances, so that order has no effect.

    Ours, for comparison: the embedding and the attention of the Keras repository of 2022, pooled
    as in Ilse et al. 2018. Bags may have any size. Settings are those of :class:`KerasSimple`.
    """

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        *,
        hidden: Sequence[int] = HIDDEN,
        dropout: Sequence[float] = DROPOUT,
        attention: int = ATTENTION,
    ) -> None:
        super().__init__()
        self.embed = Layers(in_dim, hidden, dropout)
        width = (in_dim, *hidden)[-1]
        self.attention = GatedScores(width, attention)
        self.head = nn.Linear(width, n_classes)
        self.apply(start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,) and attention (N,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        weighted, weights = weigh(self.embed(bag.x), self.attention)  # (N, M), (N,)
        return Output(logits=self.head(weighted.sum(dim=0)), scores=weights)


class KerasSimpleCNN(KerasSimple):
    """KerasSimple trained end to end on tiles, the whole network of the repository (2022).

    It is a method of its own because a method says beforehand whether it reads images. Bytes stay
    in 0..255, as there. Departure: the repository flips and turns training tiles at random; the
    harness shows every tile as it is.

    Parameters
    ----------
    image
        Channels, rows and columns of a tile.
    slots
        As for :class:`KerasSimple`.
    """

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        *,
        image: tuple[int, int, int] = TILE,
        slots: int = SLOTS,
    ) -> None:
        convolutions = Convolutions(in_dim, tuple(image))
        super().__init__(convolutions.width, n_classes, slots=slots)
        self.embed = nn.Sequential(convolutions.apply(start), self.embed)


class Layers(nn.Module):
    """Embed features: (N, D) to (N, hidden[-1])."""

    def __init__(self, in_dim: int, hidden: Sequence[int], dropout: Sequence[float]) -> None:
        super().__init__()
        if len(hidden) != len(dropout):
            raise MilbenchError(
                f"keras-simple: {len(hidden)} widths in hidden and {len(dropout)} rates in "
                "dropout; give one rate for each layer"
            )
        self.in_dim = in_dim
        layers: list[nn.Module] = []
        for (before, after), rate in zip(pairwise((in_dim, *hidden)), dropout, strict=True):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(rate)]
        self.stack = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map instances (N, D) to (N, M)."""
        check_instances(x, self.in_dim)
        embedded: Tensor = self.stack(x)
        return embedded


class Convolutions(nn.Module):
    """Four convolutions of 2 x 2 and two poolings: tiles (N, *image) to (N, width).

    A tile of 3 x 256 x 256 becomes 32 x 62 x 62 values. Rows of pixels are reshaped; bytes become
    floats in 0..255, floats stay as they are.
    """

    def __init__(self, in_dim: int, image: tuple[int, ...]) -> None:
        super().__init__()
        rows, columns = (((size - 2) // 2 - 2) // 2 for size in image[1:])
        if math.prod(image) != in_dim or min(rows, columns) < 1:
            raise MilbenchError(
                f"keras-simple-cnn: instances of {in_dim} values and image = {image}; expected "
                f"tiles of {math.prod(image)} values, 10 x 10 pixels or more; set image to "
                "(channels, rows, columns) of your tiles"
            )
        self.image = image
        self.width = 32 * rows * columns
        self.layers = nn.Sequential(
            *(nn.Conv2d(image[0], 16, 2), nn.ReLU(), nn.Conv2d(16, 16, 2), nn.ReLU()),
            nn.MaxPool2d(2),
            *(nn.Conv2d(16, 32, 2), nn.ReLU(), nn.Conv2d(32, 32, 2), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Flatten()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map tiles (N, *image) or rows of pixels (N, D) to (N, width)."""
        if tuple(x.shape[1:]) != self.image or x.shape[0] == 0:
            check_instances(x, math.prod(self.image))
        pixels = x if x.is_floating_point() else x.float()
        flat: Tensor = self.layers(pixels.reshape(-1, *self.image))
        return flat


class GatedScores(nn.Module):
    """Score each instance before normalisation: w (tanh(V h) * sigmoid(U h)), without biases."""

    def __init__(self, in_dim: int, hidden: int) -> None:
        super().__init__()
        self.content = nn.Linear(in_dim, hidden, bias=False)
        self.gate = nn.Linear(in_dim, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, embedded: Tensor) -> Tensor:
        """Map embedded instances (N, M) to scores (N,)."""
        gated = self.content(embedded).tanh() * self.gate(embedded).sigmoid()  # (N, L)
        scores: Tensor = self.score(gated)  # (N, 1)
        return scores.squeeze(-1)  # (N,)


def weigh(embedded: Tensor, attention: nn.Module) -> tuple[Tensor, Tensor]:
    """Return instances (N, M) times their attention, and the attention (N,), which sums to 1."""
    weights: Tensor = attention(embedded).softmax(dim=0)  # (N,)
    return weights.unsqueeze(1) * embedded, weights


def start(module: nn.Module) -> None:
    """Start a layer as Keras does: Glorot uniform weights, zero biases."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
