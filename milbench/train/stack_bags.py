"""The bags of a stack: one for all replicas, or one scaled for each fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from milbench.bags import Bag
from milbench.train.resident import EAGER_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.train.active import Active
    from milbench.train.resident import FoldBags


class StackBags:
    """The bags as the replicas of a stack see them.

    Parameters
    ----------
    bags
        One a replica; replicas that share the object share its scaling.
    """

    def __init__(self, bags: Sequence[FoldBags]) -> None:
        self._distinct = list(dict.fromkeys(bags))
        self._of = np.array([self._distinct.index(mine) for mine in bags])
        self._ready: dict[int, Bag] = {}
        self._taken: dict[tuple[int, ...], torch.Tensor] = {}
        self._keep = len(self._distinct) * self._distinct[0].nbytes <= EAGER_BYTES

    @property
    def are_own(self) -> bool:
        """Return whether replicas see instances of their own: (A, N, D) instead of (N, D)."""
        return len(self._distinct) > 1 or self._distinct[0].scaler is not None

    def of(self, bag: int, active: Active) -> Bag:
        """Return bag ``bag`` for the replicas ``active``."""
        ready = self._all(bag)
        if not self.are_own:
            return ready
        index = self._taken.get(active.places)
        if index is None:
            index = torch.from_numpy(self._of[list(active.places)]).to(ready.x.device)
            self._taken[active.places] = index
        return Bag(ready.x.index_select(0, index), ready.coords)

    def keep(self, active: Active) -> None:
        """Go on with the replicas ``active`` only."""
        self._of = self._of[list(active.places)]
        self._taken = {}

    def _all(self, bag: int) -> Bag:
        """Return the bag in every scaling: (K, N, D)."""
        if bag in self._ready:
            return self._ready[bag]
        found = [mine[bag] for mine in self._distinct]
        made = Bag(torch.stack([one.x for one in found]), found[0].coords)
        made = made if self.are_own else found[0]
        if self._keep:
            self._ready[bag] = made
        return made
