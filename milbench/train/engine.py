"""Train runs under the sealed protocol, one or a stack of them, and return their rows.

The engine that fits sees training and validation bags; then, and only then, the test bags are
shown to the trained model, without their labels.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from milbench.bags import Context
from milbench.errors import MilbenchError, TrainingError
from milbench.seeds import seed
from milbench.train.estimator import fit_estimator
from milbench.train.fold import Fold
from milbench.train.precision import feature_type, precision_of
from milbench.train.protocol import youden_threshold
from milbench.train.resident import FoldBags, fit_scaler
from milbench.train.sequential import fit_sequential
from milbench.train.stacked import fit_stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.jobs import Run
    from milbench.records import Aggregator
    from milbench.splits import Part
    from milbench.train.fold import Fitted
    from milbench.train.resident import Resident
    from milbench.train.tune import Trial

BINARY = 2


class Outcome(NamedTuple):
    """What one run produced.

    Parameters
    ----------
    test, valid : (n, C)
        Probabilities of the test and of the validation bags, float64, in the order of the part.
    threshold
        Probability of class 1 from which a binary bag counts as positive.
    fit_seconds
        Of a stacked run its equal share of the time of the stack; of a tuned run that of all
        trials.
    trials, chosen
        What became of each trial of a tuned run, and the position of the chosen one.
    """

    test: np.ndarray
    valid: np.ndarray
    threshold: float
    fitted: Fitted
    fit_seconds: float
    predict_seconds: float
    trials: tuple[Trial, ...] = ()
    chosen: int = 0


def unsuitable(record: Aggregator, data: Resident) -> str:
    """Return why a method cannot run on a data set, or empty text when it can."""
    if data.is_image and "images" not in record.needs:
        return f"{record.name} needs feature vectors; these are images: encode them first"
    if "images" in record.needs and not data.is_image:
        return f"{record.name} trains on images; these are feature vectors"
    if "coords" in record.needs and data.coords is None:
        return f"{record.name} needs coordinates of the instances; this data set has none"
    if "levels" in record.needs:
        return f"{record.name} needs a label hierarchy; this data set has one level"
    return ""


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
    model = record.load()(data.in_dim, data.n_classes, **run.cell.args)
    return model.to(data.device) if isinstance(model, torch.nn.Module) else model


def _train_run(run: Run, record: Aggregator, data: Resident, part: Part) -> Outcome:
    started = time.perf_counter()
    model = build_model(run, record, data)
    fold = build_fold(run, model, data, part)
    fitted = (fit_estimator if hasattr(model, "fit") else fit_sequential)(model, fold)
    return outcome_of(fitted, fold, part, time.perf_counter() - started)


def outcome_of(fitted: Fitted, fold: Fold, part: Part, seconds: float) -> Outcome:
    """Show the trained model its bags; it took ``seconds`` to train."""
    trained = time.perf_counter()
    n_classes = fold.context.n_classes
    valid = predict(fitted, fold.bags, part.val, n_classes)
    test = predict(fitted, fold.bags, part.test, n_classes)
    return Outcome(
        test=test,
        valid=valid,
        threshold=_threshold(fold, valid),
        fitted=fitted,
        fit_seconds=seconds,
        predict_seconds=time.perf_counter() - trained,
    )


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
    counts = np.bincount([labels[b] for b in part.train.tolist()], minlength=data.n_classes)
    context = Context(
        n_classes=data.n_classes,
        epochs=run.cell.recipe.epochs,
        class_counts=tuple(counts.tolist()),
        seed=seed("method", *run.names),
        generator=torch.Generator(data.device).manual_seed(seed("context", *run.names)),
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


def predict(fitted: Fitted, bags: FoldBags, positions: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the probabilities of the bags at ``positions``, without showing their labels.

    Returns
    -------
    (n, C)
        Softmax of the logits, in float64.

    Raises
    ------
    TrainingError
        If logits have another shape than (C,) or are not finite.
    """
    if len(positions) == 0:
        return np.empty((0, n_classes))
    logits = [_logits(fitted, bags, bag, n_classes) for bag in positions.tolist()]
    stacked = torch.stack(logits).double()  # (n, C)
    if not bool(torch.isfinite(stacked).all()):
        raise TrainingError("a prediction is not finite; the model diverged")
    return stacked.softmax(dim=1).cpu().numpy()


def _logits(fitted: Fitted, bags: FoldBags, bag: int, n_classes: int) -> torch.Tensor:
    logits = fitted.predict(bags[bag]).logits
    if tuple(logits.shape) != (n_classes,):
        raise TrainingError(f"logits of shape {tuple(logits.shape)}, expected ({n_classes},)")
    return logits


def _threshold(fold: Fold, valid: np.ndarray) -> float:
    if fold.run.cell.threshold == "half" or valid.shape[1] != BINARY or len(valid) == 0:
        return 0.5
    labels = np.array([fold.labels[bag] for bag in fold.valid.tolist()])
    return youden_threshold(labels, valid[:, 1])
