"""Tokens of a tile from random filters, for tests and suites without pretrained weights.

Their source is that of :mod:`milbench_encoders.random_filters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional as F

from milbench_encoders.random_filters import random_filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILTERS = 16
SIDE = 7  # pixels of a filter
PLACES = 4  # rows, and columns, of tokens

# Mean and deviation of the crops in Metavers1/kaggle_UBC-OCEAN-MIL, commit 6be6b60.
MEAN = (0.82969105, 0.72924012, 0.8340122)
DEVIATION = (0.11099533, 0.15340719, 0.08176311)


class RandomTokens:
    """Filter a tile with 16 fixed random filters, and average each over 4 x 4 places.

    Filters are normal, less their mean, of length 1. The value of a place is the mean of what is
    positive. The features are the tokens of the places, row by row, one value a filter: 16 tokens
    of width 16 for a method that takes tokens.
    """

    def __init__(self) -> None:
        self._filters = random_filters(FILTERS, SIDE)
        self._mean = torch.tensor(MEAN).reshape(3, 1, 1)
        self._deviation = torch.tensor(DEVIATION).reshape(3, 1, 1)

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map tiles of shape (B, 3, H, W) to features of shape (B, 256)."""
        x = (torch.tensor(tiles).float() / 255 - self._mean) / self._deviation
        responses = F.conv2d(x, self._filters, padding=SIDE // 2).relu()  # (B, 16, H, W)
        places = F.adaptive_avg_pool2d(responses, PLACES)  # (B, 16, 4, 4)
        return cast("NDArray[np.float32]", places.flatten(2).transpose(1, 2).flatten(1).numpy())
