"""Draw bags of 8 x 8 noise tiles; one tile of a positive bag has a bright row."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from milbench import LabelledBag

BAGS = 80
BRIGHT = 200


def stripes(data: Path) -> Iterator[LabelledBag]:  # noqa: ARG001  # drawn, not read from files
    """Yield 40 negative and 40 positive bags of 3 to 9 tiles, the same ones every time."""
    generator = np.random.default_rng(1)
    for number in range(BAGS):
        label = number % 2
        tiles = int(generator.integers(3, 10))
        images = generator.integers(0, 100, size=(tiles, 1, 8, 8), dtype=np.uint8)
        marked = np.zeros(tiles, dtype=np.int64)
        if label:
            marked[generator.integers(tiles)] = 1
            images[marked == 1, :, generator.integers(8), :] = BRIGHT
        yield LabelledBag(
            id=f"stripes-{number:02d}", label=label, images=images, instance_labels=marked
        )
