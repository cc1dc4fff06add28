"""MIL-fc: classify every instance, and let the most certain one speak for the bag.

Source: the max-pooling baseline beside CLAM. M. Y. Lu et al., "Data-efficient and weakly supervised
computational pathology on whole-slide images", Nature Biomedical Engineering 5 (2021) 555-570,
https://arxiv.org/abs/2004.09666; the authors' code is mahmoodlab/CLAM, commit 53e2409.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from milbench import Bag, Output
from milbench.nn import check_instances, embedding_stack

if TYPE_CHECKING:
    from torch import Tensor

BINARY = 2


class MILFC(nn.Module):
    """The instance that is surest of a class gives the logits of the bag (Lu et al. 2021).

    One layer, then a logit for each class and instance. Of two classes the instance with the
    highest probability of the positive one is taken; of more the one with the highest probability
    of any. Only that instance is trained on.

    Parameters
    ----------
    hidden
        Width of the layer.
    dropout
        After the layer.
    """

    def __init__(
        self, in_dim: int, n_classes: int, *, hidden: int = 512, dropout: float = 0.25
    ) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.embed = embedding_stack(in_dim, (hidden,), dropout)
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,), and a prediction for each instance.

        The scores are the log-odds (N,) of two classes, else the log-probabilities (N, C).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        instance_logits = self.head(self.embed(bag.x))  # (N, C)
        scores = certainty(instance_logits)  # (N,) or (N, C)
        surest = scores.reshape(bag.x.shape[0], -1).amax(dim=1).argmax()  # ()
        logits = instance_logits[surest.view(1)].squeeze(0)  # (C,)
        return Output(logits=logits, scores=scores, instance_logits=instance_logits)


def certainty(logits: Tensor) -> Tensor:
    """Return the log-odds (N,) of the second of two classes, else log-probabilities (N, C)."""
    if logits.shape[1] == BINARY:
        return logits[:, 1] - logits[:, 0]
    return logits.log_softmax(dim=1)
