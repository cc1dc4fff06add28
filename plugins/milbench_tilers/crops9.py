"""Nine crops of the largest regions that a U-Net finds, where most of each is tissue.

Source: Metavers1/kaggle_UBC-OCEAN-MIL, commit 6be6b60 (2025), a solution of the Kaggle competition
UBC-OCEAN on subtypes of ovarian cancer; only its inference is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from milbench import Box, MilbenchError, Tiles
from milbench_tilers.boxes import proposals
from milbench_tilers.segmenter import Segmenter, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from milbench import MaskedPicture, Picture

BOXES = 3
SIDES = (2000, 1500, 1750)
ATTEMPTS = 5


class Scaled(NamedTuple):
    """A mask (h, w), and how many pixels of the picture one of its pixels is, over both axes."""

    mask: NDArray[np.bool_]
    scale: float


class Crops9:
    """Cut squares of three sides from the three largest regions (UBC-OCEAN notebook, 2025).

    Of five places drawn inside a box, the one with the largest share of tissue is kept. A picture
    whose longer side is below ``whole_below`` is a core of a tissue microarray: it is one instance,
    the whole of it. Its README speaks of crops of 1000 x 1000; its code does what is done here. The
    crops are given as bytes; mean and deviation of the notebook belong to the encoder.

    Departure: a crop that would leave the picture, because mask and picture differ a little in
    shape or the picture is smaller than the crop, is moved or shrunk to fit.

    Parameters
    ----------
    sides
        Of the crops, in level-0 pixels.
    attempts
        Places drawn for each crop.
    size
        Side of an instance in pixels.
    whole_below
        Longer side, in pixels, below which a picture is not cut.
    boxes
        Regions, each of which gives one crop of each side.
    unet
        Settings of :class:`milbench_tilers.segmenter.Settings`.

    Raises
    ------
    MilbenchError
        If there are no sides, boxes or attempts.
    """

    def __init__(  # noqa: PLR0913  # a tiler's settings are keywords by contract
        self,
        *,
        sides: Sequence[int] = SIDES,
        attempts: int = ATTEMPTS,
        size: int = 512,
        whole_below: int = 6000,
        boxes: int = BOXES,
        unet: dict[str, Any] | None = None,
    ) -> None:
        if not sides or min(*sides, attempts, boxes, size) < 1:
            raise MilbenchError(
                f"crops9: sides {list(sides)}, attempts {attempts}, boxes {boxes}, size {size}; "
                "expected 1 or more of each"
            )
        self._sides, self._attempts, self._boxes = tuple(sides), attempts, boxes
        self._size, self._whole_below = size, whole_below
        self.segmenter = Segmenter(settings(unet or {}, "crops9"))

    def fit(self, masked: Sequence[MaskedPicture]) -> None:
        """Train the U-Net."""
        self.segmenter.fit(masked)

    def mask(self, picture: Picture) -> NDArray[np.bool_]:
        """Return where the U-Net finds tissue, at the size of a thumbnail, (h, w)."""
        return self.segmenter.mask(picture)

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:
        """Return the crops (boxes x sides, 3, size, size), or the whole picture alone."""
        if max(picture.size) < self._whole_below:
            return self._cut(picture, [Box(0, 0, *picture.size)])
        return self._cut(picture, self.crops(picture, self.segmenter.mask(picture), generator))

    def crops(
        self, picture: Picture, mask: NDArray[np.bool_], generator: np.random.Generator
    ) -> list[Box]:
        """Return the crops of a picture in level-0 pixels, box by box and side by side.

        Parameters
        ----------
        mask : (h, w)
            Where tissue is, at any resolution.
        """
        height, width = mask.shape
        scaled = Scaled(mask, float(np.mean([picture.size[0] / width, picture.size[1] / height])))
        found = []
        for box in proposals(mask, self._boxes):
            for wanted in self._sides:
                side = max(1, int(wanted / scaled.scale))
                x, y = self._best_place(scaled.mask, box, side, generator)
                found.append(_inside(picture.size, scaled.scale, (x, y), side))
        return found

    def _best_place(
        self, mask: NDArray[np.bool_], box: Box, side: int, generator: np.random.Generator
    ) -> tuple[int, int]:
        """Return the drawn place with the largest share of tissue, the last of equals."""
        height, width = mask.shape
        best, place = -1.0, (0, 0)
        for _ in range(self._attempts):
            x = int(generator.integers(box.x, box.x + box.width, endpoint=True))
            y = int(generator.integers(box.y, box.y + box.height, endpoint=True))
            x, y = max(0, min(x, width - side)), max(0, min(y, height - side))
            share = float(mask[y : y + side, x : x + side].mean())
            if share >= best:
                best, place = share, (x, y)
        return place

    def _cut(self, picture: Picture, boxes: list[Box]) -> Tiles:
        size = (self._size, self._size)
        images = [picture.read(box, size).transpose(2, 0, 1) for box in boxes]
        return Tiles(np.stack(images), np.array([(box.x, box.y) for box in boxes]))


def _inside(size: tuple[int, int], scale: float, place: tuple[int, int], side: int) -> Box:
    """Return the square of a mask at ``place`` in the pixels of a picture of ``size``."""
    length = min(int(side * scale), *size)
    x, y = (min(int(p * scale), whole - length) for p, whole in zip(place, size, strict=True))
    return Box(x, y, length, length)
