"""Squares side by side over the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench import Box, MilbenchError, SlideError, Tiles

if TYPE_CHECKING:
    from milbench import Picture


class Grid:
    """Cut squares row by row, from the left top corner; a border smaller than one is dropped.

    Parameters
    ----------
    px
        Side of a square in level-0 pixels.
    stride
        From one square to the next; ``px``, so that they touch, when None.

    Raises
    ------
    MilbenchError
        If a setting is below 1.
    """

    def __init__(self, *, px: int = 256, stride: int | None = None) -> None:
        self._px = px
        self._stride = px if stride is None else stride
        if min(self._px, self._stride) < 1:
            raise MilbenchError(f"grid: px is {px} and stride {stride}; expected 1 or more pixels")

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:  # noqa: ARG002
        """Return the squares (N, 3, px, px), their corners, and rows and columns.

        Raises
        ------
        SlideError
            If the picture is smaller than one square: it is left out, and the others go on.
        """
        width, height = picture.size
        columns, rows = (max(0, (side - self._px) // self._stride + 1) for side in (width, height))
        if rows * columns == 0:
            raise SlideError(f"a picture of {width} x {height} holds no square of {self._px}")
        corners = np.indices((rows, columns))[::-1].reshape(2, -1).T * self._stride  # (N, 2)
        squares = [
            picture.read(Box(x, y, self._px, self._px)).transpose(2, 0, 1)
            for x, y in corners.tolist()
        ]
        return Tiles(np.stack(squares), corners, (rows, columns))
