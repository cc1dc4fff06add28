"""How a feature store is built, and what is told while it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from milbench.bags import LabelledBag
    from milbench.features.shared import Shared


class Step(NamedTuple):
    """How far the features of a data set are.

    Parameters
    ----------
    dataset, bag
        Names.
    number, of
        Bags that are finished, and bags in all; None where only the reader of the data set knows.
    tiles, of_tiles
        Instances of the bag that are encoded, and that it has.
    is_taken
        Whether they were encoded before, for another data set or version.
    """

    dataset: str
    bag: str
    number: int
    of: int | None
    tiles: int
    of_tiles: int
    is_taken: bool = False


@dataclass(frozen=True, kw_only=True)
class Build:
    """How a store is built; nothing here changes what it holds.

    Parameters
    ----------
    cut
        Replaces the picture of a bag by its instances; None where bags bring these.
    journal
        Folder that keeps what is finished until the store is written; None for nothing kept.
    shared
        Where rows may be taken from that were encoded before; None for nowhere.
    observe
        Called at the start of each bag and after each block of it.
    """

    cut: Callable[[LabelledBag], LabelledBag] | None = None
    journal: Path | None = None
    shared: Shared | None = None
    observe: Callable[[Step], None] | None = None
