"""Colours and contrast of a tile as a handful of numbers, without any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE = 255  # the largest value of a uint8 pixel
BINS = 8  # of the histogram of a channel
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


class ColourTexture:
    """Describe each channel of a tile by itself.

    Seventeen numbers a channel, all in [0, 1]: mean, standard deviation, five quantiles (0.1, 0.25,
    0.5, 0.75, 0.9), the shares of pixels in eight equal ranges of brightness, and the mean size of
    the step to the next pixel on the right and below. A floor for learnt encoders: what needs more
    than colours to be seen is not in them.
    """

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map tiles of shape (B, C, H, W) to features (B, 17 * C), channel by channel."""
        features = np.stack([_described(tile) for tile in tiles])  # (B, C, 17)
        return features.reshape(len(tiles), -1).astype(np.float32)


def _described(tile: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the numbers of one tile (C, H, W), (C, 17): by itself, it stays in the cache."""
    pixels = tile.astype(np.float32, order="C")
    pixels /= np.float32(WHITE)
    flat = pixels.reshape(len(tile), -1)  # (C, P)
    counts = np.stack([np.bincount(each.ravel(), minlength=WHITE + 1) for each in tile])  # (C, 256)
    described = [
        flat.mean(axis=1),
        flat.std(axis=1),
        *_quantiles(counts),
        *_shares(counts),
        _step(pixels, axis=2),
        _step(pixels, axis=1),
    ]
    return np.stack(described, axis=1)


def _quantiles(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the quantiles, (5, C), of pixels of which ``counts`` (C, 256) have each value.

    Between the two pixels that are next to a quantile, :func:`numpy.quantile` of just these two:
    what it gives for all of them, and none is sorted.
    """
    places = (counts[0].sum() - 1) * np.array(QUANTILES)  # in the sorted pixels, from 0 on
    ranks = np.stack([np.floor(places), np.ceil(places)])  # (2, 5)
    values = [row.searchsorted(ranks, side="right") for row in counts.cumsum(axis=1)]
    pairs = np.array(values, dtype=np.float32) / np.float32(WHITE)  # (C, 2, 5)
    between = np.quantile(pairs, places - ranks[0], axis=1)  # (5, C, 5): each place in each pair
    return np.asarray(between.diagonal(axis1=0, axis2=2)).T


def _shares(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the share of pixels in each range of values, (8, C)."""
    ranges = counts.reshape(len(counts), BINS, -1).sum(axis=2)  # (C, 8)
    return np.asarray(ranges / counts.sum(axis=1, keepdims=True)).T


def _step(pixels: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the mean size of the difference of neighbours, (C,); 0 for a line of one pixel."""
    if pixels.shape[axis] == 1:
        return np.zeros(len(pixels), dtype=np.float32)
    steps = np.diff(pixels, axis=axis)
    found: NDArray[np.float32] = np.abs(steps, out=steps).mean(axis=(1, 2))
    return found
