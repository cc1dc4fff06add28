"""Blocks that at least three aggregators share: checks, embedding, attention, one-logit heads.

All of them take one bag without a batch axis and contain no branch on a tensor's values, so that
:func:`torch.func.vmap` can stack them over folds. Networks for images, and what encoders and
methods share to train them, are modules of their own beside this one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from milbench.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = [
    "AttentionScores",
    "attention_pool",
    "check_instances",
    "embedding_stack",
    "glorot_start",
    "logit_count",
    "with_negative",
]


def check_instances(x: Tensor, in_dim: int) -> None:
    """Refuse a bag that is not a matrix of instances.

    Parameters
    ----------
    x : (N, D), N >= 1
        Instances of one bag.
    in_dim
        D, as the aggregator was built.

    Raises
    ------
    ShapeError
        If ``x`` has another number of axes, another D, or no instance.
    """
    if x.dim() == 2 and x.shape[1] == in_dim and x.shape[0] > 0:  # noqa: PLR2004  # (N, D)
        return
    raise ShapeError(
        f"bag.x has shape {tuple(x.shape)}; expected (N, {in_dim}) with N >= 1: one bag, no batch "
        "axis; encode images into features first, and build the aggregator with in_dim = D"
    )


def embedding_stack(in_dim: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Build Linear and ReLU for each width, then one dropout: (N, D) to (N, hidden[-1]).

    Parameters
    ----------
    in_dim
        D.
    hidden
        Widths of the layers; empty leaves the features as they are, but for the dropout.
    dropout
        Probability after the last layer, in [0, 1].
    """
    layers: list[nn.Module] = []
    for before, after in pairwise((in_dim, *hidden)):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(dropout))


def glorot_start(module: nn.Module) -> None:
    """Start a linear layer with Glorot uniform weights and zero biases, as Keras does.

    Give it to :meth:`torch.nn.Module.apply`. Source: Glorot and Bengio, "Understanding the
    difficulty of training deep feedforward neural networks", AISTATS 2010, eq. 16.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


class AttentionScores(nn.Module):
    """Score each instance before normalisation (Ilse et al. 2018, eqs. 8 and 9).

    Plain: w tanh(V h). Gated: w (tanh(V h) * sigmoid(U h)). All three maps have a bias, as in the
    authors' code. Parameters are created in the order V, U, w.

    Parameters
    ----------
    in_dim
        Width M of an embedded instance.
    hidden
        Width L of the attention space.
    gated
        Whether the sigmoid gate U is used.
    """

    def __init__(self, in_dim: int, hidden: int, *, gated: bool) -> None:
        super().__init__()
        self.content = nn.Linear(in_dim, hidden)
        self.gate = nn.Linear(in_dim, hidden) if gated else None
        self.score = nn.Linear(hidden, 1)

    def forward(self, embedded: Tensor) -> Tensor:
        """Map embedded instances (N, M) to scores (N,)."""
        content = self.content(embedded).tanh()  # (N, L)
        if self.gate is not None:
            content = content * self.gate(embedded).sigmoid()
        scores: Tensor = self.score(content)  # (N, 1)
        return scores.squeeze(-1)  # (N,)


def attention_pool(x: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Average the instances of a bag, weighted by attention (Ilse et al. 2018, eq. 7).

    Parameters
    ----------
    x : (N, D)
        Instances.
    scores : (N,)
        Attention before normalisation.

    Returns
    -------
    pooled : (D,)
        One vector for the bag.
    weights : (N,)
        Attention, in [0, 1], summing to 1.

    Raises
    ------
    ShapeError
        If ``scores`` does not match ``x``.
    """
    if x.dim() != 2 or scores.shape != x.shape[:1]:  # noqa: PLR2004  # (N, D)
        raise ShapeError(
            f"instances of shape {tuple(x.shape)} and scores of shape {tuple(scores.shape)}; "
            "expected (N, D) and (N,): give one score for each instance"
        )
    weights = scores.softmax(dim=0)  # (N,)
    return weights @ x, weights


def logit_count(n_classes: int) -> int:
    """Return how many logits a head needs: one for two classes, else one a class."""
    return 1 if n_classes == 2 else n_classes  # noqa: PLR2004  # one sigmoid decides between two


def with_negative(logits: Tensor) -> Tensor:
    """Put the negative class's logit 0 before a single positive logit z.

    Softmax of (0, z) is (1 - sigmoid(z), sigmoid(z)), so a head with one output, as most binary
    methods publish it, fits the same contract as one with an output a class.

    Parameters
    ----------
    logits : (..., 1) or (..., C)
        Output of a head with :func:`logit_count` outputs.

    Returns
    -------
    (..., 2) or (..., C)
        (0, z) where there was one logit, else ``logits`` as they are.
    """
    if logits.shape[-1] != 1:
        return logits
    return F.pad(logits, (1, 0))  # zeros_like in its place would tie a recording to one size
