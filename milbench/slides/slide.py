"""One slide file as a picture: opened when it is first read, and read region by region.

What opens the file is imported then, so that a data set lists a thousand slides at no cost.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.pictures import Box, shrunk

if TYPE_CHECKING:
    from milbench.pictures import Pixels
    from milbench.slides.reader import Reader


class Slide:
    """A slide file: every format of OpenSlide, pyramidal TIFF, and small PNG or JPEG.

    A slide travels to another process as its path, and may be read by several threads at once.

    Parameters
    ----------
    path
        The file.
    mpp
        Micrometres per pixel of level 0, where the file does not state them or states them wrong;
        what the file states when None.
    """

    def __init__(self, path: Path, mpp: float | None = None) -> None:
        self.path = Path(path)
        self._given = mpp
        self._reader: Reader | None = None
        self._opening = Lock()

    def __repr__(self) -> str:
        return f"Slide({str(self.path)!r}, mpp={self._given})"

    def __reduce__(self) -> tuple[type[Slide], tuple[Path, float | None]]:
        """Travel as the path, without the open file."""
        return Slide, (self.path, self._given)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in level-0 pixels.

        Raises
        ------
        SlideError
            If the file is absent, truncated or no slide; so do all that read it.
        """
        return self._opened().levels[0]

    @property
    def mpp(self) -> float | None:
        """Return micrometres per level-0 pixel; None where neither file nor data set says them."""
        return self._opened().mpp if self._given is None else self._given

    def read(self, box: Box, size: tuple[int, int] | None = None) -> Pixels:
        """Return the pixels inside ``box``, (h, w, 3) uint8; see :meth:`milbench.Picture.read`.

        They come from the coarsest level that is fine enough for ``size``.

        Raises
        ------
        DatasetError
            If the box is empty or leaves the slide.
        SlideError
            If the region cannot be read.
        """
        from milbench.slides.levels import read_region  # noqa: PLC0415  # loads numpy

        reader = self._opened()
        x, y, width, height = box
        right, bottom = x + width, y + height
        is_inside = right <= reader.levels[0][0] and bottom <= reader.levels[0][1]
        if min(x, y) < 0 or min(width, height) < 1 or not is_inside:
            raise DatasetError(
                f"{self.path}: {box} leaves the slide of {reader.levels[0]}; cut inside it"
            )
        return read_region(reader, Box(*box), size or (width, height))

    def thumbnail(self, longest: int) -> Pixels:
        """Return the whole slide with ``longest`` pixels on its longer side, (h, w, 3)."""
        return self.read(Box(0, 0, *self.size), shrunk(self.size, longest))

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        with self._opening:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _opened(self) -> Reader:
        from milbench.slides.reader import open_reader  # noqa: PLC0415  # loads OpenSlide

        with self._opening:
            if self._reader is None:
                self._reader = open_reader(self.path)
            return self._reader
