"""Label tiles by a mask: a picture as large as the slide whose red channel holds codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from milbench import Box, Slide, SlideError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelMask:
    """The mask of one slide.

    Parameters
    ----------
    path
        Of the mask.
    slide
        Of the slide, to compare sizes.
    labels_of
        The label of each code of the red channel; -1 for unknown.
    """

    path: Path
    slide: Path
    labels_of: Mapping[int, int]

    def labels(self, boxes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Label each tile by the pixel in its middle, as drawn polygons do.

        Parameters
        ----------
        boxes : (N, 4)
            Left, top, width and height in level-0 pixels.

        Returns
        -------
        (N,)

        Raises
        ------
        SlideError
            If the mask is damaged, is of another size than the slide, or has an unknown code.
        """
        mask, slide = Slide(self.path), Slide(self.slide)
        try:
            if mask.size != slide.size:
                raise SlideError(
                    f"{self.path}: {mask.size} pixels, and the slide has {slide.size}; get it again"
                )
            middles = boxes[:, :2] + boxes[:, 2:] // 2  # (N, 2)
            found = [self._label(mask, x, y) for x, y in middles.tolist()]
        finally:
            mask.close()
            slide.close()
        return np.array(found, dtype=np.int64)

    def _label(self, mask: Slide, x: int, y: int) -> int:
        code = int(mask.read(Box(x, y, 1, 1))[0, 0, 0])
        if code not in self.labels_of:
            known = ", ".join(map(str, self.labels_of))
            raise SlideError(f"{self.path}, pixel ({x}, {y}): code {code}; expected one of {known}")
        return self.labels_of[code]


@dataclass(frozen=True, slots=True)
class NoMask:
    """A slide without a mask among others that have one: every tile is unknown."""

    def labels(self, boxes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return -1 for each of the boxes (N, 4), (N,)."""
        return np.full(len(boxes), -1, dtype=np.int64)
