"""The base of the classifiers of whole pictures, which stand beside MIL methods as baselines.

Source: the baselines of A-MIL (A. Patil et al., WIECON-ECE 2019, https://arxiv.org/abs/2003.00823)
in Dipeshtamboli/Image-Classification-and-Localization-using-Multiple-Instance-Learning, commit
d057145.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from milbench import Context, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

BATCH = 32  # pictures of a step there
BINARY = 2


class PictureClassifier(nn.Module):
    """Classify each picture of a bag; the bag has the mean of their logits.

    A picture alone is a bag of one. All classes have a logit, two classes too. A training step
    joins 32 bags. Departure: the scripts of the source train on the folder ``test`` and report on
    ``train``; under the harness's protocol the parts are what they are called.
    """

    def join(self, labels: Sequence[int]) -> list[list[int]]:
        """Return the places of the bags of each step: 32 after 32, the last step the rest."""
        places = range(len(labels))
        return [list(places[first : first + BATCH]) for first in places[::BATCH]]

    def loss(
        self, outputs: Sequence[Output], labels: Sequence[Tensor], _context: Context
    ) -> Tensor:
        """Return the mean cross-entropy of the bags of a step."""
        logits = torch.stack([output.logits for output in outputs])  # (B, C)
        return F.cross_entropy(logits, torch.stack(list(labels)))


def pooled(logits: Tensor) -> Output:
    """Return what is said about a bag whose pictures have ``logits`` (N, C)."""
    is_binary = logits.shape[1] == BINARY
    scores = logits[:, 1] - logits[:, 0] if is_binary else logits  # (N,) or (N, C)
    return Output(logits=logits.mean(dim=0), scores=scores, instance_logits=logits)
