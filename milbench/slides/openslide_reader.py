"""Slides through OpenSlide, which knows the formats of the scanners' vendors.

Source: OpenSlide's documentation of its API and properties, https://openslide.org/api/python/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import openslide

from milbench.errors import SlideError
from milbench.slides.reader import plausible_mpp

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.pictures import Pixels

WHITE = "FFFFFF"
OPAQUE = 255


class OpenSlideReader:
    """A slide that OpenSlide has opened; it may be read by several threads at once."""

    def __init__(self, path: Path, slide: openslide.OpenSlide) -> None:
        self._path, self._slide = path, slide
        self.levels = tuple(slide.level_dimensions)
        across, along = (_number(slide, f"openslide.mpp-{axis}") for axis in "xy")
        self.mpp = plausible_mpp((across, along), path)
        colour = slide.properties.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR, WHITE)
        self._background = np.frombuffer(bytes.fromhex(colour), np.uint8)  # (3,)

    def read(self, level: int, corner: tuple[int, int], size: tuple[int, int]) -> Pixels:
        """Return one region (h, w, 3) over the background; see :class:`milbench.slides.reader`."""
        try:
            image = self._slide.read_region(corner, level, size)
        except openslide.OpenSlideError as error:
            raise SlideError(
                f"{self._path}: the region of {size[0]} x {size[1]} pixels at {corner}, level "
                f"{level}, cannot be read ({error})"
            ) from error
        pixels: Pixels = np.asarray(image)  # (h, w, 4)
        opacity = pixels[..., 3:]  # (h, w, 1)
        if opacity.min() == OPAQUE:
            return np.asarray(image.convert("RGB"))  # three times as fast as copying the channels
        share = opacity / OPAQUE
        blended: Pixels = (
            (share * pixels[..., :3] + (1 - share) * self._background).round().astype(np.uint8)
        )
        return blended

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def open_slide(path: Path) -> OpenSlideReader | None:
    """Open ``path``; None where OpenSlide does not know the format.

    Raises
    ------
    SlideError
        If it knows the format, and the file is damaged.
    """
    try:
        return OpenSlideReader(path, openslide.OpenSlide(path))
    except openslide.OpenSlideUnsupportedFormatError:
        return None
    except openslide.OpenSlideError as error:
        raise SlideError(f"{path}: damaged ({error})") from error


def _number(slide: openslide.OpenSlide, name: str) -> float | None:
    try:
        return float(slide.properties[name])
    except (KeyError, ValueError):
        return None
