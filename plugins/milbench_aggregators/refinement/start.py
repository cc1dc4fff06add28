"""Where the image encoder starts: saved weights, or SimCLR on the training bags of the fold."""

from __future__ import annotations

import math
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from milbench import MilbenchError, TrainingError
from milbench.nn.contrast import nt_xent
from milbench_aggregators.refinement.contrast_step import Deck, learning_rate

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from milbench_aggregators.refinement.encoder import ImageEncoder
    from milbench_aggregators.refinement.training_bags import TrainingBags

# SimCLR as the code of DSMIL trains it.
TEMPERATURE = 0.5
LR = 1e-5
WEIGHT_DECAY = 1e-5


def load_weights(encoder: ImageEncoder, path: str) -> None:
    """Read the weights of a ResNet-18 with InstanceNorm, of SimCLR or torchvision.

    The tensors of the file are taken in their order, whatever their names, since each code names
    the same layers in its own way: 20 convolutions, then the two layers of the projection if the
    next four tensors have their shapes. What follows is left out.

    Parameters
    ----------
    path
        A file of ``torch.save``: a state_dict, or a mapping that holds one as ``state_dict``.

    Raises
    ------
    MilbenchError
        If the file cannot be read or holds other shapes.
    """
    found = _tensors(path)
    backbone, projection = (
        list(part.state_dict().values()) for part in (encoder.backbone, encoder.projection)
    )
    if not _fit(found, backbone):
        shapes = [tuple(tensor.shape) for tensor in found[:3]]
        raise MilbenchError(
            f"weights = {path!r}: {len(found)} tensors, the first of shapes {shapes}; expected the "
            f"{len(backbone)} convolutions of a ResNet-18 with InstanceNorm (no batch norm), the "
            f"first of shape {tuple(backbone[0].shape)}: give another file, or pretrain_epochs"
        )
    rest = found[len(backbone) :]
    wanted = backbone + (projection if _fit(rest, projection) else [])
    for own, saved in zip(wanted, found, strict=False):
        own.copy_(saved)


def _tensors(path: str) -> list[Tensor]:
    try:
        saved: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError, EOFError) as error:
        raise MilbenchError(
            f"weights = {path!r}: cannot be read: {str(error).splitlines()[0]}; expected a "
            "state_dict saved by torch.save"
        ) from error
    state = saved.get("state_dict", saved) if isinstance(saved, dict) else {}
    return [value for value in state.values() if isinstance(value, torch.Tensor)]


def _fit(found: list[Tensor], wanted: list[Tensor]) -> bool:
    shapes = [tensor.shape for tensor in found[: len(wanted)]]
    return shapes == [tensor.shape for tensor in wanted]


def pretrain(
    encoder: ImageEncoder, bags: TrainingBags, epochs: int, batch: int, generator: Generator
) -> None:
    """Train ``encoder`` by SimCLR on the instances of the training bags, without any label.

    Adam with the settings of the code of DSMIL. Departure: that code holds a tenth of the
    instances out and keeps the epoch of the lowest loss on them; here the last epoch is kept.

    Parameters
    ----------
    epochs, batch
        100 and 512 in that code.

    Raises
    ------
    TrainingError
        If the loss is not finite.
    """
    optimizer = torch.optim.Adam(encoder.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    deck = Deck(torch.arange(len(bags.streams)).numpy(), generator)
    loss = torch.zeros(())
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(LR, epoch, epochs)
        for chosen in deck.once(batch):
            x = bags.rows(chosen)
            views = [encoder.embed_view(x, generator) for _ in range(2)]
            loss = nt_xent(views[0], views[1], TEMPERATURE)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if not math.isfinite(loss.detach()):
            raise TrainingError(f"SimCLR: the loss is not finite in epoch {epoch}")
