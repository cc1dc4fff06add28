"""Encode the instances of one bag, batch by batch, into rows that can be stored."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureError
from milbench.features.check import stored_features
from milbench.features.stream import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from milbench.pictures import Pixels, Regions
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
        is given all batches of a bag, as an iterator, and yields the features of each.
    batch
        Tiles at once; the block that is read at once when None.
    """

    code: Callable[..., Any]
    batch: int | None = None

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
    usual = GPU_BATCH if device.startswith("cuda") else CPU_BATCH
    return Encode(code, encoding.batch or usual)


def encoded(
    encode: Callable[..., Any] | Encode, images: Pixels | Regions, place: str
) -> Generator[np.ndarray]:
    """Yield the features of ``images`` (N, C, H, W) as they come: (n, D), or images of a size.

    Parameters
    ----------
    place
        Encoder and bag, for messages.

    Raises
    ------
    FeatureError
        If the encoder gives another number of rows, or values that cannot be stored.
    SlideError
        If an instance cannot be read.
    """
    made = encode if isinstance(encode, Encode) else Encode(encode)
    sizes: list[int] = []  # of the batches that are under way: an encoder may be one behind

    def counted(stream: Iterator[Pixels]) -> Iterator[Pixels]:
        for tiles in stream:
            sizes.append(len(tiles))
            yield tiles

    with closing(blocks(images, made.batch)) as stream:
        for found in made.each(counted(stream)):
            features, expected = np.asarray(found), sizes.pop(0)
            if len(features) != expected:
                raise FeatureError(f"{place}: {len(features)} rows for {expected} tiles")
            yield _storable(features, place)


def _device(name: str) -> str:
    if name != "auto":
        return name
    import torch  # noqa: PLC0415  # only a network has a device

    return "cuda" if torch.cuda.is_available() else "cpu"


def _storable(features: np.ndarray, place: str) -> np.ndarray:
    if features.dtype == np.uint8 and features.ndim == 4:  # noqa: PLR2004  # (N, C, H, W)
        return np.ascontiguousarray(features)
    try:
        return stored_features(features)
    except ValueError as error:
        raise FeatureError(f"{place}: {error}") from error
