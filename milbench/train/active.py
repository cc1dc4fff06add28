"""The replicas of a stack that take part in a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Active:
    """Some replicas of a stack.

    Parameters
    ----------
    places
        Ascending positions in the stack.
    index : (A,) int64
        The same, on the device.
    spans
        Neighbours in the stack of one kind as (start, stop); the spans hold all places in order.
    """

    places: tuple[int, ...]
    index: Tensor
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls, places: Sequence[int], device: torch.device, kinds: Sequence[Hashable] | None = None
    ) -> Active:
        """Return the replicas at ``places``; replica r of the stack is of kind ``kinds[r]``."""
        index = torch.tensor(places, dtype=torch.int64, device=device)
        runs = groupby(
            enumerate(places),
            lambda pair: (pair[1] - pair[0], None if kinds is None else kinds[pair[1]]),
        )
        spans = []
        for _, run in runs:
            found = [place for _, place in run]
            spans.append((found[0], found[-1] + 1))
        return cls(tuple(places), index, tuple(spans))

    @cached_property
    def sizes(self) -> list[int]:
        """Return the count of replicas in each span."""
        return [stop - start for start, stop in self.spans]

    @cached_property
    def ones(self) -> Tensor:
        """Return (A,) float32 ones: the steps that one step adds."""
        return torch.ones(len(self.places), device=self.index.device)

    def take(self, stacked: Tensor) -> Tensor:
        """Return the rows (A, ...) of ``stacked`` (R, ...): a view where they are neighbours."""
        first, last = self.places[0], self.places[-1]
        if last - first + 1 == len(self.places):
            return stacked if len(self.places) == len(stacked) else stacked[first : last + 1]
        return stacked.index_select(0, self.index)
