"""Which levels of its classes a data set is shown at, and what is told of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.metrics import LEVEL_METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.leaderboard.board import Board, DatasetInfo
    from milbench.leaderboard.select import Found
    from milbench.metrics import Predictions


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the classes of a data set: the whole of it where it has no tree.

    Parameters
    ----------
    name
        Of a coarse level; empty for the data set's own classes.
    metric
        Orders the methods.
    secondary
        Metrics shown beside it.
    is_declared
        Whether ``metric`` is what the data set declares for this level: only then are there tests.
    reference
        Label of the method that marks are against; None for no marks.
    published
        Metrics that others have published here: computed, without a column.
    """

    dataset: DatasetInfo
    name: str
    metric: str
    secondary: tuple[str, ...]
    is_declared: bool
    reference: str | None = None
    published: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes of this level."""
        levels = self.dataset.levels
        return levels.coarse if self.name and levels is not None else self.dataset.classes

    def predictions(self, found: Found) -> Predictions | None:
        """Return the test rows of a method at this level; None where no run is finished."""
        return found.coarse(self.dataset) if self.name else found.predictions(self.dataset)

    def source(self, found: Found) -> str:
        """Return where a method's coarse probabilities come from; empty at the fine level."""
        return found.source if self.name else ""

    def tree(self, own: Sequence[str]) -> str:
        """Return the tree in words, and which methods, ``own``, have a coarse head of their own."""
        levels = self.dataset.levels
        if not self.name or levels is None:
            return ""
        heads = f"of {', '.join(own)} from a head of its own, " if own else ""
        others = "of the others" if own else "of all methods"
        return (
            f"{levels.in_words(self.dataset.classes)} Coarse probabilities: {heads}{others} the "
            "sum of those of the classes below."
        )


def levels_of(board: Board, dataset: DatasetInfo) -> tuple[Level, ...]:
    """Return the levels of ``dataset``: its own classes first, which rank the methods."""
    metric = board.metric or dataset.primary_metric
    secondary = tuple(name for name in dict.fromkeys(board.secondary) if name != metric)
    is_declared = metric == dataset.primary_metric
    reference = board.reference if is_declared else None
    published = tuple(dict.fromkeys(entry.metric for entry in board.published_on(dataset)))
    fine = Level(dataset, "", metric, secondary, is_declared, reference, published)
    if dataset.levels is None:
        return (fine,)
    both = (*secondary, *LEVEL_METRICS)
    return fine, Level(dataset, dataset.levels.names[0], metric, both, is_declared=False)
