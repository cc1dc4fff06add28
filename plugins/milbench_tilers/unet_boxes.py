"""The largest regions that a U-Net finds, each as one instance.

Source: the region proposal of Metavers1/kaggle_UBC-OCEAN-MIL, commit 6be6b60 (2025); U-Net of
O. Ronneberger, P. Fischer and T. Brox, MICCAI 2015, https://arxiv.org/abs/1505.04597.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milbench import Box, Tiles
from milbench_tilers.boxes import proposals
from milbench_tilers.segmenter import Segmenter, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from milbench import MaskedPicture, Picture


class UNetBoxes:
    """Cut the rectangles around the largest regions, and resample each to a square.

    The repository cuts crops from the boxes, see :class:`milbench_tilers.crops9.Crops9`; the boxes
    alone are a proposal of regions like any other.

    Parameters
    ----------
    count
        Boxes; where a mask has fewer the largest is repeated, where it has none it is the whole.
    size
        Side of an instance in pixels.
    unet
        Settings of :class:`milbench_tilers.segmenter.Settings`.
    """

    def __init__(
        self, *, count: int = 3, size: int = 512, unet: dict[str, Any] | None = None
    ) -> None:
        self._count, self._size = count, size
        self.segmenter = Segmenter(settings(unet or {}, "unet-boxes"))

    def fit(self, masked: Sequence[MaskedPicture]) -> None:
        """Train the U-Net."""
        self.segmenter.fit(masked)

    def mask(self, picture: Picture) -> NDArray[np.bool_]:
        """Return where the U-Net finds tissue, at the size of a thumbnail, (h, w)."""
        return self.segmenter.mask(picture)

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:  # noqa: ARG002
        """Return the boxes as instances (count, 3, size, size)."""
        mask = self.segmenter.mask(picture)
        boxes = [at_level_0(box, mask.shape, picture.size) for box in proposals(mask, self._count)]
        size = (self._size, self._size)
        images = [picture.read(box, size).transpose(2, 0, 1) for box in boxes]
        return Tiles(np.stack(images), np.array([(box.x, box.y) for box in boxes]))


def at_level_0(box: Box, mask: tuple[int, ...], size: tuple[int, int]) -> Box:
    """Return a box of a mask (h, w) in the pixels of a picture of ``size``, (width, height)."""
    x_scale, y_scale = size[0] / mask[1], size[1] / mask[0]
    x, y = int(box.x * x_scale), int(box.y * y_scale)
    right, bottom = int((box.x + box.width) * x_scale), int((box.y + box.height) * y_scale)
    return Box(x, y, max(1, right - x), max(1, bottom - y))
