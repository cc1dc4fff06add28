"""A slide that is drawn: a pyramidal TIFF that is there as long as it is open."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from milbench import Slide

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from milbench import Box

    Pixels = NDArray[np.uint8]

TILE = (256, 256)
LEVELS = 3
MPP = 0.5


class DrawnSlide:
    """A picture that is written to a temporary file when it is first read, and read from there.

    The file is removed by :meth:`close`, so that of a hundred slides one is on the disk.

    Parameters
    ----------
    name
        Of the file.
    draw, number
        ``draw(number)`` returns level 0, (H, W, 3) uint8.
    """

    mpp = MPP

    def __init__(self, name: str, draw: Callable[[int], Pixels], number: int) -> None:
        self.path = Path(gettempdir()) / f"milbench-{uuid4().hex}-{name}.tiff"
        self._name, self._draw, self._number = name, draw, number
        self._slide: Slide | None = None
        self._writing = Lock()

    def __reduce__(self) -> tuple[type[DrawnSlide], tuple[str, Callable[[int], Pixels], int]]:
        """Travel as what is drawn; another process writes a file of its own."""
        return DrawnSlide, (self._name, self._draw, self._number)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in level-0 pixels."""
        return self._written().size

    def read(self, box: Box, size: tuple[int, int] | None = None) -> Pixels:
        """Return the pixels inside ``box``, (h, w, 3); see :meth:`milbench.Picture.read`."""
        return self._written().read(box, size)

    def thumbnail(self, longest: int) -> Pixels:
        """Return the whole slide with ``longest`` pixels on its longer side, (h, w, 3)."""
        return self._written().thumbnail(longest)

    def close(self) -> None:
        """Close the file and remove it; the next read draws it again."""
        with self._writing:
            if self._slide is not None:
                self._slide.close()
                self._slide = None
                self.path.unlink(missing_ok=True)

    def _written(self) -> Slide:
        with self._writing:
            if self._slide is None:
                write_pyramid(self.path, self._draw(self._number))
                self._slide = Slide(self.path)
            return self._slide


def write_pyramid(path: Path, pixels: Pixels, levels: int = LEVELS, mpp: float = MPP) -> None:
    """Write ``pixels`` (H, W, 3) with coarser levels, each the means of 2 x 2 pixels.

    Parameters
    ----------
    levels
        Level 0 included; H and W have to be multiples of ``2 ** (levels - 1)``.
    mpp
        Micrometres per pixel of level 0, which the file states as pixels per centimetre.
    """
    import tifffile  # noqa: PLC0415  # an extra, asked for before anything is drawn

    with tifffile.TiffWriter(path) as file:
        for level in range(levels):
            per_centimetre = 10_000 / (mpp * 2**level)
            file.write(
                pixels,
                photometric="rgb",
                compression="deflate",
                tile=TILE,
                resolution=(per_centimetre, per_centimetre),
                resolutionunit="CENTIMETER",
                subfiletype=int(level > 0),
                metadata=None,
            )
            high, wide = (side // 2 for side in pixels.shape[:2])
            blocks = pixels[: 2 * high, : 2 * wide].reshape(high, 2, wide, 2, 3)
            pixels = blocks.mean(axis=(1, 3)).round().astype(np.uint8)  # (H / 2, W / 2, 3)
