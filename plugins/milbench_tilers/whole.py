"""The picture as the one instance of its bag, for classifiers of whole images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench import Box, MilbenchError, Tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench import Picture


class Whole:
    """Give the whole picture as one instance.

    Parameters
    ----------
    size
        Width and height to resample every picture to, with antialiasing; None leaves pictures as
        they are, which then must be of one size.

    Raises
    ------
    MilbenchError
        If ``size`` is no pair of positive numbers.
    """

    def __init__(self, *, size: Sequence[int] | None = None) -> None:
        if size is not None and (len(size) != 2 or min(size) < 1):  # noqa: PLR2004  # a pair
            raise MilbenchError(f"whole: size is {size!r}; expected [width, height] in pixels")
        self._size = None if size is None else (int(size[0]), int(size[1]))

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:  # noqa: ARG002
        """Return one instance (1, 3, h, w) at the corner (0, 0), in a grid of 1 x 1."""
        box = Box(0, 0, *picture.size)
        pixels = picture.read(box, self._size)  # (h, w, 3)
        corner = np.zeros((1, 2), np.int64)
        return Tiles(pixels.transpose(2, 0, 1)[None], corner, (1, 1), boxes=[box])
