"""Build what encodes batches of tiles, and check what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureError
from milbench.features.check import stored_features
from milbench.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milbench.pictures import Pixels
    from milbench.view import View

# Tiles at once. A network on a CPU gains nothing from more than its caches hold; a GPU is filled
# by about a hundred tiles of 224 pixels.
CPU_BATCH, GPU_BATCH = 32, 128


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Where and how tiles are encoded; nothing here changes features by more than rounding.

    Parameters
    ----------
    device
        As torch names it: ``cpu``, ``cuda``, ``cuda:1``; or ``auto``, the GPU where there is one.
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


@dataclass(frozen=True)
class Encode:
    """What encodes batches of tiles: a plain callable, or one that works ahead.

    Parameters
    ----------
    code
        Maps uint8 tiles (B, C, H, W) to features (B, D), or to images. One with a method ``each``
        is given batches as an iterator, and yields the features of each.
    batch
        Tiles at once, of several bags where one has fewer; when None, the block that is read at
        once, of one bag.
    """

    code: Callable[..., Any]
    batch: int | None = None

    @property
    def is_joining(self) -> bool:
        """Return whether a batch may hold tiles of several bags."""
        return self.batch is not None

    def each(self, tiles: Iterator[Pixels]) -> Iterator[Any]:
        """Yield the features of each batch of tiles."""
        ahead = getattr(self.code, "each", None)
        yield from map(self.code, tiles) if ahead is None else ahead(tiles)


def built_encoder(view: View, encoding: Encoding, weights: Path | None) -> Encode:
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
    code: Callable[..., Any] = target() if weights is None else target(weights)
    move = getattr(code, "to", None)
    if move is None:
        if view.precision != "float32":
            raise FeatureError(
                f"encoder {view.encoder.name!r} has no method 'to' and computes in float32 only; "
                f"leave @{view.precision} out"
            )
        return Encode(code, encoding.batch)
    device = _device(encoding.device)
    move(device, view.precision)
    if device.startswith("cuda"):
        return Encode(code, encoding.batch or GPU_BATCH)
    keep_freed_memory()  # a batch takes a hundred MB and frees it
    return Encode(code, encoding.batch or CPU_BATCH)


def storable(features: np.ndarray, place: str) -> np.ndarray:
    """Return what an encoder gave as it is stored: (n, D), or images (n, C, H, W).

    Parameters
    ----------
    place
        Encoder and bag, for messages.

    Raises
    ------
    FeatureError
        If there are values that cannot be stored.
    """
    if features.dtype == np.uint8 and features.ndim == 4:  # noqa: PLR2004  # (N, C, H, W)
        return np.ascontiguousarray(features)
    try:
        return stored_features(features)
    except ValueError as error:
        raise FeatureError(f"{place}: {error}") from error


def _device(name: str) -> str:
    if name != "auto":
        return name
    import torch  # noqa: PLC0415  # only a network has a device

    return "cuda" if torch.cuda.is_available() else "cpu"
