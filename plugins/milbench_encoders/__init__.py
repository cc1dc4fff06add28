"""Built-in encoders of milbench: how the pixels of an instance become its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Encoder, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def milbench_encoders() -> Iterator[Encoder]:
    """Yield the encoders."""
    yield Encoder(
        name="precomputed",
        target="milbench_encoders.precomputed:Precomputed",
        summary="the features that the data set itself brings",
    )
    yield Encoder(
        name="pixels",
        target="milbench_encoders.pixels:Pixels",
        summary="the images as they are (uint8), for methods that train their own network",
    )
    yield Encoder(
        name="flat-pixels",
        target="milbench_encoders.pixels:FlatPixels",
        summary="pixel values divided by 255, one feature a pixel and channel",
    )
    yield Encoder(
        name="colour-statistics",
        target="milbench_encoders.colour_statistics:ColourStatistics",
        summary="17 numbers a channel: mean, spread, quantiles, histogram and steps of its pixels",
    )
