"""Built-in aggregators of milbench; ``catalogue`` has one record a method.

Where a recipe's line names no other source, its optimiser settings are those of the authors'
code; ``epochs`` and ``patience`` of ``mean``, ``max`` and the attention methods are our choice,
because the authors train for a fixed number of epochs on one data set.
"""

from collections.abc import Iterator
from pathlib import Path

from milbench import Aggregator, hookimpl
from milbench_aggregators.catalogue import (
    attention,
    controls,
    hierarchies,
    images,
    pooling,
    refined,
    slides,
    tiles,
)


@hookimpl
def milbench_aggregators() -> Iterator[Aggregator]:
    """Yield the built-in methods, then the controls."""
    for family in (pooling, attention, slides, tiles, hierarchies, images, refined, controls):
        yield from family.RECORDS


@hookimpl
def milbench_suites() -> Iterator[Path]:
    """Yield the suite of methods for data that no suite knows."""
    yield Path(__file__).with_name("suites") / "own.toml"
