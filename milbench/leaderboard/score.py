"""The metrics of one method on one data set, as the table shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from milbench.leaderboard.table import Score
from milbench.metrics.definitions import find
from milbench.stats.design import design_of
from milbench.stats.estimate import estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.metrics import Predictions
    from milbench.stats.bootstrap import Bootstrap
    from milbench.stats.estimate import Estimate

# Also computed where a suite does not ask for them: the tables per class show them.
CLASSWISE = ("auroc", "sensitivity")


ROUNDING = 1e-12  # repeats that are equal but for rounding do not vary


def metrics_of(
    primary: str, secondary: Sequence[str], published: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the metrics to compute, each once, the primary one first, ``published`` ones last."""
    return tuple(dict.fromkeys((primary, *secondary, *CLASSWISE, *published)))


def scores_of(
    metrics: Sequence[str], predictions: Predictions | None, bootstrap: Bootstrap | None, name: str
) -> tuple[Score, ...]:
    """Return one score a metric; the first, primary one has its interval from ``bootstrap``.

    Parameters
    ----------
    predictions
        None where no run is finished: then every value is NaN.
    bootstrap
        None for an incomplete method, which has no interval.
    name
        The method's name in ``bootstrap``.
    """
    if predictions is None:
        return tuple(_nothing(metric) for metric in metrics)
    primary, *others = metrics
    design = design_of(predictions)
    if bootstrap is None:
        first = _score(estimate(primary, predictions, design), predictions)
    else:
        low, high = bootstrap.interval(name)
        found = _score(bootstrap.estimates[name], predictions)
        codes = tuple(sorted(bootstrap.codes_of(name)))
        first = replace(found, low=low, high=high, codes=codes)
    rest = (estimate(metric, predictions, design) for metric in others)
    return (first, *(_score(found, predictions) for found in rest))


def _score(found: Estimate, predictions: Predictions) -> Score:
    metric = find(found.metric)
    return Score(
        metric=metric.name,
        title=metric.title,
        greater_is_better=metric.greater_is_better,
        value=found.value,
        sd=0.0 if found.sd < ROUNDING else found.sd,
        per_class=found.per_class,
        folds=tuple(_folds(found, predictions)),
        codes=tuple(sorted(found.codes)),
    )


def _folds(found: Estimate, predictions: Predictions) -> Iterator[tuple[int, int, float]]:
    """Yield repeat, fold and value under the numbers that the runs have in the suite."""
    folds: dict[int, set[int]] = {}
    for repeat, fold, _, _ in predictions.runs():
        folds.setdefault(repeat, set()).add(fold)
    for row, repeat in enumerate(sorted(folds)):
        for column, fold in enumerate(sorted(folds[repeat])):
            yield repeat, fold, float(found.folds[row, column])


def _nothing(name: str) -> Score:
    metric = find(name)
    return Score(
        metric=name,
        title=metric.title,
        greater_is_better=metric.greater_is_better,
        value=float("nan"),
        sd=float("nan"),
    )
