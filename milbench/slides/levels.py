"""Read a region of a slide at a size: the level that is fine enough, resampled where it is finer.

A region that is large at that level is read in bands, so that the thumbnail of a slide with one
level does not hold the slide.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from milbench.pictures import Box, resized

if TYPE_CHECKING:
    from milbench.pictures import Pixels
    from milbench.slides.reader import Reader

BAND = 2**23  # pixels of a level that are read at once: 25 MB, and 100 MB as float while resampled
ROUNDING = 1.01  # sizes of levels are rounded: 75 for 300 / 4, but 62 for 250 / 4


def best_level(levels: tuple[tuple[int, int], ...], box: Box, size: tuple[int, int]) -> int:
    """Return the coarsest level at which ``box`` still has ``size`` pixels or more."""
    asked = min(box.width / size[0], box.height / size[1])  # level-0 pixels for one
    given = [min(levels[0][0] / width, levels[0][1] / height) for width, height in levels]
    fine = [level for level, pixels in enumerate(given) if pixels <= ROUNDING * asked]
    return fine[-1] if fine else 0


def read_region(reader: Reader, box: Box, size: tuple[int, int]) -> Pixels:
    """Return the pixels of ``box``, in level-0 pixels, at ``size``: (h, w, 3) uint8."""
    level = best_level(reader.levels, box, size)
    scale = [
        whole / part for whole, part in zip(reader.levels[0], reader.levels[level], strict=True)
    ]
    width, height = max(1, round(box.width / scale[0])), max(1, round(box.height / scale[1]))
    if width * height <= BAND:
        return resized(reader.read(level, (box.x, box.y), (width, height)), size)
    return _in_bands(reader, box, size, max(1, BAND // width) / height)


def _in_bands(reader: Reader, box: Box, size: tuple[int, int], share: float) -> Pixels:
    """Return the pixels of ``box`` in bands, each ``share`` of its height or one row."""
    rows = max(1, int(share * size[1]))
    edges = [*range(0, size[1], rows), size[1]]
    bands = []
    for top, bottom in pairwise(edges):
        y, below = (box.y + box.height * edge // size[1] for edge in (top, bottom))
        band = Box(box.x, y, box.width, max(1, below - y))
        bands.append(read_region(reader, band, (size[0], bottom - top)))
    return np.concatenate(bands)
