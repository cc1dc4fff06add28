"""A slide at a glance: its thumbnail, with the outline of the tissue and the tiles that are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from milbench.pictures import Box, Picture, Pixels

TISSUE, TILE = (0, 140, 60), (20, 60, 220)  # green and blue, which H&E has not
THICK = 2  # pixels of the outline


def overview(
    picture: Picture,
    tiles: Sequence[Box],
    mask: NDArray[np.bool_] | None = None,
    longest: int = 1600,
) -> Pixels:
    """Return the drawing, (h, w, 3) uint8.

    Parameters
    ----------
    tiles
        In level-0 pixels.
    mask : (h', w'), optional
        True where tissue is, at any resolution.
    longest
        Pixels of the longer side; a small picture is not enlarged.
    """
    drawing = picture.thumbnail(min(longest, max(picture.size))).copy()  # (h, w, 3)
    height, width = drawing.shape[:2]
    for tile in tiles:
        _frame(drawing, tile, (width / picture.size[0], height / picture.size[1]))
    if mask is not None:
        drawing[_outline(_enlarged(mask, (height, width)))] = TISSUE
    return drawing


def _frame(drawing: Pixels, tile: Box, scale: tuple[float, float]) -> None:
    """Draw the border of a tile, one pixel wide."""
    left, top = int(tile.x * scale[0]), int(tile.y * scale[1])
    right = min(drawing.shape[1], max(left + 1, int((tile.x + tile.width) * scale[0])))
    bottom = min(drawing.shape[0], max(top + 1, int((tile.y + tile.height) * scale[1])))
    for rows, columns in (
        (slice(top, bottom), slice(left, left + 1)),
        (slice(top, bottom), slice(right - 1, right)),
        (slice(top, top + 1), slice(left, right)),
        (slice(bottom - 1, bottom), slice(left, right)),
    ):
        drawing[rows, columns] = TILE


def _enlarged(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the nearest pixel of ``mask`` for each pixel of a drawing of ``size``, (h, w)."""
    rows, columns = (
        np.minimum(np.arange(whole) * part // whole, part - 1)
        for whole, part in zip(size, mask.shape, strict=True)
    )
    enlarged: NDArray[np.bool_] = mask[np.ix_(rows, columns)]
    return enlarged


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of ``mask`` that are next to its outside, (h, w)."""
    inner: NDArray[np.bool_] = ndimage.binary_erosion(mask, iterations=THICK)
    return mask & ~inner
