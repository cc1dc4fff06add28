"""Train the weights of an encoder on the tiles of a data set, without labels.

Features are computed once for all folds, so an encoder cannot be trained in each fold. Either it
sees the tiles of the official training part only, or those of all bags: then the features of test
bags come from a network that saw these bags, without labels (transductive). Which of the two is
a matter of the encoder's record, and of its name.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.atomic import write_atomic
from milbench.code import code_hash
from milbench.errors import FeatureError
from milbench.features.alone import alone
from milbench.features.journal import disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from milbench.features.store import Features
    from milbench.records import Encoder

TRAINING = "train"  # the part of a bag, where a data set has official parts

log = logging.getLogger(__name__)


class Checkpoint:
    """What a training needs to go on behind its last whole epoch; it keeps nothing by default.

    What trains gives :meth:`save` a dict of tensors, numbers and text after each epoch, and asks
    :meth:`load` for the last one before the first.
    """

    def load(self) -> dict[str, Any] | None:
        """Return what was saved last by a training of the same tiles and settings, or None."""
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Keep ``state`` in place of what was kept before."""


class CheckpointFile(Checkpoint):
    """A checkpoint in a file, replaced in one step, so that a kill finds the old or the new one.

    Parameters
    ----------
    path
        The file.
    about
        What the training follows from; what another training left is not taken.
    """

    def __init__(self, path: Path, about: str) -> None:
        self._path, self._about = path, about

    def load(self) -> dict[str, Any] | None:
        """Return what was saved last by a training of the same tiles and settings, or None."""
        import torch  # noqa: PLC0415  # only where something is trained

        if not self._path.is_file():
            return None
        try:
            kept: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
            about, state = kept["about"], kept["state"]
        except Exception as error:  # noqa: BLE001  # torch raises anything on a torn file
            log.warning("%s: cannot be read (%s); training from the start", self._path, error)
            return None
        if about != self._about:
            log.warning("%s: of other tiles or settings; training from the start", self._path)
            return None
        found: dict[str, Any] = state
        return found

    def save(self, state: dict[str, Any]) -> None:
        """Keep ``state`` in place of what was kept before."""
        _write(self._path, {"about": self._about, "state": state})

    def forget(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


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
    begin
        Told once the number of the first epoch: not 0 where a training goes on.
    checkpoint
        Keeps what is needed to go on.
    """

    epochs: int = 100
    batch: int = 512
    lr: float = 1e-5
    seed: int = 1
    device: str = "cpu"
    report: Callable[[int, float], None] = lambda _epoch, _loss: None
    begin: Callable[[int], None] = lambda _epoch: None
    checkpoint: Checkpoint = Checkpoint()  # noqa: RUF009  # it holds nothing


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

    After each epoch what is needed to go on is kept in a hidden file beside ``path``: a training
    that was killed loses one epoch at most. It is taken up with the same tiles, settings and code
    only, and removed at the end. Another process that wants the same weights waits.

    Parameters
    ----------
    pixels
        The tiles of the data set, as images.

    Raises
    ------
    FeatureError
        If the encoder is not trained on tiles, ``pixels`` are none, there is no training part, or
        the disk is full.
    TrainingError
        If the training diverges.
    """
    train = encoder.load_pretrain()
    if train is None:
        raise FeatureError(f"encoder {encoder.name!r} is not trained on tiles; leave pretrain out")
    if not pixels.is_image:
        raise FeatureError(f"{pixels.path}: holds features, not tiles to train on")
    rows = training_rows(encoder, pixels)
    about = _about(encoder, pixels, len(rows), schedule)
    with alone(path) as is_alone:
        made_by = json.dumps(about | {"code": code_hash(encoder)})
        kept = CheckpointFile(path.with_name(f".{path.name}.checkpoint"), made_by)
        chosen = replace(schedule, checkpoint=kept) if is_alone else schedule
        state = train(pixels.array, rows, chosen)
        _write(path, {"state_dict": state, "about": json.dumps(about)})
        kept.forget()
    return path


def _about(encoder: Encoder, pixels: Features, rows: int, schedule: Schedule) -> dict[str, Any]:
    return {
        "encoder": encoder.name,
        "version": encoder.version,
        "dataset": pixels.dataset,
        "tiles": pixels.content_hash,
        "pretrained_on": encoder.pretrained_on,
        "rows": rows,
        "epochs": schedule.epochs,
        "batch": schedule.batch,
        "lr": schedule.lr,
        "seed": schedule.seed,
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    import torch  # noqa: PLC0415  # only where something was trained

    buffer = BytesIO()
    torch.save(content, buffer)
    with disk(path):
        write_atomic(path, buffer.getvalue())
