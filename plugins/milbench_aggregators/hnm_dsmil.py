"""The MIL step of HNM-WSI: the older DSMIL, trained on pairs of bags with a ranking loss.

Paper: W. Huang, X. Hu, S. Abousamra, P. Prasanna and C. Chen, "Hard Negative Sample Mining for
Whole Slide Image Classification", MICCAI 2024, https://arxiv.org/abs/2410.02212; the authors' code
is winston52/HNM-WSI, commit 355e7bd.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from milbench_aggregators.dsmil_classic import DSMILClassic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench import Bag, Context, Output
    from milbench_aggregators.dsmil import Streams


class HNMDSMIL(nn.Module):
    """Rank the best instances of a positive bag above those of a negative one (Huang et al. 2024).

    A training step takes two bags, as published. Of both the binary cross-entropies of DSMIL count,
    positive bags weighed by the ratio of negative to positive ones; the hinge keeps the mean of the
    highest instance logits of the positive bag ``margin`` above that of the negative bag.

    Why ``join``: the loss needs two bags, so it does not fit one bag a step. A partner bag in the
    context would still lack its output; a ``fit`` of its own would take optimiser, early stopping
    and tuning away from the harness. So the method only says which bags of an epoch make a step,
    and gets their outputs and labels together. Its runs are not trained side by side: folds hold
    out other bags, so their pairs differ.

    The paper is binary. With more classes a pair is any two bags of different classes; each is
    positive in its own stream, where it is ranked above the other, and the two hinges are averaged.
    Hard negatives are mined by the encoder's half of the method, which is not here. The logits are
    those of the bag stream, which the authors' code reports; the paper averages both streams.

    Parameters
    ----------
    rank_weight
        Of the hinge; 0.1 in the authors' code.
    top
        K, how many of the highest instance logits are averaged; all of a smaller bag.
    margin
        1 in the authors' code, in units of logits.
    negative
        As for DSMIL: whether two classes share one stream.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        rank_weight: float = 0.1,
        top: int = 10,
        margin: float = 1.0,
        negative: bool = True,
    ) -> None:
        super().__init__()
        self.network = DSMILClassic(in_dim, n_classes, negative=negative)
        self.rank_weight = rank_weight
        self.top = top
        self.margin = margin

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,) and attention (N,), or (N, C) by class.

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        output: Output = self.network(bag)
        return output

    def join(self, labels: Sequence[int]) -> list[tuple[int, int]]:
        """Pair each bag of an epoch with the first one before it that is of another class and free.

        With two classes the first positive bag meets the first negative one, and so on: as many
        pairs as the rarer class has bags, as in the authors' code. The rest waits for an epoch in
        which it comes earlier.

        Parameters
        ----------
        labels
            Classes of the training bags in the order of the epoch.

        Returns
        -------
        list of (int, int)
            Positions in ``labels``.
        """
        waiting: deque[int] = deque()  # all of one class: another one would have met them
        pairs = []
        for position, label in enumerate(labels):
            if waiting and labels[waiting[0]] != label:
                pairs.append((waiting.popleft(), position))
            else:
                waiting.append(position)
        return pairs

    def loss(self, outputs: Sequence[Output], labels: Sequence[Tensor], context: Context) -> Tensor:
        """Return the cross-entropies of both streams, and the hinge between two bags.

        Parameters
        ----------
        outputs
            Of :meth:`forward`, one for each bag of the step.
        labels : () int64 each
            The classes of the bags.
        context
            Its ``class_counts`` weigh positive bags; without them all count alike.

        Returns
        -------
        ()
            0.5 on the logits of the bags, 0.5 on their highest logits of an instance, and
            ``rank_weight`` on the hinge.
        """
        said: list[Streams] = [output.extra for output in outputs]
        targets = torch.stack([self._target(label, said[0].bag) for label in labels])  # (B, S)
        weight = self._positive_weight(context, said[0].bag)  # (S,)
        bags = torch.stack([one.bag for one in said])  # (B, S)
        highest = torch.stack([one.instances.amax(dim=0) for one in said])  # (B, S)
        of_bags = F.binary_cross_entropy_with_logits(bags, targets, pos_weight=weight)
        of_highest = F.binary_cross_entropy_with_logits(highest, targets, pos_weight=weight)
        loss = 0.5 * of_bags + 0.5 * of_highest
        if len(said) == 1:  # a bag without a partner has nothing to be ranked against
            return loss
        return loss + self.rank_weight * self._hinge(said, targets)

    def _target(self, label: Tensor, like: Tensor) -> Tensor:
        """Return 1 in the stream of the bag's class, (S,); the negative class may have none."""
        first = self.network.n_classes - len(like)
        classes = torch.arange(first, self.network.n_classes, device=like.device)
        return (classes == label).to(like.dtype)

    def _positive_weight(self, context: Context, like: Tensor) -> Tensor:
        """Return bags outside the class over bags in it, (S,), among the training bags."""
        if not context.class_counts:
            return torch.ones_like(like)
        counts = like.new_tensor(context.class_counts)  # (C,)
        weight: Tensor = (counts.sum() / counts.clamp(min=1.0) - 1.0)[-len(like) :]
        return weight

    def _hinge(self, said: Sequence[Streams], targets: Tensor) -> Tensor:
        """Return by how much the two bags fail to be ranked, over the streams that tell them apart.

        Parameters
        ----------
        targets : (2, S)
            1 where a bag is of the stream's class.
        """
        first, second = (self._best(one.instances) for one in said)  # (S,) each
        side = targets[0] - targets[1]  # (S,), 1 where the first bag is the positive one, or -1
        lacking = F.relu(self.margin - side * (first - second))
        return (side.abs() * lacking).sum() / side.abs().sum()

    def _best(self, logits: Tensor) -> Tensor:
        """Return the mean of the highest instance logits (N, S) of each stream, (S,)."""
        return logits.topk(min(self.top, logits.shape[0]), dim=0).values.mean(dim=0)
