"""The value in the table: how folds, seeds and repeats become one number.

Scores of different models are not on one scale, so a ranking metric is computed in each fold and
averaged (Forman and Scholz 2010). Decisions, proper scores and calibration are computed on all
test bags of a repeat, because their mean over small folds is biased or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.metrics.catalogue import Value, evaluate, evaluate_each
from milbench.metrics.definitions import find
from milbench.metrics.rows import Floats, ratio
from milbench.stats.design import Run, design_of, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.metrics import Predictions
    from milbench.stats.design import Design

# Groups are scored together, each a column of zeros and ones, up to a table of so many entries:
# then the arithmetic takes about as long as the calls that are saved.
TABLE: Final = 20_000


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """A metric of one method on one data set.

    Parameters
    ----------
    value
        Mean over repeats of the mean over seeds (of the mean over folds, for ranking metrics).
        NaN where a part is undefined; ``codes`` says why.
    sd
        Standard deviation between repeats; between folds when there is one repeat only; NaN when
        there is one fold too. It describes spread and is no standard error of ``value``.
    per_class : (C,)
        The same mean for each class against the rest; empty for metrics without.
    folds : (repeats, folds)
        Value of each fold, averaged over seeds; NaN where absent. The corrected t-test reads it,
        for count metrics too.
    per_repeat : (repeats,)
        Value of each repeat, averaged over seeds.
    per_seed : (repeats, seeds)
        Value of each repeat and seed; NaN where absent.
    n_clipped
        Rows whose log loss was cut off; 0 for other metrics.
    """

    metric: str
    value: float
    sd: float
    per_class: tuple[float, ...]
    folds: Floats
    per_repeat: Floats
    per_seed: Floats
    codes: frozenset[str]
    n_patients: int
    n_bags: int
    n_clipped: int = 0


def estimate(metric: str, predictions: Predictions, design: Design | None = None) -> Estimate:
    """Return a metric of one method with its spread.

    Parameters
    ----------
    design
        That of the predictions, where it is known already.

    Raises
    ------
    ScoreError
        If there is no such metric.
    """
    runs = runs_of(predictions)
    by_fold = _evaluated(metric, predictions, runs)
    groups = groups_of(metric, runs)
    by_group = by_fold if len(groups) == len(runs) else _evaluated(metric, predictions, groups)
    grid = _Grid.of(groups, [value.value for value in by_group])
    per_repeat = grid.mean("fold").mean("seed").values[:, 0, 0]  # (repeats,)
    folds = _Grid.of(runs, [value.value for value in by_fold]).mean("seed").values[:, :, 0]
    return Estimate(
        metric=metric,
        value=float(per_repeat.mean()),
        sd=_spread(per_repeat, folds),
        per_class=_per_class(groups, by_group),
        folds=folds,
        per_repeat=per_repeat,
        per_seed=grid.mean("fold").values[:, 0, :],
        codes=(design or design_of(predictions)).codes.union(
            *(value.codes for value in by_group), _score_codes(metric, predictions)
        ),
        n_patients=len(np.unique(predictions.patient)),
        n_bags=len(np.unique(predictions.bag)),
        n_clipped=sum(value.clipped for value in by_group),
    )


def groups_of(metric: str, runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return the sets of rows that a metric is computed on: runs, or all folds of a seed."""
    if find(metric).kind == "ranking":
        return tuple(runs)
    together: dict[tuple[int, int], list[Run]] = {}
    for run in runs:
        together.setdefault((run.repeat, run.seed), []).append(run)
    return tuple(
        Run(repeat, 0, seed, np.concatenate([run.positions for run in parts]))
        for (repeat, seed), parts in together.items()
    )


def shares_of(groups: Sequence[Run]) -> Floats:
    """Return how much each group counts in the value, (G,); the shares sum to 1."""
    present = _Grid.of(groups, [1.0] * len(groups)).present  # (R, F, S)
    folds = present.sum(axis=1, keepdims=True)  # (R, 1, S)
    seeds = (folds > 0).sum(axis=2, keepdims=True)  # (R, 1, 1)
    return np.array(
        [1.0 / (len(present) * seeds[g.repeat, 0, 0] * folds[g.repeat, 0, g.seed]) for g in groups]
    )


class _Grid(NamedTuple):
    """Values by repeat, fold and seed, each (R, F, S), and which of them there are."""

    values: Floats
    present: np.ndarray

    @classmethod
    def of(cls, groups: Sequence[Run], values: Sequence[float]) -> _Grid:
        keys = np.array([(g.repeat, g.fold, g.seed) for g in groups])  # (G, 3)
        filled = np.full(keys.max(axis=0) + 1, np.nan)
        present = np.zeros(filled.shape, dtype=bool)
        filled[tuple(keys.T)] = values
        present[tuple(keys.T)] = True
        return cls(filled, present)

    def mean(self, over: str) -> _Grid:
        """Average what is there; an undefined value that is there makes the mean undefined."""
        axis = ("repeat", "fold", "seed").index(over)
        total = np.where(self.present, self.values, 0.0).sum(axis=axis, keepdims=True)
        count = self.present.sum(axis=axis, keepdims=True)
        return _Grid(ratio(total, count.astype(float)), count > 0)


def _evaluated(metric: str, predictions: Predictions, groups: Sequence[Run]) -> list[Value]:
    if predictions.is_probability:
        return [v for some in _bundles(groups) for v in _together(metric, predictions, some)]
    return [
        evaluate(
            metric,
            predictions.label[group.positions],
            predictions.score[group.positions],
            threshold=predictions.threshold[group.positions],
        )
        for group in groups
    ]


def _bundles(groups: Sequence[Run]) -> Iterator[list[Run]]:
    """Yield the groups in their order, as many at a time as fit a table."""
    bundle: list[Run] = []
    rows = 0
    for group in groups:
        if bundle and (rows + len(group.positions)) * (len(bundle) + 1) > TABLE:
            yield bundle
            bundle, rows = [], 0
        bundle.append(group)
        rows += len(group.positions)
    yield bundle


def _together(metric: str, predictions: Predictions, groups: Sequence[Run]) -> list[Value]:
    positions = np.concatenate([group.positions for group in groups])
    sizes = [len(group.positions) for group in groups]
    members = np.repeat(np.eye(len(groups)), sizes, axis=0)  # (N, G)
    return evaluate_each(metric, predictions.rows(positions), members)


def _per_class(groups: Sequence[Run], values: Sequence[Value]) -> tuple[float, ...]:
    columns = zip(*(value.per_class for value in values), strict=True)
    shares = shares_of(groups)
    return tuple(float(shares @ np.array(column)) for column in columns)


def _spread(per_repeat: Floats, folds: Floats) -> float:
    parts = per_repeat if len(per_repeat) > 1 else folds[0]
    return float(parts.std(ddof=1)) if len(parts) > 1 else float("nan")


def _score_codes(metric: str, predictions: Predictions) -> frozenset[str]:
    needs_probability = find(metric).kind != "ranking"
    broken = needs_probability and not predictions.is_probability
    return frozenset({"NONPROBABILITY"} if broken else ())
