"""ResNet-18 with instance normalisation, trained by SimCLR on the tiles of a data set.

Sources: T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A Simple Framework for Contrastive
Learning of Visual Representations", ICML 2020, https://arxiv.org/abs/2002.05709; the network and
the settings are those of the encoder of DSMIL (B. Li, Y. Li and K. W. Eliceiri, CVPR 2021,
https://arxiv.org/abs/2011.08939), which ItS2CLR and HNM take over.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from milbench import TrainingError
from milbench.nn.contrast import nt_xent
from milbench.nn.encoder import Look, NetworkEncoder
from milbench.nn.resnet import ResNet18
from milbench.nn.state import fill, read_state
from milbench.nn.views import random_views

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Rows = NDArray[np.int64]

WIDTH = 64  # planes of the first stage; a quarter of it shows on a CPU that training works
SMALLEST = 64  # pixels; instance normalisation refuses the planes of a side of 32 or less
WHITE = 255
COLOUR = 3
PROJECTED = 256  # width of the embeddings; authors' code of DSMIL
TEMPERATURE = 0.5  # the same
WEIGHT_DECAY = 1e-5  # the same
STEADY = 10  # epochs before the learning rate falls; the same
LOOK = Look(size=None, smallest=SMALLEST)
BEHIND = ("projection.", "fc.")  # layers of training that no encoder has


def resnet18_simclr(weights: Path) -> NetworkEncoder:
    """Return the trained network without its projection: 512 features.

    Pixels are divided by 255 and not normalised, as in the code of DSMIL.

    Parameters
    ----------
    weights
        A file of :func:`pretrain`; or any of a ResNet-18 without the weights of normalisations, as
        InstanceNorm has none: by the names of torchvision, or else in its order, since each code
        of SimCLR names the same 20 convolutions in its own way. What follows them is left out.

    Raises
    ------
    FeatureError
        If the file cannot be read, or holds another network.
    """
    network = _network()
    state = {name.removeprefix("backbone."): v for name, v in read_state(weights).items()}
    fill(network, _convolutions(state, network), weights)
    return NetworkEncoder(network, LOOK)


def _convolutions(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of ``network``, by name or in its order; what there is if they differ."""
    wanted = network.state_dict()
    named = {name: value for name, value in state.items() if not name.startswith(BEHIND)}
    if named.keys() == wanted.keys():
        return named
    first = dict(zip(wanted, state.values(), strict=False))
    fits = [name for name in first if first[name].shape == wanted[name].shape]
    return first if len(fits) == len(wanted) else state


def _network() -> ResNet18:
    return ResNet18(width=WIDTH, norm=nn.InstanceNorm2d)


class Embedding(nn.Module):
    """Images (N, 3, H, W) to embeddings (N, 256) of length 1: the encoder and its projection."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _network()
        width = self.backbone.dim
        self.projection = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, PROJECTED)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W) in [0, 1] to embeddings (N, 256)."""
        return F.normalize(self.projection(self.backbone(images)), dim=1)


def pretrain(images: NDArray[np.uint8], rows: Rows, schedule: Any) -> dict[str, Tensor]:
    """Train the encoder on tiles, without labels, and return its weights.

    Adam with weight decay 1e-5; the learning rate is constant for ten epochs and then follows a
    cosine. Departures from the code of DSMIL: the last epoch is kept, where it holds a tenth of the
    tiles out and keeps the epoch of the lowest loss on them; and the learning rate is that of
    ``schedule``, 1e-5 there for batches of 512 and more.

    Parameters
    ----------
    images : (N, C, H, W)
        Tiles of three channels or one; read batch by batch.
    rows : (M,)
        Those that may be seen.
    schedule
        A :class:`milbench.features.pretrain.Schedule`: epochs, batch, lr, seed, device, functions
        ``begin(epoch)`` and ``report(epoch, loss)``, and a checkpoint: a training that was killed
        goes on behind its last whole epoch, on a CPU to the same weights bit for bit.

    Raises
    ------
    TrainingError
        If there are fewer than two tiles, or the loss is not finite.
    """
    if len(rows) < 2:  # noqa: PLR2004  # a tile is to be told from another
        raise TrainingError(f"SimCLR: {len(rows)} tiles to train on; it needs two or more")
    training = _Training(schedule)
    first = training.resume(schedule.checkpoint.load())
    schedule.begin(first)
    for epoch in range(first, schedule.epochs):
        loss = training.epoch(epoch, images, rows)
        if not math.isfinite(loss):
            raise TrainingError(f"SimCLR: the loss is not finite in epoch {epoch}; lower --lr")
        schedule.checkpoint.save(training.state(epoch))
        schedule.report(epoch, loss)
    return {name: value.cpu() for name, value in training.model.state_dict().items()}


class _Training:
    """Network, optimiser and random numbers: all that one epoch hands on to the next."""

    def __init__(self, schedule: Any) -> None:
        self._schedule = schedule
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(schedule.seed)
            self.model = Embedding()
        self.model.to(schedule.device).train()
        self._generator = torch.Generator().manual_seed(schedule.seed)
        self._optimizer = torch.optim.Adam(
            self.model.parameters(), lr=schedule.lr, weight_decay=WEIGHT_DECAY
        )

    def epoch(self, epoch: int, images: NDArray[np.uint8], rows: Rows) -> float:
        """Train on all tiles once and return the mean loss."""
        schedule = self._schedule
        for group in self._optimizer.param_groups:
            group["lr"] = _rate(schedule.lr, epoch, schedule.epochs)
        order = rows[torch.randperm(len(rows), generator=self._generator).numpy()]
        losses = [
            _step(self.model, self._optimizer, tiles.to(schedule.device), self._generator)
            for tiles in _batches(images, order, schedule.batch)
        ]
        return torch.stack(losses).mean().item()

    def state(self, epoch: int) -> dict[str, Any]:
        """Return what to go on with after ``epoch``."""
        return {
            "epoch": epoch,
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }

    def resume(self, kept: dict[str, Any] | None) -> int:
        """Take up what :meth:`state` returned, and return the epoch to begin with."""
        if kept is None:
            return 0
        self.model.load_state_dict(kept["model"])
        self._optimizer.load_state_dict(kept["optimizer"])
        self._generator.set_state(kept["generator"])
        return int(kept["epoch"]) + 1


def _rate(first: float, epoch: int, epochs: int) -> float:
    return 0.5 * first * (1.0 + math.cos(math.pi * max(0, epoch - STEADY) / epochs))


def _batches(images: NDArray[np.uint8], order: Rows, size: int) -> Iterator[Tensor]:
    """Yield the tiles of ``order``, ``size`` at a time; a last one alone is left out."""
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        if len(chosen) > 1:
            chosen.sort()  # the order within a batch changes nothing but how the file is read
            yield torch.from_numpy(images[chosen])


def _step(
    model: Embedding, optimizer: torch.optim.Optimizer, tiles: Tensor, generator: torch.Generator
) -> Tensor:
    """Train on tiles (B, C, H, W) once and return the loss."""
    pixels = tiles.expand(-1, COLOUR, -1, -1).float() / WHITE
    height, width = (max(SMALLEST, side) for side in pixels.shape[2:])
    views = [random_views(pixels, (height, width), "simclr", generator) for _ in range(2)]
    loss = nt_xent(model(views[0]), model(views[1]), TEMPERATURE)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()
