"""Where the tissue of a slide is: Otsu's threshold on the saturation of a thumbnail.

Sources: N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on
Systems, Man, and Cybernetics 9 (1979) 62-66, https://doi.org/10.1109/TSMC.1979.4310076; the steps
and numbers are those of M. Y. Lu et al., "Data-efficient and weakly supervised computational
pathology on whole-slide images", Nature Biomedical Engineering 5 (2021) 555-570,
https://doi.org/10.1038/s41551-020-00682-w, with the presets ``tcga.csv`` and ``bwh_biopsy.csv`` of
mahmoodlab/CLAM, commits 7e24b44 and 5faf04c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 256
EIGHT = np.ones((3, 3), dtype=np.bool_)  # pixels that touch at a corner are one piece


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """How tissue is told from glass.

    Parameters
    ----------
    saturation
        Least saturation of tissue, of 255, whatever Otsu's threshold is: 8 in ``tcga.csv``. It
        keeps the noise of an empty slide from being split into glass and tissue.
    median, closing
        Sides of the median filter and of the square that closes gaps, in pixels of 16 micrometres:
        7 and 4 in ``tcga.csv``, on a level 64 times coarser than one of 0.25.
    piece, hole
        Areas in square micrometres below which a piece of tissue is dropped, and a hole in one is
        filled: that of one patch of 512 pixels of 0.25 micrometres, ``a_t`` and ``a_h`` of
        ``bwh_biopsy.csv``, so that no needle biopsy is lost.
    """

    saturation: int = 8
    median: int = 7
    closing: int = 4
    piece: float = 128.0**2
    hole: float = 128.0**2


AS_PUBLISHED = Segmentation()


def tissue_mask(
    thumbnail: NDArray[np.uint8], mpp: float, how: Segmentation = AS_PUBLISHED
) -> NDArray[np.bool_]:
    """Return where the tissue of a thumbnail is, (h, w).

    Departures from CLAM, which has contours of OpenCV: the threshold is Otsu's, an option there,
    and not fixed; a hole is filled or kept by its area alone, however many there are.

    Parameters
    ----------
    thumbnail : (h, w, 3) uint8
        RGB.
    mpp
        Micrometres per pixel of the thumbnail.
    how
        Settings.
    """
    smooth = ndimage.median_filter(saturation(thumbnail), how.median)  # (h, w)
    above = smooth > max(otsu(smooth), how.saturation)
    closed = ndimage.grey_closing(above.astype(np.uint8), (how.closing, how.closing)) > 0
    filled = closed | _small(~closed, how.hole / mpp**2, structure=None, is_inside=True)
    return filled & ~_small(filled, how.piece / mpp**2, structure=EIGHT, is_inside=False)


def saturation(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the saturation of HSV, (h, w): 0 for greys and black, 255 for pure colours.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
        RGB.
    """
    high, low = pixels.max(axis=2), pixels.min(axis=2)  # (h, w)
    share = (high - low) / np.maximum(high, 1).astype(np.float32)
    bytes_of_share: NDArray[np.uint8] = (255 * share).round().astype(np.uint8)
    return bytes_of_share


def otsu(values: NDArray[np.uint8]) -> int:
    """Return the threshold that separates two classes best (Otsu 1979, eq. 18); above is the one.

    The first of equals, so 0 where all values are one.
    """
    counts = np.bincount(values.ravel(), minlength=LEVELS)  # (256,)
    share = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * np.arange(LEVELS)) / counts.sum()
    spread = share * (1 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(spread > 0, (mean[-1] * share - mean) ** 2 / spread, 0.0)
    return int(between.argmax())


def _small(
    mask: NDArray[np.bool_], area: float, *, structure: NDArray[np.bool_] | None, is_inside: bool
) -> NDArray[np.bool_]:
    """Return the regions of ``mask`` below ``area`` pixels; those at the border may be left out."""
    labelled, count = ndimage.label(mask, structure=structure)
    is_small = np.bincount(labelled.ravel(), minlength=count + 1) < area
    is_small[0] = False
    if is_inside:  # what reaches the border is glass around the tissue
        for edge in (labelled[0], labelled[-1], labelled[:, 0], labelled[:, -1]):
            is_small[edge] = False
    small: NDArray[np.bool_] = is_small[labelled]
    return small
