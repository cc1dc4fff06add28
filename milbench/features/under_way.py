"""Bags that are read and not stored yet, and the batches that their tiles fill together."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from milbench.bags import LabelledBag
    from milbench.features.journal import Finished
    from milbench.pictures import Pixels, Regions


@dataclass(eq=False)
class UnderWay:
    """A bag from its listing to the moment when all its rows are written, or it is left out.

    Parameters
    ----------
    bag
        As the data set gives it; without what holds pixels once these are known.
    instances
        What is to be encoded, until it is read.
    count, come
        Instances, and those of them that the encoder gave rows for.
    beside
        What is kept beside the rows.
    finished
        What is stored of it, when it is.
    reason
        Why it is left out.
    held
        The right to encode it, while it is encoded.
    """

    bag: LabelledBag
    instances: np.ndarray | Regions | None = None
    count: int = 0
    come: int = 0
    beside: Finished | None = None
    finished: Finished | None = None
    reason: str = ""
    held: ExitStack = field(default_factory=ExitStack)
    is_told: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether nothing more is done for it."""
        return self.finished is not None or bool(self.reason)


class Batch(NamedTuple):
    """Tiles (n, C, H, W), and the bags that they are of in this order, each with its number."""

    tiles: Pixels
    parts: list[tuple[UnderWay, int]]


class Joiner:
    """Fill batches with the tiles of one bag after the other.

    Parameters
    ----------
    rows
        Tiles of a batch; None where each block is one.
    """

    def __init__(self, rows: int | None) -> None:
        self._rows = rows
        self._tiles: list[Pixels] = []
        self._parts: list[tuple[UnderWay, int]] = []

    @property
    def missing(self) -> int | None:
        """Return how many tiles complete the batch that is begun; None where none is."""
        if self._rows is None or not self._parts:
            return None
        return self._rows - sum(count for _, count in self._parts)

    def add(self, one: UnderWay, tiles: Pixels) -> Batch | None:
        """Take in tiles of a bag, no more than are missing; return the batch when it is full."""
        if self._rows is None or (not self._parts and len(tiles) == self._rows):
            return Batch(tiles, [(one, len(tiles))])
        self._tiles.append(tiles.copy())  # a view would keep the whole bag in the memory
        self._parts.append((one, len(tiles)))
        return self.rest() if self.missing == 0 else None

    def rest(self) -> Batch | None:
        """Return what there is of a batch, or None, and begin the next."""
        if not self._parts:
            return None
        tiles = self._tiles[0] if len(self._tiles) == 1 else np.concatenate(self._tiles)
        batch = Batch(tiles, self._parts)
        self._tiles, self._parts = [], []
        return batch
