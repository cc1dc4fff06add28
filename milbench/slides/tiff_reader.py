"""Pyramidal TIFF through tifffile, where OpenSlide is absent or does not know the file.

Compressed JPEG tiles need imagecodecs beside tifffile; deflate, LZW and none need nothing.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import tifffile

from milbench.errors import SlideError
from milbench.slides.reader import plausible_mpp

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.pictures import Pixels

# What it says of a damaged file is said by the error that follows, with the slide's name.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

CHANNELS = 3
APERIO_MPP = re.compile(r"\|MPP = ([\d.]+)")  # in the ImageDescription of an SVS
MICROMETRES = {2: 25_400.0, 3: 10_000.0}  # TIFF 6.0, ResolutionUnit: inch, centimetre


class TiffReader:
    """A TIFF of RGB levels in tiles or strips; it may be read by several threads at once."""

    def __init__(self, path: Path, file: tifffile.TiffFile) -> None:
        self._path, self._file, self._reading = path, file, Lock()
        self._pages = _levels(path, file)
        self.levels = tuple((page.imagewidth, page.imagelength) for page in self._pages)
        self.mpp = plausible_mpp(_mpp(self._pages[0]), path)

    def read(self, level: int, corner: tuple[int, int], size: tuple[int, int]) -> Pixels:
        """Return one region (h, w, 3), white outside; see :class:`milbench.slides.reader`."""
        page, (whole, part) = self._pages[level], (self.levels[0], self.levels[level])
        x, y = (round(c * p / w) for c, p, w in zip(corner, part, whole, strict=True))
        width, height = size
        region = np.full((height, width, CHANNELS), 255, np.uint8)
        rows, columns = _segment_size(page)
        across = -(-page.imagewidth // columns)
        for row in range(y // rows, -(-min(y + height, part[1]) // rows)):
            for column in range(x // columns, -(-min(x + width, part[0]) // columns)):
                pixels = self._segment(page, row * across + column)
                _paste(region, pixels, (column * columns - x, row * rows - y))
        return region

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _segment(self, page: tifffile.TiffPage, index: int) -> Pixels:
        """Return one tile or strip without what stands over the border, (h, w, 3)."""
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        with self._reading:
            self._file.filehandle.seek(offset)
            data = self._file.filehandle.read(count)
        try:
            decoded, _, shape = page.decode(
                data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
            )
        except Exception as error:  # each codec raises what it likes
            raise SlideError(
                f"{self._path}: tile {index} of {len(page.dataoffsets)} cannot be read ({error})"
            ) from error
        if decoded is None:  # a sparse file: nothing was scanned here
            return np.full((shape[1], shape[2], CHANNELS), 255, np.uint8)
        return cast("Pixels", decoded[0, : shape[1], : shape[2], :CHANNELS])


def open_tiff(path: Path) -> TiffReader:
    """Open the TIFF at ``path``.

    Raises
    ------
    SlideError
        If it is no TIFF, truncated, or holds no RGB image of 8 bits.
    """
    try:
        file = tifffile.TiffFile(path)
    except (tifffile.TiffFileError, OSError, ValueError) as error:
        raise SlideError(f"{path}: no TIFF, or truncated ({error})") from error
    try:
        return TiffReader(path, file)
    except Exception as error:
        file.close()
        if isinstance(error, SlideError):
            raise
        raise SlideError(f"{path}: damaged TIFF ({error})") from error


def _levels(path: Path, file: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """Return the largest image and what is coarser in its shape, the largest first."""
    pages: list[Any] = list(file.pages)
    for page in tuple(pages):
        pages += page.pages or []  # levels as the sub-images of one page
    fit = [page for page in pages if _is_rgb(page)]
    if not fit:
        raise SlideError(f"{path}: holds no RGB image of 8 bits a channel")
    fit.sort(key=lambda page: -page.imagewidth * page.imagelength)
    first, levels = fit[0], [fit[0]]
    for page in fit[1:]:
        wide, high = first.imagewidth / page.imagewidth, first.imagelength / page.imagelength
        is_coarser = page.imagewidth < levels[-1].imagewidth
        rounding = 1.0 + 1.0 / min(page.imagewidth, page.imagelength)
        if (
            is_coarser
            and page.is_tiled == first.is_tiled
            and max(wide, high) <= rounding * min(wide, high)
        ):
            levels.append(page)
    return levels


def _is_rgb(page: Any) -> bool:
    is_rgb = page.photometric in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
    return bool(is_rgb and page.bitspersample == 8 and page.planarconfig == 1)  # noqa: PLR2004  # as said


def _mpp(page: tifffile.TiffPage) -> tuple[float | None, float | None]:
    """Return micrometres per pixel over both axes, as Aperio writes them or as TIFF 6.0 does."""
    if said := APERIO_MPP.search(page.description):
        return float(said[1]), float(said[1])
    with suppress(KeyError, ZeroDivisionError, TypeError):
        unit = MICROMETRES[int(page.tags["ResolutionUnit"].value)]
        across, along = (page.tags[name].value for name in ("XResolution", "YResolution"))
        return unit * across[1] / across[0], unit * along[1] / along[0]
    return None, None


def _segment_size(page: Any) -> tuple[int, int]:
    """Return rows and columns of a tile, or of a strip."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def _paste(region: Pixels, pixels: Pixels, at: tuple[int, int]) -> None:
    """Lay ``pixels`` on ``region`` with their corner at ``at``, x and y, which may be outside."""
    left, top = max(0, at[0]), max(0, at[1])
    right = min(region.shape[1], at[0] + pixels.shape[1])
    bottom = min(region.shape[0], at[1] + pixels.shape[0])
    if left < right and top < bottom:
        region[top:bottom, left:right] = pixels[
            top - at[1] : bottom - at[1], left - at[0] : right - at[0]
        ]
