"""The training bags of one fold as a long list of instances, and what is believed of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from milbench import MilbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from milbench import Example

NO_STREAM = -1


class TrainingBags:
    """Instances of the training bags by position, one bag after the other.

    Parameters
    ----------
    train
        The training bags of a fold; no other bag is ever shown to the contrastive step.
    n_classes
        C.
    negative
        Whether the first of two classes has no stream.

    Raises
    ------
    MilbenchError
        If the bags are of a single class.
    """

    def __init__(self, train: Sequence[Example], n_classes: int, *, negative: bool) -> None:
        self.bags = [example.bag for example in train]
        self.labels = [example.label for example in train]
        if len(set(self.labels)) < 2:  # noqa: PLR2004  # nothing to tell apart
            raise MilbenchError(
                f"all {len(train)} training bags have the class {sorted(set(self.labels))}; "
                "expected two classes or more: draw other splits"
            )
        self.counts = tuple(np.bincount(self.labels, minlength=n_classes).tolist())
        self.sizes = [len(bag) for bag in self.bags]
        self._starts = np.cumsum([0, *self.sizes])
        first = 1 if negative and n_classes == 2 else 0  # noqa: PLR2004  # binary
        self.n_streams = n_classes - first
        # The stream of each instance's bag, NO_STREAM for the negative class.
        self.streams = np.repeat(np.array(self.labels) - first, self.sizes)  # (N,)

    def rows(self, positions: NDArray[np.int64]) -> Tensor:
        """Return instances by their positions, (B, ...)."""
        bags = np.searchsorted(self._starts, positions, side="right") - 1
        places = positions - self._starts[bags]
        pairs = zip(bags.tolist(), places.tolist(), strict=True)
        return torch.stack([self.bags[bag].x[place] for bag, place in pairs])

    def spread(self) -> Tensor:
        """Return the standard deviation of each feature over all instances, (D,)."""
        return torch.cat([bag.x for bag in self.bags]).std(dim=0, correction=0)


class Beliefs(NamedTuple):
    """What the last network of bags says of each training instance.

    Parameters
    ----------
    scores : (N, S) float64
        Pseudo probabilities, one a stream.
    is_refreshed
        Whether they come from refined features.
    """

    scores: NDArray[np.float64]
    is_refreshed: bool
