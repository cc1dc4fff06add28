"""TransMIL: a transformer over the instances, with Nystrom attention and a position code.

Paper: Z. Shao, H. Bian, Y. Chen, Y. Wang, J. Zhang, X. Ji and Y. Zhang, "TransMIL: Transformer
based Correlated Multiple Instance Learning for Whole Slide Image Classification", NeurIPS 2021,
https://arxiv.org/abs/2106.00908; the authors' code is szc19990412/TransMIL, commit 9d6aee5.
The attention: Y. Xiong et al., "Nystromformer: A Nystrom-based Algorithm for Approximating
Self-Attention", AAAI 2021, https://arxiv.org/abs/2102.03902.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from milbench import Bag, MilbenchError, Output
from milbench.nn import check_instances

if TYPE_CHECKING:
    from torch import Tensor

ITERATIONS = 6  # of the pseudo-inverse; authors' code
NEAR = 16  # tokens on either side that the convolution over the values reaches; authors' code
# Elements of one attention matrix from which torch's fused kernel is used, which never holds the
# matrix. Below, plain products take as long, and torch.func can stack them.
FUSED = 256 * 256 + 1


class Shape(NamedTuple):
    """What the two layers have in common; see :class:`TransMIL`."""

    width: int
    heads: int
    landmarks: int
    dropout: float
    is_legacy: bool


class TransMIL(nn.Module):
    """TransMIL (Shao et al. 2021).

    Instances are laid row by row in a square, in the order in which they come; the first ones fill
    what is missing of it. So their order matters. A class token meets them in two layers of
    attention, with a convolution over the square between, and is classified.

    Three shortcuts leave the result as it is: the square is filled before the embedding, the three
    convolutions of the position code are one with the sum of their kernels, and the second layer
    is computed for the class token only.

    Departures: the authors train in half precision and add up the gradients of two bags, in a
    fixed order of bags. The attention returned as scores, of the class token in the second layer,
    mean over the heads, is ours; they return none.

    Parameters
    ----------
    width, heads, landmarks
        W of a token, H heads of attention, and m landmarks in place of all tokens. The authors
        have m = W / 2. The landmarks cost as much for small bags as for large ones: take fewer
        for small bags.
    dropout
        After each attention.
    slice
        The attention pads the tokens in front. ``last`` gives each token its own output.
        ``legacy_first`` keeps the first outputs instead, those of the padding too, as the version
        0.0.9 of the nystrom-attention package does, which the authors pin.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        width: int = 512,
        heads: int = 8,
        landmarks: int = 256,
        dropout: float = 0.1,
        slice: Literal["last", "legacy_first"] = "last",  # noqa: A002  # the name of the option
    ) -> None:
        super().__init__()
        if slice not in ("last", "legacy_first"):
            raise MilbenchError(f"transmil: slice is {slice!r}; choose 'last' or 'legacy_first'")
        if width % heads or landmarks < 1:
            raise MilbenchError(
                f"transmil: width {width}, heads {heads}, landmarks {landmarks}; expected a width "
                "that the heads divide, and 1 landmark or more"
            )
        shape = Shape(width, heads, landmarks, dropout, is_legacy=slice == "legacy_first")
        self.in_dim = in_dim
        self.class_token = nn.Parameter(torch.randn(1, width))
        self.position = PositionCode(width)
        self.embed = nn.Sequential(nn.Linear(in_dim, width), nn.ReLU())
        self.first = Layer(shape)
        self.second = Layer(shape)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,) and, when not training, attention (N,).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        patches = self.embed(squared(bag.x))  # (S * S, W)
        tokens = torch.cat((self.class_token, patches))  # (1 + S * S, W)
        tokens, _ = self.first(tokens, tokens.shape[0])
        tokens = torch.cat((tokens[:1], self.position(tokens[1:])))
        found, parts = self.second(tokens, 1)  # (1, W)
        scores = None if self.training else of_class_token(parts)[1 : 1 + bag.x.shape[0]]
        return Output(logits=self.head(self.norm(found[0])), scores=scores)


def squared(x: Tensor) -> Tensor:
    """Repeat the first rows of ``x`` (N, D) until they fill a square: (S * S, D), S >= 1."""
    side = 1
    while side * side < x.shape[0]:  # comparisons: a recording then holds for every N of one side
        side += 1
    return torch.cat((x, x[: side * side - x.shape[0]]))


class PositionCode(nn.Module):
    """The PPEG of Shao et al. 2021: convolutions of 7, 5 and 3 tokens over the square.

    Each is depth-wise, with a bias; their sum is added to the tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, width, 7, groups=width)
        self.middle = nn.Conv2d(width, width, 5, groups=width)
        self.narrow = nn.Conv2d(width, width, 3, groups=width)

    def forward(self, patches: Tensor) -> Tensor:
        """Map the tokens (S * S, W) of a square to as many."""
        side, width = math.isqrt(patches.shape[0]), patches.shape[1]
        image = patches.T.reshape(1, width, side, side)
        coded = F.conv2d(image, *self.sums(), padding=3, groups=width)  # (1, W, S, S)
        return patches + coded.reshape(width, -1).T

    def sums(self) -> tuple[Tensor, Tensor]:
        """Return the kernel (W, 1, 7, 7) and the bias (W,) of all three convolutions."""
        middle = F.pad(self.middle.weight, [1] * 4)  # (W, 1, 7, 7)
        narrow = F.pad(self.narrow.weight, [2] * 4)  # (W, 1, 7, 7)
        biases = [each.bias for each in (self.wide, self.middle, self.narrow)]
        bias = torch.stack([each for each in biases if each is not None]).sum(dim=0)
        return self.wide.weight + middle + narrow, bias


class Parts(NamedTuple):
    """The parts of a Nystrom attention.

    Parameters
    ----------
    query : (H, R, d)
        Of the R tokens whose output is wanted, scaled.
    query_marks, key_marks : (H, m, d)
        Landmarks: means of neighbouring tokens, the queries scaled.
    key, value : (H, P, d)
        Of all tokens and the padding in front of them.
    inverse : (H, m, m)
        Pseudo-inverse of the attention between landmarks.
    padding
        P less the tokens.
    """

    query: Tensor
    query_marks: Tensor
    key_marks: Tensor
    key: Tensor
    value: Tensor
    inverse: Tensor
    padding: int


class Layer(nn.Module):
    """Add the Nystrom attention of the normalised tokens to them (Xiong et al. 2021)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.norm = nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width)
        reach = (2 * NEAR + 1, 1)
        self.near = nn.Conv2d(shape.heads, shape.heads, reach, groups=shape.heads, bias=False)
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, tokens: Tensor, count: int) -> tuple[Tensor, Parts]:
        """Map tokens (T, W) to the first ``count`` outputs (count, W), and how it was done."""
        parts = self.parts(self.norm(tokens), count)
        summary = parts.inverse @ attend(parts.query_marks, parts.key, parts.value)  # (H, m, d)
        mixed = attend(parts.query, parts.key_marks, summary)  # (H, count, d)
        mixed = mixed + self.neighbours(parts)
        merged = mixed.transpose(0, 1).reshape(count, -1)  # (count, W)
        return tokens[:count] + self.drop(self.out(merged)), parts

    def parts(self, x: Tensor, count: int) -> Parts:
        """Return what attention of ``x`` (T, W) is made of, with ``count`` queries."""
        landmarks, width = self.shape.landmarks, self.shape.width
        each = -(-x.shape[0] // landmarks)  # padded tokens for one landmark
        padding = each * landmarks - x.shape[0]
        padded = F.pad(x, (0, 0, padding, 0))  # (P, W)
        start = self.start(padding)
        means = padded.view(landmarks, each, width).mean(dim=1)  # (m, W), as linear maps keep means
        (query,) = self.heads(padded[start : start + count], 0, 1)
        query_marks, key_marks = self.heads(means, 0, 2)
        key, value = self.heads(padded, 1, 3)
        scale = query.shape[-1] ** -0.5
        query, query_marks = scale * query, scale * query_marks
        middle = (query_marks @ key_marks.transpose(-1, -2)).softmax(dim=-1)  # (H, m, m)
        inverse = pseudo_inverse(middle)
        return Parts(query, query_marks, key_marks, key, value, inverse, padding)

    def heads(self, x: Tensor, first: int, last: int) -> tuple[Tensor, ...]:
        """Map ``x`` (T, W) by the maps ``first`` to before ``last`` of q, k, v: (H, T, d) each."""
        width = self.shape.width
        mapped = F.linear(x, self.qkv.weight[first * width : last * width])
        split = mapped.view(x.shape[0], last - first, self.shape.heads, -1)  # (T, maps, H, d)
        return tuple(split.permute(1, 2, 0, 3))

    def neighbours(self, parts: Parts) -> Tensor:
        """Convolve the values along the tokens, each head with a kernel of its own: (H, R, d)."""
        start = self.start(parts.padding)
        value = F.pad(parts.value, (0, 0, NEAR, NEAR))
        value = value[:, start : start + parts.query.shape[1] + 2 * NEAR]  # (H, R + 2 NEAR, d)
        near: Tensor = self.near(value[None])  # (1, H, R, d)
        return near[0]

    def start(self, padding: int) -> int:
        """Return the padded position whose output the first token gets."""
        return 0 if self.shape.is_legacy else padding


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Average values (H, K, d) by softmax of queries (H, Q, d) and keys (H, K, d): (H, Q, d)."""
    if query.shape[1] * key.shape[1] >= FUSED:
        heads = (query[None], key[None], value[None])  # the fused kernel wants four axes
        return F.scaled_dot_product_attention(*heads, scale=1.0)[0]
    return (query @ key.transpose(-1, -2)).softmax(dim=-1) @ value


def pseudo_inverse(matrices: Tensor) -> Tensor:
    """Approximate the pseudo-inverse of ``matrices`` (H, m, m), of which no element is negative.

    Six steps of the iteration of Xiong et al. 2021. As in the authors' code one number, from the
    largest row and column sums of all heads, scales the start.
    """
    largest = matrices.sum(dim=-2).amax() * matrices.sum(dim=-1).amax()
    inverse = matrices.transpose(-1, -2) / largest
    one = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    for _ in range(ITERATIONS):
        product = matrices @ inverse
        step = torch.baddbmm(15 * one, product, 7 * one - product, alpha=-1)
        step = torch.baddbmm(13 * one, product, step, alpha=-1)
        inverse = 0.25 * inverse @ step
    return inverse


@torch.no_grad()
def of_class_token(parts: Parts) -> Tensor:
    """Return how much the first query attends to each token (T,), mean over the heads.

    The product of three attentions; it may be negative.
    """
    to_marks = (parts.query[:, :1] @ parts.key_marks.transpose(-1, -2)).softmax(dim=-1)  # (H, 1, m)
    of_marks = (parts.query_marks @ parts.key.transpose(-1, -2)).softmax(dim=-1)  # (H, m, P)
    return (to_marks @ parts.inverse @ of_marks)[:, 0, parts.padding :].mean(dim=0)
