"""Train runs under the sealed protocol, one or a stack of them, and return their rows.

The engine that fits sees training and validation bags; then, and only then, the test bags are
shown to the trained model, without their labels.
"""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from milbench.bags import Context
from milbench.errors import MilbenchError, TrainingError
from milbench.seeds import seed
from milbench.train.answers import answer
from milbench.train.estimator import fit_estimator
from milbench.train.fold import Fold
from milbench.train.precision import feature_type, precision_of
from milbench.train.protocol import youden_threshold
from milbench.train.resident import FoldBags, fit_scaler
from milbench.train.sequential import fit_sequential
from milbench.train.stacked import fit_stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.jobs import Cell, Run
    from milbench.records import Aggregator
    from milbench.splits import Part
    from milbench.train.answers import Answers, Source
    from milbench.train.fold import Fitted
    from milbench.train.resident import Resident
    from milbench.train.tune import Trial

BINARY = 2


class Coarse(NamedTuple):
    """The coarse level of one run; see :class:`milbench.train.answers.Answers`."""

    test: np.ndarray
    valid: np.ndarray
    threshold: float
    source: Source


class Outcome(NamedTuple):
    """What one run produced.

    Parameters
    ----------
    test, valid : (n, C)
        Probabilities of the test and of the validation bags, float64, in the order of the part.
    threshold
        Probability of class 1 from which a binary bag counts as positive; one a label where bags
        may have several.
    coarse
        The coarse level of the same bags; None where the data set has one level.
    fit_seconds
        Of a stacked run its equal share of the time of the stack; of a tuned run that of all
        trials.
    trials, chosen
        What became of each trial of a tuned run, and the position of the chosen one.
    """

    test: np.ndarray
    valid: np.ndarray
    threshold: float | tuple[float, ...]
    fitted: Fitted
    fit_seconds: float
    predict_seconds: float
    trials: tuple[Trial, ...] = ()
    chosen: int = 0
    coarse: Coarse | None = None


def unsuitable(record: Aggregator, data: Resident, parents: tuple[int, ...] = ()) -> str:
    """Return why a method cannot run on a data set, or empty text when it can.

    Parameters
    ----------
    parents
        Of the data set's classes; empty where it has one level.
    """
    if data.is_image and "images" not in record.needs:
        return f"{record.name} needs feature vectors; these are images: encode them first"
    if "images" in record.needs and not data.is_image:
        return f"{record.name} trains on images; these are feature vectors"
    if "coords" in record.needs and data.coords is None:
        return f"{record.name} needs coordinates of the instances; this data set has none"
    if "levels" in record.needs and not parents:
        return f"{record.name} needs a label hierarchy; this data set has one level of classes"
    if data.is_multi_label:
        return _why_not_labels(record)
    return ""


def _why_not_labels(record: Aggregator) -> str:
    """Return why a method does not serve bags with several labels, or empty text."""
    own = [n for n in ("loss", "fit", "join") if hasattr(record.load(), n)]
    if record.multi_label is True or (record.multi_label == "auto" and not own):
        return ""
    has = f": it has {' and '.join(own)} of its own" if own else ""
    return f"{record.name} is for one class a bag{has}; these bags may have several labels"


def train_run(run: Run, record: Aggregator, data: Resident, part: Part) -> Outcome:
    """Train and test ``run``.

    Random numbers outside are left as they were; inside they follow from the run's names only.

    Raises
    ------
    TrainingError
        If the method diverges or breaks its contract.
    """
    with torch.random.fork_rng(devices=devices_of(data)):
        return _train_run(run, record, data, part)


def train_stack(
    runs: Sequence[Run], record: Aggregator, data: Resident, parts: Sequence[Part]
) -> list[Outcome | MilbenchError]:
    """Train ``runs`` of one cell that share an order of bags side by side, and test each.

    Each run has the weights to start from, the masks of dropout and the bags that it has alone.

    Returns
    -------
    list
        For each run its outcome, or the error that it alone ended with.
    """
    started = time.perf_counter()
    with torch.random.fork_rng(devices=devices_of(data)):
        models = [build_model(run, record, data) for run in runs]
        folds = _folds(runs, models[0], data, parts)
        fitted = fit_stacked(models, folds)
    seconds = (time.perf_counter() - started) / len(runs)
    return [
        _tested(one, fold, part, seconds)
        for one, fold, part in zip(fitted, folds, parts, strict=True)
    ]


def _folds(runs: Sequence[Run], model: Any, data: Resident, parts: Sequence[Part]) -> list[Fold]:
    """Return one fold a run; runs that train on the same bags share one view of them."""
    kinds = [part.train.tobytes() for part in parts]
    views = {
        kind: _bags(runs[0], model, data, part, beside=len(set(kinds)))
        for kind, part in dict(zip(kinds, parts, strict=True)).items()
    }
    return [
        build_fold(run, model, data, part, views[kind])
        for run, kind, part in zip(runs, kinds, parts, strict=True)
    ]


def _tested(
    fitted: Fitted | TrainingError, fold: Fold, part: Part, seconds: float
) -> Outcome | MilbenchError:
    if isinstance(fitted, TrainingError):
        return fitted
    try:
        return outcome_of(fitted, fold, part, seconds)
    except MilbenchError as error:
        return error


def devices_of(data: Resident) -> list[torch.device]:
    """Return the devices, beside the CPU, whose random numbers a training may use."""
    return [data.device] if data.device.type == "cuda" else []


def build_model(run: Run, record: Aggregator, data: Resident) -> Any:
    """Return the untrained model of ``run``; torch's random numbers begin anew with it."""
    torch.manual_seed(seed("train", *run.names))
    model = construct(record, data, run.cell)
    return model.to(data.device) if isinstance(model, torch.nn.Module) else model


def construct(record: Aggregator, data: Resident, cell: Cell) -> Any:
    """Return a model of the settings of ``cell``, made from torch's random numbers as they are."""
    known = {"in_dim": data.in_dim, "n_classes": data.n_classes, "parents": cell.parents}
    target = record.load()
    told = {}
    if data.is_multi_label and "multi_label" in inspect.signature(target).parameters:
        told["multi_label"] = True
    return target(*(known[name] for name in record.given), **cell.args, **told)


def _train_run(run: Run, record: Aggregator, data: Resident, part: Part) -> Outcome:
    started = time.perf_counter()
    model = build_model(run, record, data)
    fold = build_fold(run, model, data, part)
    fitted = (fit_estimator if hasattr(model, "fit") else fit_sequential)(model, fold)
    return outcome_of(fitted, fold, part, time.perf_counter() - started)


def outcome_of(fitted: Fitted, fold: Fold, part: Part, seconds: float) -> Outcome:
    """Show the trained model its bags; it took ``seconds`` to train."""
    trained = time.perf_counter()
    valid = answer(fitted, fold.bags, part.val, fold.context)
    test = answer(fitted, fold.bags, part.test, fold.context)
    predicted = time.perf_counter()
    labels = np.array([fold.labels[bag] for bag in part.val.tolist()], dtype=np.int64)  # (n,)
    return Outcome(
        test=test.fine,
        valid=valid.fine,
        threshold=_thresholds(fold, labels, valid.fine),
        fitted=fitted,
        fit_seconds=seconds,
        predict_seconds=predicted - trained,
        coarse=_coarse(fold, labels, valid, test),
    )


def _coarse(fold: Fold, labels: np.ndarray, valid: Answers, test: Answers) -> Coarse | None:
    """Return the coarse level; ``labels`` (n,) are the classes of the validation bags."""
    if valid.coarse is None or test.coarse is None:
        return None
    parents = np.array(fold.context.parents)[labels]
    threshold = _threshold(fold, parents, valid.coarse)
    return Coarse(test.coarse, valid.coarse, threshold, test.source)


def _bags(run: Run, model: Any, data: Resident, part: Part, beside: int = 1) -> FoldBags:
    standardise = run.cell.standardise and not data.is_image
    scaler = fit_scaler(data, part.train) if standardise else None
    dtype = feature_type(precision_of(model, run.cell.precision))
    return FoldBags(data, scaler, getattr(model, "prepare", None), beside, dtype=dtype)


def build_fold(
    run: Run, model: Any, data: Resident, part: Part, bags: FoldBags | None = None
) -> Fold:
    """Return the training side of ``run``.

    Parameters
    ----------
    bags
        The bags as this fold sees them, where they are ready; else they are standardised anew.
    """
    if bags is None:
        bags = _bags(run, model, data, part)
    labels = {b: data.labels[b] for b in (*part.train.tolist(), *part.val.tolist())}
    counts = _counts([labels[b] for b in part.train.tolist()], data)
    context = Context(
        n_classes=data.n_classes,
        epochs=run.cell.recipe.epochs,
        class_counts=counts,
        seed=seed("method", *run.names),
        generator=torch.Generator(data.device).manual_seed(seed("context", *run.names)),
        parents=run.cell.parents,
        is_multi_label=data.is_multi_label,
    )
    return Fold(
        run=run,
        bags=bags,
        train=part.train,
        valid=part.val,
        labels=labels,
        n_bags=len(data.labels),
        context=context,
        matmul=data.matmul,
    )


def _counts(labels: Sequence[Any], data: Resident) -> tuple[int, ...]:
    """Return how many of the bags are of each class, or have each label."""
    if data.is_multi_label:
        return tuple(map(sum, zip(*labels, strict=True)))
    return tuple(np.bincount(labels, minlength=data.n_classes).tolist())


def _thresholds(fold: Fold, labels: np.ndarray, valid: np.ndarray) -> float | tuple[float, ...]:
    """Return the threshold of two classes, or of each label from labels (n, L)."""
    if not fold.context.is_multi_label:
        return _threshold(fold, labels, valid)
    if fold.run.cell.threshold == "half" or len(valid) == 0:
        return (0.5,) * fold.context.n_classes
    return tuple(youden_threshold(*pair) for pair in zip(labels.T, valid.T, strict=True))


def _threshold(fold: Fold, labels: np.ndarray, valid: np.ndarray) -> float:
    if fold.run.cell.threshold == "half" or valid.shape[1] != BINARY or len(valid) == 0:
        return 0.5
    return youden_threshold(labels, valid[:, 1])
