"""What a trained model says of bags: probabilities of classes, of coarse ones, or of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

from milbench.errors import TrainingError
from milbench.metrics.levels import summed
from milbench.train.loss import probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench.bags import Context
    from milbench.train.fold import Fitted
    from milbench.train.resident import FoldBags

# Who gives the coarse probabilities: a head of the method, or the sum of the fine ones.
Source = Literal["head", "sum"]


class Answers(NamedTuple):
    """Probabilities of some bags, float64, in their order.

    Parameters
    ----------
    fine : (n, C)
        Of the classes; or of the labels, each by itself.
    coarse : (n, K), optional
        Of the coarse classes; None where the data set has one level.
    source
        Where ``coarse`` comes from.
    """

    fine: np.ndarray
    coarse: np.ndarray | None = None
    source: Source = "sum"


def answer(fitted: Fitted, bags: FoldBags, positions: np.ndarray, context: Context) -> Answers:
    """Return what ``fitted`` says of the bags at ``positions``, without showing their labels.

    Raises
    ------
    TrainingError
        If logits have another shape than (C,), or coarse ones than (K,), or are not finite.
    """
    parents = context.parents
    n_coarse = 1 + max(parents) if parents else 0
    fine: list[Tensor] = []
    own: list[Tensor] = []
    for bag in positions.tolist():
        output = fitted.predict(bags[bag])
        fine.append(_shaped(output.logits, context.n_classes, ""))
        if output.coarse is not None:
            own.append(_shaped(output.coarse, n_coarse, "coarse "))
    if context.is_multi_label and fitted.engine != "estimator":
        _check_every_label(fine)
    found = _probabilities(fine, context.n_classes, is_multi_label=context.is_multi_label)
    if not parents:
        return Answers(found)
    if own and len(own) == len(fine):
        return Answers(found, _probabilities(own, n_coarse), "head")
    if own:
        raise TrainingError(f"coarse logits for {len(own)} of {len(fine)} bags; give all or none")
    return Answers(found, summed(found, parents))


def _check_every_label(logits: Sequence[Tensor]) -> None:
    """Refuse a head made for two classes, which holds the first of two logits at 0."""
    if logits and len(logits[0]) > 1 and not bool(torch.stack(list(logits))[:, 0].any()):
        raise TrainingError(
            "the first logit is 0 for every bag, as of a head with one output for two classes; a "
            "method for several labels has an output for each (its constructor may take a keyword "
            "multi_label), or declares multi_label=False"
        )


def _shaped(logits: Tensor, count: int, which: str) -> Tensor:
    if tuple(logits.shape) != (count,):
        lacks = "" if count else ": the data set has one level"
        raise TrainingError(
            f"{which}logits of shape {tuple(logits.shape)}, expected ({count},){lacks}"
        )
    return logits


def _probabilities(
    logits: Sequence[Tensor], count: int, *, is_multi_label: bool = False
) -> np.ndarray:
    if not logits:
        return np.empty((0, count))
    stacked = torch.stack(list(logits)).double()  # (n, count)
    if not bool(torch.isfinite(stacked).all()):
        raise TrainingError("a prediction is not finite; the model diverged")
    return probabilities(stacked, is_multi_label=is_multi_label).cpu().numpy()
