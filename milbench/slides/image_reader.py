"""Small images, PNG or JPEG, as slides of one level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from milbench.errors import SlideError

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.pictures import Pixels

LARGEST = 2**26  # pixels: 201 MB as RGB, and pillow's own limit against bombs is a third above it


class ImageReader:
    """An image that is held in the memory. It never states a resolution: it was not measured."""

    mpp: float | None = None

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self.levels: tuple[tuple[int, int], ...] = ((pixels.shape[1], pixels.shape[0]),)

    def read(self, level: int, corner: tuple[int, int], size: tuple[int, int]) -> Pixels:  # noqa: ARG002  # there is one
        """Return one region (h, w, 3); see :class:`milbench.slides.reader.Reader`."""
        (x, y), (width, height) = corner, size
        return self._pixels[y : y + height, x : x + width]

    def close(self) -> None:
        """Let go of the pixels."""
        self._pixels = self._pixels[:0]


def open_image(path: Path) -> ImageReader:
    """Read the image at ``path`` as RGB.

    Raises
    ------
    SlideError
        If it is no image, truncated, or too large to be held.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > LARGEST:
                raise SlideError(
                    f"{path}: {width} x {height} pixels are too many for a format that is read "
                    "as a whole; convert it to a tiled pyramidal TIFF"
                )
            return ImageReader(np.asarray(image.convert("RGB")))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise SlideError(f"{path}: no image, or truncated ({error})") from error
    except Image.DecompressionBombError as error:
        raise SlideError(f"{path}: {error}; convert it to a tiled pyramidal TIFF") from error
