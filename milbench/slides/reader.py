"""What reads a slide file: OpenSlide first, then tifffile, and pillow for small images."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from milbench.errors import MissingDataError, SlideError

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.pictures import Pixels

PLAIN = (".png", ".jpg", ".jpeg", ".bmp")
TIFF = (".tif", ".tiff", ".svs", ".ndpi", ".scn", ".bif", ".qptiff")

# Resolutions of paper: 1200 dots per inch, 21 micrometres, is a fine print and no microscope.
# Pictures that were never scanned state 72 or 96 all the same.
COARSEST_MPP = 25_400 / 1200
ANISOTROPY = 1.1  # pixels that differ more between their sides are no squares


class Reader(Protocol):
    """An open slide file."""

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Return width and height of each level, level 0 first, each coarser than the last."""

    @property
    def mpp(self) -> float | None:
        """Return micrometres per level-0 pixel, where the file states them."""

    def read(self, level: int, corner: tuple[int, int], size: tuple[int, int]) -> Pixels:
        """Return the pixels of one region, (h, w, 3) uint8.

        Parameters
        ----------
        level
            Position in ``levels``.
        corner
            Left and top, in level-0 pixels.
        size
            Width and height, in pixels of the level.

        Raises
        ------
        SlideError
            If the region cannot be decoded.
        """

    def close(self) -> None:
        """Close the file."""


def open_reader(path: Path) -> Reader:
    """Open the slide at ``path`` with the first library that knows its format.

    Raises
    ------
    SlideError
        If the file is absent, empty, truncated or no slide.
    MissingDataError
        If no library that could read it is installed.
    """
    if not path.exists():
        raise SlideError(f"{path}: no such file")
    if path.suffix.lower() in PLAIN:
        return _plain(path)
    has_openslide, has_tifffile = (find_spec(name) for name in ("openslide", "tifffile"))
    if not has_openslide and not has_tifffile:
        raise _missing(path, "neither openslide-python nor tifffile is")
    if has_openslide:
        from milbench.slides.openslide_reader import open_slide  # noqa: PLC0415  # an extra

        found = open_slide(path)
        if found is not None:
            return found
    if has_tifffile and path.suffix.lower() in TIFF:
        from milbench.slides.tiff_reader import open_tiff  # noqa: PLC0415  # an extra

        return open_tiff(path)
    raise SlideError(f"{path}: no slide of a known format, or damaged at its beginning")


def plausible_mpp(stated: tuple[float | None, float | None], path: Path) -> float | None:
    """Return the resolution of a file that states one for each axis; None where it states none.

    A resolution of print, coarser than 21 micrometres, counts as none: it was never measured.

    Raises
    ------
    SlideError
        If the axes differ by more than a tenth.
    """
    x, y = stated
    if x is None or y is None or not (0 < x < COARSEST_MPP and 0 < y < COARSEST_MPP):
        return None
    if max(x, y) > ANISOTROPY * min(x, y):
        raise SlideError(
            f"{path}: states {x:g} and {y:g} micrometres per pixel for its two axes; expected "
            "square pixels"
        )
    return (x + y) / 2


def _plain(path: Path) -> Reader:
    if not find_spec("PIL"):
        raise _missing(path, "pillow is not")
    from milbench.slides.image_reader import open_image  # noqa: PLC0415  # an extra

    return open_image(path)


def _missing(path: Path, what: str) -> MissingDataError:
    return MissingDataError(
        f"{path.name} cannot be read: {what} installed; run: pip install 'milbench[slides]'"
    )
