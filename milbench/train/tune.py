"""Tuning inside the fold: a run tries every trial and keeps the one that validates best.

Nested by construction: a trial is trained and judged on the training and the inner validation
bags of its run, and the test bags are shown to the chosen model alone. All trials of a run start
from the same random numbers, so equal shapes have equal weights, and meet the bags in one order
with the same masks of dropout.
"""

from __future__ import annotations

import inspect
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch

from milbench.errors import MilbenchError, TrainingError
from milbench.search import RECIPE_FIELDS
from milbench.train.engine import build_fold, build_model, devices_of, outcome_of
from milbench.train.sequential import fit_sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from milbench.jobs import Cell, Run
    from milbench.records import Aggregator
    from milbench.splits import Part
    from milbench.train.engine import Outcome
    from milbench.train.fold import Fitted, Fold
    from milbench.train.resident import FoldBags, Resident

    Fit = Callable[[Sequence["Candidate"]], list[Fitted | TrainingError]]


class Trial(NamedTuple):
    """What became of one trial, as a record holds it.

    Parameters
    ----------
    settings
        Value by key of the search space.
    reason
        Why the trial failed, such as a loss that is not finite; else empty.
    validation_loss, epochs
        Of the weights it kept, and epochs run; None and 0 where it failed.
    """

    settings: dict[str, Any]
    status: Literal["done", "failed"]
    reason: str
    validation_loss: float | None
    epochs: int


class Candidate(NamedTuple):
    """An untrained model of one trial of one run, with all that its training follows from.

    Parameters
    ----------
    streams
        State of torch's random numbers on each device after the model was built: a method that
        draws from them trains as it would alone.
    """

    model: Any
    fold: Fold
    streams: dict[torch.device, Tensor]


def tune_run(run: Run, record: Aggregator, data: Resident, part: Part) -> Outcome:
    """Train all trials of ``run`` and test the one with the lowest validation loss.

    Random numbers outside are left as they were; inside they follow from the run's names only.

    Raises
    ------
    TrainingError
        If all trials fail, or there are no validation bags to choose on.
    """
    (outcome,) = tune_runs([run], record, data, [part])
    if isinstance(outcome, MilbenchError):
        raise outcome
    return outcome


def tune_runs(
    runs: Sequence[Run],
    record: Aggregator,
    data: Resident,
    parts: Sequence[Part],
    fit: Fit | None = None,
) -> list[Outcome | MilbenchError]:
    """Train all trials of ``runs``, which are of one tuned cell, and test the best of each run.

    Parameters
    ----------
    fit
        Trains the candidates; one after the other if None.

    Returns
    -------
    list
        For each run its outcome, or the error that it alone ended with.

    Raises
    ------
    TrainingError
        If a run has no validation bags to choose on.
    """
    if not all(len(part.val) for part in parts):
        raise TrainingError(
            "no validation bags to choose a trial on; set splits.validation above 0, or "
            "tune = { trials = 0 }"
        )
    started = time.perf_counter()
    shown = settings_of(runs[0].cell, record)
    with torch.random.fork_rng(devices=devices_of(data)):
        trials = [_candidates(*each, record, data) for each in zip(runs, parts, strict=True)]
        fitted = iter((fit or fit_all)([candidate for of_run in trials for candidate in of_run]))
        results = [[next(fitted) for _ in of_run] for of_run in trials]
        seconds = (time.perf_counter() - started) / len(runs)
        return [
            _tested(of_run, fits, shown, (part, seconds))
            for of_run, fits, part in zip(trials, results, parts, strict=True)
        ]


def settings_of(cell: Cell, record: Aggregator) -> list[dict[str, Any]]:
    """Return the settings of each trial of ``cell``, those of the published one spelt out."""
    parameters = inspect.signature(record.load()).parameters
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    keys = cell.tuning.space if cell.tuning is not None else ()
    return [
        {
            key: getattr(trial.recipe, key)
            if key in RECIPE_FIELDS
            else trial.args.get(key, defaults.get(key))
            for key in keys
        }
        for trial in cell.trials()
    ]


def _candidates(run: Run, part: Part, record: Aggregator, data: Resident) -> list[Candidate]:
    """Return the trials of ``run``, all on the same bags."""
    made: list[Candidate] = []
    for cell in run.cell.trials():
        with _named(cell):
            trial = replace(run, cell=cell)
            model = build_model(trial, record, data)
            streams = _streams(data)
            bags = _shared(made[0], cell, model) if made else None
            made.append(Candidate(model, build_fold(trial, model, data, part, bags), streams))
    return made


def _shared(first: Candidate, cell: Cell, model: Any) -> FoldBags:
    """Return the bags of the first trial, prepared again where settings may change the work."""
    prepare = getattr(model, "prepare", None)
    if prepare is None or cell.args == first.fold.run.cell.args:
        return first.fold.bags
    return first.fold.bags.preparing(prepare)


def fit_all(candidates: Sequence[Candidate]) -> list[Fitted | TrainingError]:
    """Train every candidate and return it, or the error of one that failed.

    A candidate ends as it would alone, whoever else is trained with it.
    """
    return [_fitted(candidate) for candidate in candidates]


def _fitted(candidate: Candidate) -> Fitted | TrainingError:
    _restore(candidate.streams)
    try:
        with _named(candidate.fold.run.cell):
            return fit_sequential(candidate.model, candidate.fold)
    except TrainingError as error:
        return error


def choose(fitted: Sequence[Fitted | TrainingError]) -> int:
    """Return the position of the lowest validation loss, the first of equal ones.

    Raises
    ------
    TrainingError
        If all failed, with the reason of each.
    """
    losses = {
        number: fit.validation_loss
        for number, fit in enumerate(fitted)
        if not isinstance(fit, TrainingError) and fit.validation_loss is not None
    }
    if not losses:
        reasons = "\n".join(f"trial {number}: {error}" for number, error in enumerate(fitted))
        raise TrainingError(f"all {len(fitted)} trials failed; {reasons}")
    return min(losses, key=losses.__getitem__)


def _tested(
    candidates: Sequence[Candidate],
    fitted: Sequence[Fitted | TrainingError],
    shown: Sequence[dict[str, Any]],
    how: tuple[Part, float],
) -> Outcome | MilbenchError:
    """Choose, and show the test bags to the chosen model; ``how`` is the part and the seconds."""
    part, seconds = how
    try:
        chosen = choose(fitted)
        best = fitted[chosen]
        if isinstance(best, TrainingError):
            return best
        outcome = outcome_of(best, candidates[chosen].fold, part, seconds)
    except MilbenchError as error:
        return error
    trials = tuple(_trial(*pair) for pair in zip(shown, fitted, strict=True))
    return outcome._replace(trials=trials, chosen=chosen)


def _trial(settings: dict[str, Any], fit: Fitted | TrainingError) -> Trial:
    if isinstance(fit, TrainingError):
        return Trial(settings, "failed", str(fit), None, 0)
    return Trial(settings, "done", "", fit.validation_loss, fit.epochs)


@contextmanager
def _named(cell: Cell) -> Iterator[None]:
    """Say in the traceback of an error which trial it is of."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the trial with {cell.args} and {cell.recipe}")
        raise


def _streams(data: Resident) -> dict[torch.device, Tensor]:
    cuda = {device: torch.cuda.get_rng_state(device) for device in devices_of(data)}
    return {torch.device("cpu"): torch.get_rng_state()} | cuda


def _restore(streams: dict[torch.device, Tensor]) -> None:
    for device, state in streams.items():
        if device.type == "cpu":
            torch.set_rng_state(state)
        else:
            torch.cuda.set_rng_state(state, device)
