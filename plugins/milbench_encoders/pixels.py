"""Pixels as features: kept as images, or one number a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 255  # the largest value of a uint8 pixel


class Pixels:
    """Keep the images, for methods that train their own network."""

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return ``tiles`` of shape (B, C, H, W) unchanged, as uint8."""
        return tiles


class FlatPixels:
    """Divide every pixel by 255 and lay channels, rows and columns in one line.

    The divisor is always 255 and never looks at the data, so that an instance has the same
    features in every bag and fold. Images of a smaller range keep it: scikit-learn's digits,
    stored as 0..16, give features in [0, 16/255]. A suite that standardises features removes
    the difference.
    """

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map tiles of shape (B, C, H, W) to features of shape (B, C * H * W) in [0, 1]."""
        flat = tiles.reshape(len(tiles), int(np.prod(tiles.shape[1:])))  # (B, C * H * W)
        return flat.astype(np.float32) / np.float32(WHITE)
