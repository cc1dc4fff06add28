"""Squares side by side in the middle of a picture, as A-MIL cuts them.

Source: A. Patil et al., "Breast Cancer Histopathology Image Classification and Localization using
Multiple Instance Learning", WIECON-ECE 2019, https://arxiv.org/abs/2003.00823; Dipeshtamboli/Image-
Classification-and-Localization-using-Multiple-Instance-Learning, commit d057145.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench import Box, MilbenchError, Tiles
from milbench.errors import DatasetError

if TYPE_CHECKING:
    from milbench import Picture

PX, ROWS, COLUMNS = 28, 16, 25  # the middle 448 x 700 pixels of a picture of 460 x 700


class CentredGrid:
    """Cut the middle of a picture into squares, row by row.

    As published a bag has 400 squares of 28 pixels. For pictures of another size, such as those of
    BACH, set ``rows`` and ``columns`` to 0: as many as fit, so 54 x 73 of 1536 x 2048 pixels. An
    odd remainder leaves one pixel more below and to the right.

    Parameters
    ----------
    px
        Side of a square in level-0 pixels.
    rows, columns
        Squares below and beside each other; 0 for as many as fit.

    Raises
    ------
    MilbenchError
        If a setting is negative, or ``px`` is 0.
    """

    def __init__(self, *, px: int = PX, rows: int = ROWS, columns: int = COLUMNS) -> None:
        if px < 1 or min(rows, columns) < 0:
            raise MilbenchError(
                f"amil28: px is {px}, rows {rows} and columns {columns}; expected a square of 1 "
                "pixel or more, and 0 or more of them"
            )
        self._px, self._rows, self._columns = px, rows, columns

    def __call__(self, picture: Picture, generator: np.random.Generator) -> Tiles:  # noqa: ARG002
        """Return the squares (N, 3, px, px), their corners, and rows and columns.

        Raises
        ------
        DatasetError
            If the picture is too small for them.
        """
        px, (width, height) = self._px, picture.size
        rows, columns = self._rows or height // px, self._columns or width // px
        left, top = (width - columns * px) // 2, (height - rows * px) // 2
        if rows * columns == 0 or min(left, top) < 0:
            raise DatasetError(
                f"a picture of {width} x {height} holds no {columns} x {rows} squares of {px}; set "
                "rows and columns to 0 for as many as fit"
            )
        middle = picture.read(Box(left, top, columns * px, rows * px))  # (rows px, columns px, 3)
        squares = middle.reshape(rows, px, columns, px, 3).transpose(0, 2, 4, 1, 3)
        corners = np.indices((rows, columns))[::-1].reshape(2, -1).T * px + (left, top)  # (N, 2)
        return Tiles(np.ascontiguousarray(squares.reshape(-1, 3, px, px)), corners, (rows, columns))
