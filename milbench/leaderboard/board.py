"""What a suite asks of its leaderboard: which data sets, which methods, which runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.levels import Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """One data set under one encoder.

    Parameters
    ----------
    primary_metric
        The metric that ranks methods here; a name of :data:`milbench.metrics.METRICS`.
    cohort
        Data sets that share patients share a cohort; the data set's own name when empty.
    group_known
        Whether the patient of a bag is really known.
    skipped_reason
        Why the last run left the data set out; empty when it did not.
    notes
        What a reader must know about how its splits were drawn.
    levels
        The coarse classes above ``classes``; None where there is one level.
    """

    name: str
    encoder: str
    primary_metric: str
    classes: tuple[str, ...]
    cohort: str = ""
    group_known: bool = True
    skipped_reason: str = ""
    notes: tuple[str, ...] = ()
    levels: Levels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """One row of the leaderboard; a control is a method that a ranking must beat.

    ``trials`` are those of a run of a tuned row; 0 for a published setting.
    """

    label: str
    control: bool = False
    trials: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs planned for one method on one data set: (repeat, fold, seed) of each.

    ``settings`` is the digest that their records carry; empty where any settings count.
    """

    dataset: str
    encoder: str
    method: str
    planned: tuple[tuple[int, int, int], ...]
    settings: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything a leaderboard depends on besides the records.

    Parameters
    ----------
    reference
        Label of the method that marks are against, declared before the run; None for no marks.
    secondary
        Metrics shown beside the primary one, without marks.
    rope
        Differences up to this size count as ties, in units of the primary metric.
    draws
        Bootstrap draws.
    splits
        The splits in words: ``5 repeats x 5 folds, grouped by patient``.
    metric
        Ranks by this metric instead of the declared primary ones. Where it is another metric,
        the table carries no test: a metric chosen after seeing the results proves nothing.
    """

    suite: str
    datasets: tuple[DatasetInfo, ...]
    methods: tuple[MethodInfo, ...]
    cells: tuple[Cell, ...]
    reference: str | None = None
    secondary: tuple[str, ...] = ("balanced-accuracy", "average-precision", "log-loss")
    alpha: float = 0.05
    rope: float = 0.01
    draws: int = 10_000
    splits: str = ""
    metric: str | None = None

    def has_settings(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record was made with the settings that its cell asks for."""
        found = (record["dataset"], record["encoder"], record["method"])
        made_with = record.get("hashes", {}).get("settings", "")
        return all(
            cell.settings in ("", made_with)
            for cell in self.cells
            if (cell.dataset, cell.encoder, cell.method) == found
        )

    def planned(self, dataset: DatasetInfo, method: str) -> frozenset[tuple[int, int, int]]:
        """Return every (repeat, fold, seed) planned for ``method`` on ``dataset``."""
        wanted = (dataset.name, dataset.encoder, method)
        return frozenset(
            run
            for cell in self.cells
            if (cell.dataset, cell.encoder, cell.method) == wanted
            for run in cell.planned
        )
