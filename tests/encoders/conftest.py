"""Encoders by name, tiles from a seed, and weights that are written to files."""

import numpy as np
import pytest

from milbench.records import Encoder
from milbench.registry import load_registry


@pytest.fixture
def record():
    """Return the record of a built-in encoder by its name."""

    def find(name):
        return load_registry().record(Encoder, f"milbench/{name}")

    return find


@pytest.fixture
def tiles():
    """Return random tiles (n, channels, side, side) from a seed."""

    def draw(count=3, side=40, channels=3, seed=0):
        values = np.random.default_rng(seed).integers(0, 256, (count, channels, side, side))
        return values.astype(np.uint8)

    return draw
