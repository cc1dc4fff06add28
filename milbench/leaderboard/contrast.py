"""The tests of one data set, and what they say about each method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from milbench.errors import StatisticsError
from milbench.leaderboard.table import Versus
from milbench.metrics.definitions import find
from milbench.seeds import seed
from milbench.stats.bootstrap import patient_bootstrap
from milbench.stats.compare import compare_drawn
from milbench.stats.ranks import rank_intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.leaderboard.board import Board
    from milbench.leaderboard.level import Level
    from milbench.metrics import Predictions
    from milbench.stats.bootstrap import Bootstrap
    from milbench.stats.compare import Comparison


@dataclass(frozen=True, slots=True)
class Contrast:
    """The complete methods of one data set against each other.

    Parameters
    ----------
    is_exploratory
        Whether another metric was declared: then nothing is tested.
    bootstraps
        The draws of each complete method.
    ranks
        Rank interval of each method; empty where nothing was tested.
    refusal
        Why nothing was tested, where a test would have been invalid; else empty.
    """

    metric: str
    is_exploratory: bool
    bootstraps: Mapping[str, Bootstrap]
    comparisons: tuple[Comparison, ...] = ()
    ranks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    refusal: str = ""

    @property
    def greater_is_better(self) -> bool:
        """Return the direction of the metric."""
        return find(self.metric).greater_is_better

    def versus(self, method: str, reference: str | None) -> Versus | None:
        """Return ``method`` minus ``reference``; None for the reference and without a test."""
        for pair in self.comparisons:
            if {pair.a, pair.b} == {method, reference}:
                return _oriented(pair, method, greater_is_better=self.greater_is_better)
        return None

    def top(self) -> frozenset[str]:
        """Return the best method and each one that is not significantly worse."""
        values = {name: drawn.estimates[name].value for name, drawn in self.bootstraps.items()}
        ranked = [name for name in values if name in self.ranks and values[name] == values[name]]
        if not ranked:
            return frozenset()
        sign = 1 if self.greater_is_better else -1
        best = max(ranked, key=lambda name: sign * values[name])
        return frozenset(ranked) - set(self._worse_than(best))

    def _worse_than(self, best: str) -> Iterator[str]:
        for pair in self.comparisons:
            if pair.mark and best in (pair.a, pair.b):
                other = pair.a if pair.b == best else pair.b
                if not _oriented(pair, other, greater_is_better=self.greater_is_better).is_better:
                    yield other


def contrast(board: Board, level: Level, complete: Mapping[str, Predictions]) -> Contrast:
    """Return the tests among the ``complete`` methods of a data set at one level.

    With a metric that was not declared, intervals are given but nothing is tested.
    """
    metric, is_exploratory = level.metric, not level.is_declared
    chance = seed("bootstrap", level.dataset.name, level.dataset.encoder, metric)
    if not complete:
        return Contrast(metric, is_exploratory, {})
    try:
        drawn = patient_bootstrap(metric, complete, draws=board.draws, seed=chance)
    except StatisticsError as error:
        alone = {
            name: patient_bootstrap(metric, {name: p}, draws=board.draws, seed=chance)
            for name, p in complete.items()
        }
        return Contrast(metric, is_exploratory, alone, refusal=f"Nothing is tested: {error}.")
    bootstraps = dict.fromkeys(complete, drawn)
    if is_exploratory:
        return Contrast(metric, is_exploratory, bootstraps)
    comparisons = compare_drawn(drawn, alpha=board.alpha)
    better = find(metric).greater_is_better
    ranks = rank_intervals(tuple(complete), comparisons, greater_is_better=better)
    return Contrast(metric, is_exploratory, bootstraps, comparisons, ranks)


def _oriented(pair: Comparison, method: str, *, greater_is_better: bool) -> Versus:
    sign = 1.0 if pair.a == method else -1.0
    low, high = sorted((sign * pair.low, sign * pair.high))
    difference = sign * pair.difference
    return Versus(
        difference=difference,
        low=low,
        high=high,
        p_patient=pair.p_patient_holm,
        p_t=pair.p_t_holm,
        mark=pair.mark,
        is_better=(difference > 0) == greater_is_better,
        detectable=pair.minimum_detectable,
        codes=tuple(sorted(pair.codes)),
    )
