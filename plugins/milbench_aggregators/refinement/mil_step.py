"""The MIL step: train the bag's network on the present features, and score every instance.

The network and its loss are those of :mod:`milbench_aggregators.hnm_dsmil`; ItS2CLR trains it on
single bags, which leaves the ranking loss out, and HNM on pairs.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from milbench import Bag, Context
from milbench_aggregators.hnm_dsmil import HNMDSMIL
from milbench_aggregators.refinement.f1 import f1_at_best_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Generator, Tensor

    from milbench_aggregators.refinement.settings import Settings


class Featured(NamedTuple):
    """Encoded bags with their classes.

    Parameters
    ----------
    bags : (N, M) each
        Representations.
    labels
        Positions in the classes.
    """

    bags: Sequence[Tensor]
    labels: Sequence[int]


class Judgement(NamedTuple):
    """How well a network does on the validation bags; the larger of two is the better.

    Parameters
    ----------
    f1
        Mean over the streams, each at the threshold of its ROC curve that is farthest from chance.
    negative_loss
        Minus the cross-entropy of the bags' logits: decides between equal F1, ours.
    """

    f1: float
    negative_loss: float


class Scored(NamedTuple):
    """The outcome of a MIL step.

    Parameters
    ----------
    network
        With the weights of the epoch that validates best, or the last one without validation bags.
    scores : (N, S) float64
        Pseudo probabilities of all training instances.
    judgement
        Of ``network``; None without validation bags.
    """

    network: HNMDSMIL
    scores: NDArray[np.float64]
    judgement: Judgement | None


class MILStep(NamedTuple):
    """How the bag's network is trained.

    Parameters
    ----------
    settings
        See :class:`milbench_aggregators.refinement.settings.Settings`.
    counts : (C,)
        Training bags of each class: they weigh positive bags.
    is_paired
        Whether a training step takes two bags and ranks them (HNM), or one (ItS2CLR).
    """

    settings: Settings
    counts: tuple[int, ...]
    is_paired: bool

    def run(self, train: Featured, valid: Featured, generator: Generator) -> Scored:
        """Train a new network; its weights start from torch's own random numbers.

        Parameters
        ----------
        generator
            Of the order of bags.
        """
        settings = self.settings
        network = HNMDSMIL(train.bags[0].shape[1], len(self.counts), negative=settings.negative)
        network.to(train.bags[0].device)
        optimizer = torch.optim.Adam(
            network.parameters(),
            lr=settings.mil_lr,
            weight_decay=settings.mil_weight_decay,
            fused=True,  # half the time of a step on one bag
        )
        best: tuple[Judgement, dict[str, Any]] | None = None
        scores = np.empty((0, 0))
        for epoch in range(settings.mil_epochs):
            for group in optimizer.param_groups:
                group["lr"] = settings.mil_lr * 0.5 ** (epoch // settings.halve_every)
            self._train_epoch(network, optimizer, train, generator)
            if epoch == min(settings.extract_epoch, settings.mil_epochs - 1):
                scores = instance_scores(network, train.bags)
            found = judge(network, valid)
            if found is not None and (best is None or found > best[0]):
                best = (found, copy.deepcopy(network.state_dict()))
        if best is not None:
            network.load_state_dict(best[1])
        return Scored(network, scores, None if best is None else best[0])

    def _train_epoch(
        self,
        network: HNMDSMIL,
        optimizer: torch.optim.Optimizer,
        train: Featured,
        generator: Generator,
    ) -> None:
        context = Context(n_classes=len(self.counts), class_counts=self.counts)
        order = torch.randperm(len(train.bags), generator=generator).tolist()
        steps: list[Any] = [(place,) for place in range(len(order))]
        if self.is_paired:
            steps = network.join([train.labels[bag] for bag in order])
        for places in steps:
            bags = [order[place] for place in places]
            outputs = [network(Bag(train.bags[bag])) for bag in bags]
            device = outputs[0].logits.device
            labels = [torch.tensor(train.labels[bag], device=device) for bag in bags]
            optimizer.zero_grad()
            network.loss(outputs, labels, context).backward()  # type: ignore[no-untyped-call]
            optimizer.step()


@torch.no_grad()
def instance_scores(network: HNMDSMIL, bags: Sequence[Tensor]) -> NDArray[np.float64]:
    """Return the pseudo probabilities (N, S) of the instances of all ``bags``, in their order."""
    logits = [network(Bag(x)).extra.instances for x in bags]
    return torch.cat(logits).double().sigmoid().cpu().numpy()


@torch.no_grad()
def judge(network: HNMDSMIL, valid: Featured) -> Judgement | None:
    """Return how well ``network`` does on validation bags; None without any."""
    if not valid.bags:
        return None
    logits = torch.stack([network(Bag(x)).extra.bag for x in valid.bags]).double().cpu()  # (V, S)
    first = network.network.n_classes - logits.shape[1]
    targets = F.one_hot(torch.tensor(valid.labels), network.network.n_classes)[:, first:]  # (V, S)
    loss = F.binary_cross_entropy_with_logits(logits, targets.double())
    scores, truth = logits.sigmoid().numpy(), targets.numpy()
    f1 = [f1_at_best_threshold(truth[:, s], scores[:, s]) for s in range(logits.shape[1])]
    return Judgement(float(np.mean(f1)), -float(loss))
