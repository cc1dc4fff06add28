"""Train one run under the sealed protocol and return its rows.

The engine that fits sees training and validation bags; then, and only then, the test bags are
shown to the trained model, without their labels.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from milbench.bags import Context
from milbench.errors import TrainingError
from milbench.seeds import seed
from milbench.train.estimator import fit_estimator
from milbench.train.fold import Fold
from milbench.train.protocol import youden_threshold
from milbench.train.resident import FoldBags, fit_scaler
from milbench.train.sequential import fit_sequential

if TYPE_CHECKING:
    from milbench.jobs import Run
    from milbench.records import Aggregator
    from milbench.splits import Part
    from milbench.train.fold import Fitted
    from milbench.train.resident import Resident

BINARY = 2


class Outcome(NamedTuple):
    """What one run produced.

    Parameters
    ----------
    test, valid : (n, C)
        Probabilities of the test and of the validation bags, float64, in the order of the part.
    threshold
        Probability of class 1 from which a binary bag counts as positive.
    """

    test: np.ndarray
    valid: np.ndarray
    threshold: float
    fitted: Fitted
    engine: str
    fit_seconds: float
    predict_seconds: float


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
    names = (run.cell.dataset, run.cell.method, run.repeat, run.fold, run.seed)
    devices = [data.x.device] if data.x.is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed("train", *names))
        return _train_run(run, record, data, part)


def _train_run(run: Run, record: Aggregator, data: Resident, part: Part) -> Outcome:
    started = time.perf_counter()
    model = record.load()(data.in_dim, data.n_classes, **run.cell.args)
    fold = _fold(run, model, data, part)
    is_estimator = hasattr(model, "fit")
    if is_estimator:
        fitted = fit_estimator(model, fold)
    else:
        fitted = fit_sequential(model.to(data.x.device), fold)
    trained = time.perf_counter()
    valid = predict(fitted, fold.bags, part.val, data.n_classes)
    test = predict(fitted, fold.bags, part.test, data.n_classes)
    return Outcome(
        test=test,
        valid=valid,
        threshold=_threshold(run, fold, valid),
        fitted=fitted,
        engine="estimator" if is_estimator else "sequential",
        fit_seconds=trained - started,
        predict_seconds=time.perf_counter() - trained,
    )


def _fold(run: Run, model: Any, data: Resident, part: Part) -> Fold:
    standardise = run.cell.standardise and not data.is_image
    scaler = fit_scaler(data, part.train) if standardise else None
    labels = {b: data.labels[b] for b in (*part.train.tolist(), *part.val.tolist())}
    counts = np.bincount([labels[b] for b in part.train.tolist()], minlength=data.n_classes)
    names = (run.cell.dataset, run.cell.method, run.repeat, run.fold, run.seed)
    context = Context(
        n_classes=data.n_classes,
        epochs=run.cell.recipe.epochs,
        class_counts=tuple(counts.tolist()),
        seed=seed("method", *names),
        generator=torch.Generator(data.x.device).manual_seed(seed("context", *names)),
    )
    return Fold(
        run=run,
        bags=FoldBags(data, scaler, getattr(model, "prepare", None)),
        train=part.train,
        valid=part.val,
        labels=labels,
        n_bags=len(data.labels),
        context=context,
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


def _threshold(run: Run, fold: Fold, valid: np.ndarray) -> float:
    if run.cell.threshold == "half" or valid.shape[1] != BINARY or len(valid) == 0:
        return 0.5
    labels = np.array([fold.labels[bag] for bag in fold.valid.tolist()])
    return youden_threshold(labels, valid[:, 1])
