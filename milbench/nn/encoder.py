"""A frozen network as an encoder: bytes of tiles in, features out, on any device and precision.

What differs between networks is how they want to see a tile, a :class:`Look`. The rest is the same:
bytes go to the device, from pinned memory where it is a GPU, and are resized and normalised there;
in half precision the network runs under ``torch.autocast``.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import torch
from torch.nn import functional as F

from milbench.errors import FeatureError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from milbench.weights import Precision

    Tiles = NDArray[np.uint8]
    Features = NDArray[np.float32 | np.float16]

__all__ = ["IMAGENET", "Look", "NetworkEncoder"]

log = logging.getLogger(__name__)

WHITE = 255  # the largest value of a byte
COLOUR, GREY = 3, 1


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a network wants to see a tile.

    Parameters
    ----------
    size
        Side of the square that it is given, in pixels; None takes tiles as they are.
    resize
        The shorter side is resampled to this, and the middle of ``size`` is cut out; ``size`` when
        None.
    smallest
        Tiles with a shorter side are enlarged to it where ``size`` is None.
    mean, std
        Subtracted from the channels in [0, 1], and what is left is divided by.
    interpolation
        Of the resampling, with antialiasing.
    """

    size: int | None = 224
    resize: int | None = None
    smallest: int = 1
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


# The statistics of ImageNet's training images that torchvision and timm train with.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class NetworkEncoder:
    """Encode tiles by a network that is not trained.

    Resampling is torch's on pixels in [0, 1], where most published pipelines resample bytes with
    Pillow before that: values differ by rounding, by up to about one grey level, and by more only
    where a bicubic curve leaves the range of bytes.

    Parameters
    ----------
    network
        Maps images (B, 3, size, size), normalised, to features (B, D).
    look
        How it wants to see tiles.
    """

    def __init__(self, network: nn.Module, look: Look) -> None:
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.look = look
        self._precision: Precision = "float32"
        self.to("cpu")

    def to(self, device: str, precision: Precision = "float32") -> Self:
        """Move to ``device`` and compute in ``precision`` from now on.

        Weights stay float32; in bfloat16 and float16 the network runs under ``torch.autocast``.
        Features are float16 in float16, else float32: the range of bfloat16 does not fit float16.
        """
        self._device, self._precision = torch.device(device), precision
        self.network.to(self._device)
        # Kept there: to send them with each batch would wait for the one before it.
        self._mean, self._std = (
            torch.tensor(values, device=self._device)[:, None, None]
            for values in (self.look.mean, self.look.std)
        )
        return self

    def __call__(self, tiles: Tiles) -> Features:
        """Map tiles (B, C, H, W), of three channels or one, to features (B, D)."""
        found: Features = self._begin(tiles).result()
        return found

    def each(self, batches: Iterable[Tiles]) -> Iterator[Features]:
        """Yield the features (B, D) of each of ``batches`` of tiles (B, C, H, W).

        A GPU never waits for the tiles of the next batch: they are laid into pinned memory while
        it works, and what it found is fetched after it was given the next one.
        """
        begun: _Begun | None = None
        for tiles in batches:
            found = self._begin(tiles)
            if begun is not None:
                yield begun.result()
            begun = found
        if begun is not None:
            yield begun.result()

    @property
    def _is_on_gpu(self) -> bool:
        return self._device.type == "cuda"

    @torch.inference_mode()
    def _begin(self, tiles: Tiles) -> _Begun:
        """Start to encode tiles (B, C, H, W) without waiting for a GPU."""
        # torch wants writable memory, though it writes nothing.
        read = torch.from_numpy(tiles if tiles.flags.writeable else tiles.copy())
        read = read.pin_memory() if self._is_on_gpu else read
        found = self._encoded(read.to(self._device, non_blocking=True))  # (B, D)
        found = found.to(torch.float16 if self._precision == "float16" else torch.float32)
        if not self._is_on_gpu:
            return _Begun(found, None)
        kept = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
        kept.copy_(found, non_blocking=True)
        return _Begun(kept, torch.cuda.current_stream(self._device).record_event())

    def _encoded(self, tiles: Tensor) -> Tensor:
        """Encode tiles on the device; half of them at a time where its memory does not suffice."""
        try:
            with self._context():
                found: Tensor = self.network(self._seen(tiles))
        except torch.OutOfMemoryError:
            if len(tiles) == 1:
                raise
        else:
            if found.dim() != 2 or len(found) != len(tiles):  # noqa: PLR2004  # (B, D)
                raise FeatureError(
                    f"the network gives {tuple(found.shape)} for {len(tiles)} tiles; expected "
                    f"({len(tiles)}, D)"
                )
            return found
        log.warning("%d tiles do not fit the memory of %s; halved", len(tiles), self._device)
        torch.cuda.empty_cache()
        return torch.cat([self._encoded(part) for part in tiles.chunk(2)])

    def _context(self) -> Any:
        """Return what the network runs in: on a GPU, float32 is not TF32, of 10 bits."""
        if self._precision != "float32":
            return torch.autocast(self._device.type, dtype=HALF[self._precision])
        if self._is_on_gpu:
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()

    def _seen(self, tiles: Tensor) -> Tensor:
        """Return tiles (B, C, H, W) as the network wants to see them, (B, 3, size, size)."""
        if tiles.dim() != 4 or tiles.shape[1] not in (COLOUR, GREY):  # noqa: PLR2004  # B, C, H, W
            raise ShapeError(
                f"tiles of shape {tuple(tiles.shape)}; this encoder takes (B, C, H, W) of three "
                "channels or one"
            )
        pixels = tiles.float() / WHITE  # (B, C, H, W)
        pixels = _cropped(_resized(pixels, self.look), self.look.size)
        return (
            pixels - self._mean
        ) / self._std  # (B, 3, size, size); a grey tile is shown to all channels


class _Begun(NamedTuple):
    """Features (B, D) that are on their way from a GPU."""

    found: Tensor
    event: torch.cuda.Event | None

    def result(self) -> Any:
        """Wait for the features and return them."""
        if self.event is not None:
            self.event.synchronize()
        return self.found.numpy()


def _resized(pixels: Tensor, look: Look) -> Tensor:
    """Resample tiles (B, C, H, W) so that their shorter side is what ``look`` asks for."""
    height, width = pixels.shape[2:]
    shorter = min(height, width)
    wanted = look.resize or look.size or max(shorter, look.smallest)
    if shorter == wanted:
        return pixels
    size = (round(height * wanted / shorter), round(width * wanted / shorter))
    found = F.interpolate(pixels, size, mode=look.interpolation, antialias=True)
    return found.clamp(0.0, 1.0)  # bicubic weights may leave the range


def _cropped(pixels: Tensor, size: int | None) -> Tensor:
    """Return the middle ``size`` rows and columns of tiles (B, C, H, W)."""
    if size is None:
        return pixels
    top, left = ((side - size) // 2 for side in pixels.shape[2:])
    return pixels[:, :, top : top + size, left : left + size]
