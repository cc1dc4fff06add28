"""The largest regions of a mask, as rectangles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from milbench import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHT = np.ones((3, 3), dtype=np.bool_)  # pixels that touch at a corner are one region


def boxes_of(mask: NDArray[np.bool_]) -> list[Box]:
    """Return the rectangle around each region of ``mask``, the largest rectangle first.

    A region is what an external contour surrounds, so an island in the hole of another region is
    part of that one. Rectangles of one area stay in the order of their first pixels, row by row.

    Parameters
    ----------
    mask : (h, w)
        True inside.
    """
    labelled, _ = ndimage.label(ndimage.binary_fill_holes(mask), structure=EIGHT)
    found = [
        Box(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        for rows, columns in ndimage.find_objects(labelled)
    ]
    return sorted(found, key=lambda box: -box.width * box.height)


def proposals(mask: NDArray[np.bool_], count: int) -> list[Box]:
    """Return ``count`` boxes: the largest ones, then the largest again; of no mask the whole.

    Source: Metavers1/kaggle_UBC-OCEAN-MIL, commit 6be6b60.
    """
    height, width = mask.shape
    found = boxes_of(mask)[:count] or [Box(0, 0, width, height)]
    return found + [found[0]] * (count - len(found))
