"""Train the weights of an encoder on the tiles of a data set, without labels.

Features are computed once for all folds, so an encoder cannot be trained in each fold. Either it
sees the tiles of the official training part only, or those of all bags: then the features of test
bags come from a network that saw these bags, without labels (transductive). Which of the two is
a matter of the encoder's record, and of its name.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from milbench.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from milbench.features.store import Features
    from milbench.records import Encoder

TRAINING = "train"  # the part of a bag, where a data set has official parts


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How weights are trained.

    Parameters
    ----------
    epochs
        Passes over the tiles.
    batch
        Tiles of a step.
    lr
        First learning rate.
    seed
        Of everything that is drawn.
    device
        As torch names it.
    report
        Told the number of each epoch, from 0, and its mean loss.
    """

    epochs: int = 100
    batch: int = 512
    lr: float = 1e-5
    seed: int = 1
    device: str = "cpu"
    report: Callable[[int, float], None] = lambda _epoch, _loss: None


def training_rows(encoder: Encoder, pixels: Features) -> NDArray[np.int64]:
    """Return the rows of ``pixels`` that ``encoder`` may be trained on.

    Raises
    ------
    FeatureError
        If it may see the official training part only, and the data set has none.
    """
    rows = np.arange(len(pixels.array))
    if encoder.pretrained_on == "all":
        return rows
    is_training = np.array([part == TRAINING for part in pixels.table.parts])
    if not is_training.any():
        raise FeatureError(
            f"encoder {encoder.name!r} is trained on the official training part, and "
            f"{pixels.dataset!r} has none: every bag is a test bag of some fold. An encoder that "
            f"sees all tiles, without labels, says so in its name: {encoder.name}-transductive"
        )
    seen: NDArray[np.int64] = rows[np.repeat(is_training, np.diff(pixels.offsets))]
    return seen


def pretrain(encoder: Encoder, pixels: Features, path: Path, schedule: Schedule) -> Path:
    """Train the weights of ``encoder`` on tiles, and write them to ``path`` in one step.

    Parameters
    ----------
    pixels
        The tiles of the data set, as images.

    Raises
    ------
    FeatureError
        If the encoder is not trained on tiles, ``pixels`` are none, or there is no training part.
    TrainingError
        If the training diverges.
    """
    train = encoder.load_pretrain()
    if train is None:
        raise FeatureError(f"encoder {encoder.name!r} is not trained on tiles; leave pretrain out")
    if not pixels.is_image:
        raise FeatureError(f"{pixels.path}: holds features, not tiles to train on")
    rows = training_rows(encoder, pixels)
    state = train(pixels.array, rows, schedule)
    about = {
        "encoder": encoder.name,
        "version": encoder.version,
        "dataset": pixels.dataset,
        "tiles": pixels.content_hash,
        "pretrained_on": encoder.pretrained_on,
        "rows": len(rows),
        "epochs": schedule.epochs,
        "batch": schedule.batch,
        "lr": schedule.lr,
        "seed": schedule.seed,
    }
    _write(path, {"state_dict": state, "about": json.dumps(about)})
    return path


def _write(path: Path, content: dict[str, Any]) -> None:
    import torch  # noqa: PLC0415  # only where something was trained

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        torch.save(content, temporary)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
