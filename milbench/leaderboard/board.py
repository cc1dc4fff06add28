"""What a suite asks of its leaderboard: which data sets, which methods, which runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from milbench.view import ViewName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.levels import Levels
    from milbench.published import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """One data set in one view.

    Parameters
    ----------
    encoder
        The encoder, behind the tiler where there is one: ``pixels``, ``grid(px=28) > pixels``.
    primary_metric
        The metric that ranks methods here; a name of :data:`milbench.metrics.METRICS`.
    cohort
        Data sets that share patients share a cohort; the data set's own name when empty.
    group_known
        Whether the patient of a bag is really known.
    skipped_reason
        Why the last run left the data set out; empty when it did not.
    is_leaking
        Whether its splits put a patient into two parts of a fold.
    notes
        What a reader must know about how its splits were drawn.
    levels
        The coarse classes above ``classes``; None where there is one level.
    patient_rule
        How the bags of a patient are scored as one; each by itself when empty. See
        :func:`milbench.metrics.patient_level.by_patient`.
    """

    name: str
    encoder: str
    primary_metric: str
    classes: tuple[str, ...]
    cohort: str = ""
    group_known: bool = True
    skipped_reason: str = ""
    is_leaking: bool = False
    notes: tuple[str, ...] = ()
    levels: Levels | None = None
    patient_rule: Literal["", "max", "mean"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """One row of the leaderboard; a control is a method that a ranking must beat.

    ``trials`` are those of a run of a tuned row; 0 for a published setting.
    """

    label: str
    control: bool = False
    trials: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The design of a suite, as its report describes it.

    Parameters
    ----------
    scheme, repeats, folds, seeds, validation, group
        Of the splits, as the suite file has them; ``repeats`` are those that are shown.
    standardise, threshold
        Of the protocol.
    """

    scheme: str
    repeats: int
    folds: int
    seeds: int
    validation: float
    standardise: bool
    threshold: str
    group: str = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to cite for one thing that a suite uses.

    Parameters
    ----------
    kind
        ``method``, ``dataset``, ``encoder`` or ``tiler``.
    name
        Of the record: a row with a label of its own is cited by its aggregator.
    used_by
        Rows of a method; data sets, with their view, of the others.
    paper
        The citation as the record has it; ``-`` for none.
    """

    kind: str
    name: str
    used_by: tuple[str, ...]
    paper: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs planned for one method on one data set: (repeat, fold, seed) of each.

    ``settings`` is the digest that their records carry; empty where any settings count. ``view``
    is that of the method where it has one of its own; empty where it has that of the data set.
    ``seen`` says which training data of the encoder hold the data set's cohort; empty for none.
    """

    dataset: str
    encoder: str
    method: str
    planned: tuple[tuple[int, int, int], ...]
    settings: str = ""
    view: str = ""
    seen: str = ""


def view_in(record: Mapping[str, Any]) -> str:
    """Return the view that a run was made in, as a board names it."""
    return str(ViewName(record.get("tiler", ""), record["encoder"]))


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
        The splits in words: ``5 repeats x 5 folds, by patient``.
    metric
        Ranks by this metric instead of the declared primary ones. Where it is another metric,
        the table carries no test: a metric chosen after seeing the results proves nothing.
    study
        The same with the protocol, as facts; None where they are not known.
    works
        What there is to cite for the methods, data sets, tilers and encoders of the suite.
    published
        Numbers of others, shown beside those of the same method on the same data set.
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
    study: Study | None = None
    works: tuple[Work, ...] = ()
    published: tuple[Published, ...] = ()

    def published_on(self, dataset: DatasetInfo) -> tuple[Published, ...]:
        """Return the numbers of others on a data set, of methods that the suite has."""
        methods = {method.label for method in self.methods}
        return tuple(
            entry
            for entry in self.published
            if entry.dataset == dataset.name and entry.method in methods
        )

    def has_settings(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record was made with the settings that its cell asks for."""
        found = (record["dataset"], view_in(record), record["method"])
        made_with = record.get("hashes", {}).get("settings", "")
        return all(
            cell.settings in ("", made_with)
            for cell in self.cells
            if (cell.dataset, cell.view or cell.encoder, cell.method) == found
        )

    def own_views(self, dataset: DatasetInfo) -> dict[str, str]:
        """Return the view of each method that sees ``dataset`` in one of its own."""
        wanted = (dataset.name, dataset.encoder)
        own = (cell for cell in self.cells if (cell.dataset, cell.encoder) == wanted)
        return {cell.method: cell.view for cell in own if cell.view not in ("", dataset.encoder)}

    def seen_before(self, dataset: DatasetInfo) -> dict[str, tuple[str, str]]:
        """Return the encoder and its corpus for each method whose encoder has seen the cohort."""
        wanted = (dataset.name, dataset.encoder)
        cells = (cell for cell in self.cells if (cell.dataset, cell.encoder) == wanted)
        return {cell.method: (cell.view or cell.encoder, cell.seen) for cell in cells if cell.seen}

    def planned(self, dataset: DatasetInfo, method: str) -> frozenset[tuple[int, int, int]]:
        """Return every (repeat, fold, seed) planned for ``method`` on ``dataset``."""
        wanted = (dataset.name, dataset.encoder, method)
        return frozenset(
            run
            for cell in self.cells
            if (cell.dataset, cell.encoder, cell.method) == wanted
            for run in cell.planned
        )
