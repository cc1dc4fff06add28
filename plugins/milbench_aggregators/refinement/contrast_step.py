"""The contrastive step: teach the encoder to tell positive from negative instances."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from milbench import TrainingError
from milbench_aggregators.refinement.contrast import Roles, contrastive_loss
from milbench_aggregators.refinement.pools import Suspects, build_pools, share_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Generator, Tensor

    from milbench_aggregators.refinement.encoder import Encoder
    from milbench_aggregators.refinement.pools import Pools
    from milbench_aggregators.refinement.settings import Settings
    from milbench_aggregators.refinement.training_bags import Beliefs, TrainingBags

    Positions = NDArray[np.int64]

STEADY = 10  # epochs before the learning rate falls; authors' code


def learning_rate(first: float, epoch: int, epochs: int) -> float:
    """Return the rate of ``epoch``, counted from 0: constant, then a cosine.

    As in the authors' code the cosine has ``epochs`` as its half period but starts ten epochs
    late, so it does not reach 0.
    """
    return 0.5 * first * (1.0 + math.cos(math.pi * max(0, epoch - STEADY) / epochs))


def dealt(batch: int, part: float) -> tuple[int, int]:
    """Return how many positive and negative instances a batch holds, at least one of each.

    Both are rounded down, as in the authors' code: 102 and 409, 25 and 486 of 512.
    """
    return max(1, int(part * batch)), max(1, int((1.0 - part) * batch))


class Deck:
    """An endless draw from a pool, in a new random order each time it is used up.

    Parameters
    ----------
    pool
        Positions of instances.
    """

    def __init__(self, pool: Positions, generator: Generator) -> None:
        self._pool, self._generator = pool, generator
        self._left = pool[:0]

    def draw(self, count: int) -> Positions:
        """Return up to ``count`` of what is left; fewer only where the pool ends."""
        if len(self._left) == 0:
            order = torch.randperm(len(self._pool), generator=self._generator).numpy()
            self._left = self._pool[order]
        drawn, self._left = self._left[:count], self._left[count:]
        return drawn

    def once(self, count: int) -> Iterator[Positions]:
        """Yield the whole pool once, ``count`` at a time."""
        for _ in range(0, len(self._pool), count):
            yield self.draw(count)


class Decks(NamedTuple):
    """A deck for each pool of a stream."""

    passing: Deck
    positive: Deck
    negative: Deck
    clean_negative: Deck


class Labelling(NamedTuple):
    """What all instances are in the epoch of one stream.

    Parameters
    ----------
    labels : (N,) int64
        Pseudo labels: 0, or 1 more than the stream whose positive the instance is.
    stream
        The stream whose epoch it is.
    is_own : (N,) bool
        Whether the instance is of a bag of the stream's class.
    """

    labels: Positions
    stream: int
    is_own: NDArray[np.bool_]


class ContrastStep:
    """Epochs of contrastive learning on the training bags' instances.

    A step with negative anchors draws instances that pseudo labels call negative, and some that
    they call positive; negatives attract each other and repel positives. A step with positive
    anchors, from epoch ``warmup`` on, does the reverse with the most certain positives.

    With more than two classes every stream has an epoch of its own within an epoch, in which the
    positives of other classes are negatives; but only instances of one pseudo label attract.

    Parameters
    ----------
    encoder
        Changed in place.
    bags
        The training bags.
    generator
        Of draws and views, on the CPU.
    """

    def __init__(
        self, encoder: Encoder, bags: TrainingBags, settings: Settings, generator: Generator
    ) -> None:
        self.encoder, self.bags = encoder, bags
        self.settings, self.generator = settings, generator
        self.optimizer = torch.optim.SGD(
            encoder.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
        )

    def run_epoch(self, epoch: int, beliefs: Beliefs) -> None:
        """Train for one epoch, counted from 0, on the pools that ``beliefs`` make.

        Raises
        ------
        TrainingError
            If the loss is not finite.
        """
        rate = learning_rate(self.settings.lr, epoch, self.settings.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        pools = self.pools(epoch, beliefs)
        labels = np.zeros(len(self.bags.streams), dtype=np.int64)
        for stream, pool in pools.items():
            labels[pool.passing] = stream + 1
        for stream, pool in pools.items():
            labelling = Labelling(labels, stream, self.bags.streams == stream)
            decks = Decks(*(Deck(positions, self.generator) for positions in pool))
            loss = self._stream_epoch(labelling, decks, epoch >= self.settings.warmup)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the contrastive loss is not finite in epoch {epoch}; lower lr = {rate:.3g}"
                )

    def pools(self, epoch: int, beliefs: Beliefs) -> dict[int, Pools]:
        """Return the pools of ``epoch`` by stream, of the streams that training bags belong to."""
        share = share_after(epoch - 1, self.settings)
        return {
            stream: build_pools(
                Suspects(beliefs.scores[:, stream], self.bags.streams == stream),
                share,
                self.settings,
                is_refreshed=beliefs.is_refreshed,
            )
            for stream in range(self.bags.n_streams)
            if (self.bags.streams == stream).any()
        }

    def _stream_epoch(self, labelling: Labelling, decks: Decks, has_positive: bool) -> float:
        """Run through the negatives of a stream once and return the last loss."""
        positive, negative = dealt(self.settings.batch, self.settings.positive_part)
        few, many = dealt(self.settings.batch, self.settings.anchor_part)
        loss = torch.zeros(())
        for negatives in decks.clean_negative.once(negative):
            chosen = np.concatenate([negatives, decks.passing.draw(positive)])
            loss = self._step(labelling, chosen, anchors_are_own=False)
            if has_positive:
                chosen = np.concatenate([decks.positive.draw(few), decks.negative.draw(many)])
                loss = self._step(labelling, chosen, anchors_are_own=True)
        return float(loss)

    def _step(self, labelling: Labelling, chosen: Positions, *, anchors_are_own: bool) -> Tensor:
        """Take one step on the instances ``chosen`` (B,) and return its loss."""
        x = self.bags.rows(chosen)
        labels = torch.from_numpy(labelling.labels[chosen]).to(x.device)
        is_positive = labels == labelling.stream + 1
        is_masked = None
        # Pools leave these out as well; the authors' code does both.
        if self.settings.mask_uncertain and not anchors_are_own:
            is_masked = torch.from_numpy(labelling.is_own[chosen]).to(x.device) & ~is_positive
        is_anchor = is_positive if anchors_are_own else ~is_positive
        views = [self.encoder.embed_view(x, self.generator) for _ in range(2)]
        roles = Roles(labels, is_anchor, is_masked)
        loss = contrastive_loss(views[0], views[1], roles, self.settings.temperature)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()
