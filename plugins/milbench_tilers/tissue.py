"""Squares of the tissue of a slide, at a physical resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milbench import Box, DatasetError, MilbenchError, Regions, SlideError, Tiles
from milbench_tilers.tissue_mask import Segmentation, tissue_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from milbench import Picture

# Scanners state 0.2498 or 0.499 where they mean a quarter and a half: a square within a hundredth
# of whole pixels is cut at whole pixels, and so is not resampled by next to nothing.
TOLERANCE = 0.01


class Tissue:
    """Cut squares of one physical size row by row, where enough of each is tissue.

    The grid starts at the left top corner of the slide; what is left at the right and below is
    dropped. Tiles are read while they are encoded, from the level that is fine enough.

    Parameters
    ----------
    tile_px, mpp
        Side of a tile in pixels, and micrometres per pixel of it: 256 of half a micrometre are
        0.128 mm, which CLAM cuts at 20-fold magnification.
    overlap
        Pixels of a tile that it shares with the next.
    tissue
        Least share of a tile that is tissue; a half is ours.
    limit
        Keep so many tiles, drawn at random from all; a bag always keeps the same. None keeps all.
    slide_mpp
        Micrometres per level-0 pixel of slides that state none. What a slide states wins.
    mask_mpp
        Micrometres per pixel of the thumbnail that tissue is found on: 64 pixels of 0.25, the level
        that CLAM segments.
    segmentation
        Settings of :class:`milbench_tilers.tissue_mask.Segmentation`.

    Raises
    ------
    MilbenchError
        If a setting is impossible or unknown.
    """

    def __init__(  # noqa: PLR0913  # a tiler's settings are keywords by contract
        self,
        *,
        tile_px: int = 256,
        mpp: float = 0.5,
        overlap: int = 0,
        tissue: float = 0.5,
        limit: int | None = None,
        slide_mpp: float | None = None,
        mask_mpp: float = 16.0,
        segmentation: dict[str, Any] | None = None,
    ) -> None:
        positive = (tile_px, mpp, mask_mpp, slide_mpp or 1, 1 if limit is None else limit)
        if min(positive) <= 0 or not 0 <= overlap < tile_px or not 0 <= tissue <= 1:
            raise MilbenchError(
                f"tissue: tile_px {tile_px}, mpp {mpp}, overlap {overlap}, tissue {tissue}, limit "
                f"{limit}, slide_mpp {slide_mpp}, mask_mpp {mask_mpp}; expected sizes above 0, an "
                "overlap below tile_px, and a share between 0 and 1"
            )
        self._tile_px, self._mpp, self._overlap = tile_px, mpp, overlap
        self._tissue, self._limit = tissue, limit
        self._slide_mpp, self._mask_mpp = slide_mpp, mask_mpp
        self._segmentation = _segmentation(segmentation or {})

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:
        """Return the tiles (N, 3, tile_px, tile_px) and their corners (N, 2), row by row.

        Raises
        ------
        DatasetError
            If the slide states no resolution.
        SlideError
            If it is coarser than the tiles, or holds no tile with enough tissue.
        """
        side, step = self._sides(picture)
        corners = grid_corners(picture.size, side, step)  # (M, 2)
        shares = tissue_shares(self.mask(picture), picture.size, corners, side)  # (M,)
        kept = np.flatnonzero(shares >= max(self._tissue, np.finfo(np.float64).tiny))
        if len(kept) == 0:
            raise SlideError(
                f"no tissue: none of the {len(corners)} tiles of {side} level-0 pixels has a "
                f"share of {self._tissue:g} or more"
            )
        if self._limit is not None and len(kept) > self._limit:
            kept = np.sort(generator.choice(kept, self._limit, replace=False))
        coords = corners[kept]
        boxes = [Box(x, y, side, side) for x, y in coords.tolist()]
        return Tiles(Regions(picture, boxes, (self._tile_px, self._tile_px)), coords)

    def mask(self, picture: Picture) -> NDArray[np.bool_]:
        """Return where the tissue is, at the size of a thumbnail, (h, w)."""
        resolution, longest = self._resolution(picture), max(picture.size)
        pixels = max(1, round(longest * min(1.0, resolution / self._mask_mpp)))
        thumbnail = picture.thumbnail(pixels)  # (h, w, 3)
        return tissue_mask(thumbnail, resolution * longest / pixels, self._segmentation)

    def _resolution(self, picture: Picture) -> float:
        """Return micrometres per level-0 pixel."""
        stated: float | None = getattr(picture, "mpp", None)
        found = self._slide_mpp if stated is None else stated
        if found is None:
            raise DatasetError(
                f"{getattr(picture, 'path', 'the picture')} states no resolution, and objective "
                "magnification is none; set slide_mpp of tiler 'tissue', or mpp where the data "
                "set lists the slide, to its micrometres per pixel, or cut pixels with "
                "the tiler 'grid'"
            )
        return found

    def _sides(self, picture: Picture) -> tuple[int, int]:
        """Return the side of a tile, and the step to the next, in level-0 pixels."""
        scale = self._mpp / self._resolution(picture)  # level-0 pixels for one of a tile
        if abs(scale / max(1, round(scale)) - 1) <= TOLERANCE:
            scale = round(scale)
        if scale < 1:
            raise SlideError(
                f"{self._mpp / scale:g} micrometres per pixel are coarser than the {self._mpp:g} "
                "of the tiles; what is not there cannot be enlarged"
            )
        side = round(self._tile_px * scale)
        return side, max(1, round((self._tile_px - self._overlap) * scale))


def grid_corners(size: tuple[int, int], side: int, step: int) -> NDArray[np.int64]:
    """Return the corners (N, 2), x before y, of all squares inside a picture, row by row.

    Parameters
    ----------
    size
        Width and height of the picture.
    side, step
        Of a square, and to the next one.
    """
    columns, rows = (max(0, (whole - side) // step + 1) for whole in size)
    return np.indices((rows, columns))[::-1].reshape(2, -1).T * step


def tissue_shares(
    mask: NDArray[np.bool_], size: tuple[int, int], corners: NDArray[np.int64], side: int
) -> NDArray[np.float64]:
    """Return how much of each square is tissue, (N,): of the mask's pixels that it touches.

    Parameters
    ----------
    mask : (h, w)
        True where tissue is.
    size
        Width and height of the picture in level-0 pixels.
    corners : (N, 2)
        Left and top of each square, in level-0 pixels.
    side
        Of a square.
    """
    height, width = mask.shape
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # (h + 1, w + 1)
    scale = np.array([width / size[0], height / size[1]])
    first = np.minimum(np.floor(corners * scale), [width - 1, height - 1]).astype(np.int64)
    last = np.clip(np.ceil((corners + side) * scale), first + 1, [width, height]).astype(np.int64)
    (left, top), (right, bottom) = first.T, last.T
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    shares: NDArray[np.float64] = inside / ((right - left) * (bottom - top))
    return shares


def _segmentation(given: dict[str, Any]) -> Segmentation:
    try:
        return Segmentation(**given)
    except TypeError:
        known = ", ".join(Segmentation.__dataclass_fields__)
        raise MilbenchError(
            f"tissue: segmentation is {given}; expected some of the settings {known}"
        ) from None
