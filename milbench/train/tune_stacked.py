"""Trains the trials of tuned runs side by side where they have one shape of computation.

Trials that differ in learning rate or weight decay only are replicas of one stack, of all folds
together; settings of the network or other parts of the recipe start another one.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from milbench.train.choice import portions
from milbench.train.engine import construct
from milbench.train.probe import cannot_train_stacked
from milbench.train.stacked import fit_stacked
from milbench.train.stacked_optim import kin
from milbench.train.tune import fit_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.errors import TrainingError
    from milbench.jobs import Cell
    from milbench.records import Aggregator
    from milbench.train.fold import Fitted
    from milbench.train.resident import Resident
    from milbench.train.tune import Candidate


def fit_all_stacked(
    candidates: Sequence[Candidate], record: Aggregator, data: Resident
) -> list[Fitted | TrainingError]:
    """Train every candidate; see :func:`milbench.train.tune.fit_all`.

    Parameters
    ----------
    candidates
        Trials of runs that share an order of bags.
    """
    groups: dict[Any, list[int]] = {}
    for place, candidate in enumerate(candidates):
        groups.setdefault(_kind(candidate.fold.run.cell), []).append(place)
    results: dict[int, Fitted | TrainingError] = {}
    for places in groups.values():
        found = _fit_group([candidates[place] for place in places], record, data)
        results |= dict(zip(places, found, strict=True))
    return [results[place] for place in range(len(candidates))]


def why_apart(cell: Cell, record: Aggregator, data: Resident, count: int) -> str:
    """Return why ``count`` trials like ``cell`` cannot be trained side by side, or empty text."""
    build = partial(construct, record, data, cell)
    return cannot_train_stacked(cell, build, data, count)


def _kind(cell: Cell) -> tuple[str, Any]:
    return json.dumps(cell.args, sort_keys=True, default=str), kin(cell.recipe)


def _fit_group(
    group: Sequence[Candidate], record: Aggregator, data: Resident
) -> list[Fitted | TrainingError]:
    if why_apart(group[0].fold.run.cell, record, data, len(group)):
        return fit_all(group)
    fitted: list[Fitted | TrainingError] = []
    for portion in portions(len(group)):
        chosen = group[portion]
        fitted += fit_stacked([one.model for one in chosen], [one.fold for one in chosen])
    return fitted
