"""Filters drawn from a seed, for encoders without any weights.

Random filters with a nonlinearity and pooling tell textures apart before anything is learned:
A. M. Saxe et al., "On Random Weights and Unsupervised Feature Learning", ICML 2011,
https://icml.cc/2011/papers/551_icmlpaper.pdf.
"""

from __future__ import annotations

import numpy as np
import torch

SEED = 551


def random_filters(count: int, side: int, channels: int = 3) -> torch.Tensor:
    """Return normal filters (count, channels, side, side), less their mean, of length 1."""
    shape = (count, channels, side, side)
    values = np.random.Generator(np.random.PCG64(SEED)).normal(size=shape)
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    values /= np.sqrt(np.square(values).sum(axis=(1, 2, 3), keepdims=True))
    return torch.from_numpy(values).float()
