"""The bags of a data set as they are stored: without their instances, with where these lie."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from milbench.bags import BagTable

if TYPE_CHECKING:
    from milbench.bags import LabelledBag
    from milbench.features.journal import Finished


@dataclass
class Packed:
    """The bags that are stored, without their instances, and those that are left out."""

    bags: list[LabelledBag] = field(default_factory=list)  # without their arrays
    finished: list[Finished] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # the reason by id

    def add(self, bag: LabelledBag, finished: Finished) -> None:
        """Keep what belongs to ``bag``."""
        self.bags.append(bare(bag))
        self.finished.append(finished)

    def keys(self) -> dict[str, list[str]]:
        """Return what the rows of each bag follow from, and their hashes, where any is known."""
        if not any(done.key for done in self.finished):
            return {}
        return {
            "keys": [done.key for done in self.finished],
            "values": [done.values for done in self.finished],
        }

    def table(self, classes: tuple[str, ...]) -> BagTable:
        """Return the bags as a table; a bag without a patient is its own."""
        return BagTable(
            ids=tuple(bag.id for bag in self.bags),
            labels=np.array([bag.label for bag in self.bags], dtype=np.int64),
            patients=tuple(bag.patient or bag.id for bag in self.bags),
            sites=tuple(bag.site for bag in self.bags),
            parts=tuple(bag.part for bag in self.bags),
            sizes=np.array([done.rows for done in self.finished], dtype=np.int64),
            classes=classes,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays beside the features."""
        sizes = [done.rows for done in self.finished]
        arrays = {"offsets": np.cumsum([0, *sizes], dtype=np.int64)}
        coords = [done.coords for done in self.finished if done.coords is not None]
        if coords:
            arrays["coords"] = np.concatenate(coords)
        labels = [done.instance_labels for done in self.finished]
        if any(given is not None for given in labels):
            arrays["instance_labels"] = np.concatenate(
                [
                    np.full(size, -1, np.int64) if given is None else given
                    for given, size in zip(labels, sizes, strict=True)
                ]
            )
        if any(done.grid is not None for done in self.finished):
            grids = [done.grid or (0, 0) for done in self.finished]
            arrays["grids"] = np.array(grids, dtype=np.int64)
        return arrays


def bare(bag: LabelledBag) -> LabelledBag:
    """Return ``bag`` without anything that holds pixels or features."""
    return replace(
        bag,
        x=None,
        images=None,
        picture=None,
        annotations=None,
        coords=None,
        instance_labels=None,
        grid=None,
    )
