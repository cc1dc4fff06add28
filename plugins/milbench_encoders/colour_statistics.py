"""Colours and contrast of a tile as a handful of numbers, without any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 255  # the largest value of a uint8 pixel
BINS = 8  # of the histogram of a channel
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


class ColourStatistics:
    """Describe each channel of a tile by itself.

    Seventeen numbers a channel, all in [0, 1]: mean, standard deviation, five quantiles (0.1, 0.25,
    0.5, 0.75, 0.9), the shares of pixels in eight equal ranges of brightness, and the mean size of
    the step to the next pixel on the right and below. A floor for learnt encoders: what needs more
    than colours to be seen is not in them.
    """

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map tiles of shape (B, C, H, W) to features (B, 17 * C), channel by channel."""
        pixels = tiles.astype(np.float32) / np.float32(WHITE)
        flat = pixels.reshape(*tiles.shape[:2], -1)  # (B, C, H * W)
        described = [
            flat.mean(axis=2),
            flat.std(axis=2),
            *np.quantile(flat, QUANTILES, axis=2),
            *_shares(tiles.reshape(flat.shape)),
            _step(pixels, axis=3),
            _step(pixels, axis=2),
        ]
        features = np.stack(described, axis=2)  # (B, C, 17)
        return features.reshape(len(tiles), -1).astype(np.float32)


def _shares(values: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return the share of values (B, C, P) in each range, (B, C) a range."""
    ranges = values // ((WHITE + 1) // BINS)
    return [(ranges == each).mean(axis=2, dtype=np.float32) for each in range(BINS)]


def _step(pixels: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the mean size of the difference of neighbours, (B, C); 0 for a line of one pixel."""
    if pixels.shape[axis] == 1:
        return np.zeros(pixels.shape[:2], dtype=np.float32)
    found: NDArray[np.float32] = np.abs(np.diff(pixels, axis=axis)).mean(axis=(2, 3))
    return found
