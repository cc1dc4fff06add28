"""Encode the tiles of a bag: which callable does it, and batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milbench.view import View

# Tiles at once. A plain callable has its own way with memory: 616 MB of float32 for 224 x 224 RGB.
# A network on a CPU gains nothing from more than fits its caches; a GPU is filled by a hundred.
PLAIN_BATCH, CPU_BATCH, GPU_BATCH = 1024, 32, 128


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Where and how tiles are encoded; nothing here changes features by more than rounding.

    Parameters
    ----------
    device
        As torch names it: ``cpu``, ``cuda``, ``cuda:1``.
    batch
        Tiles at once; what suits the encoder and the device when None.
    weights
        Folder of the files of weights; ``$MILBENCH_WEIGHTS`` when None.
    download
        Whether weights that are not there may be downloaded.
    """

    device: str = "cpu"
    batch: int | None = None
    weights: Path | None = None
    download: bool = False


def built_encoder(view: View, encoding: Encoding, weights: Path | None) -> Callable[..., Any]:
    """Return what encodes tiles in ``view``, on the device and in the precision that are asked for.

    Parameters
    ----------
    weights
        The file of its weights, for an encoder that has some.

    Raises
    ------
    PluginError
        If its code cannot be imported.
    MissingEncoderError
        If it needs a package that is not installed.
    FeatureError
        If the file does not fit the encoder, or it cannot compute in that precision.
    """
    target = view.encoder.load()
    encode: Callable[..., Any] = target() if weights is None else target(weights)
    move = getattr(encode, "to", None)
    if move is not None:
        move(encoding.device, view.precision)
    elif view.precision != "float32":
        raise FeatureError(
            f"encoder {view.encoder.name!r} has no method 'to' and computes in float32 only; leave "
            f"@{view.precision} out"
        )
    return encode


def encoded(
    encode: Callable[..., Any], tiles: Any, encoding: Encoding = Encoding()
) -> Iterator[np.ndarray]:
    """Yield the features of ``tiles``, batch by batch, in their order.

    Parameters
    ----------
    encode
        Maps uint8 tiles (B, C, H, W) to features (B, D), or to images. One with a method ``each``
        is given all batches at once, as an iterator, so that it can read ahead.
    tiles : (N, C, H, W) uint8
        Anything with a length whose slices are arrays; never more than a few batches are read
        before they are encoded.
    """
    each = getattr(encode, "each", None)
    size = encoding.batch or _usual(encoding.device, is_network=each is not None)
    batches = (np.asarray(tiles[start : start + size]) for start in range(0, len(tiles), size))
    yield from map(np.asarray, map(encode, batches) if each is None else each(batches))


def _usual(device: str, *, is_network: bool) -> int:
    if not is_network:
        return PLAIN_BATCH
    return GPU_BATCH if device.startswith("cuda") else CPU_BATCH
