"""Describe a tile by the mean of each of its rows."""

import numpy as np


class RowMeans:
    """Map uint8 tiles of shape (B, C, H, W) to features of shape (B, C * H) in [0, 1]."""

    def __call__(self, tiles: np.ndarray) -> np.ndarray:
        """Return one feature a row and channel, float32."""
        means = tiles.mean(axis=3, dtype=np.float32) / np.float32(255)  # (B, C, H)
        features: np.ndarray = means.reshape(len(tiles), -1)  # (B, C * H)
        return features
