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
        name="random-tokens",
        target="milbench_encoders.random_tokens:RandomTokens",
        summary="16 tokens of width 16 from fixed random filters, for tests without weights",
        paper="Saxe, Koh, Chen, Bhand, Suresh and Ng, On Random Weights and Unsupervised Feature "
        "Learning, ICML 2011",
        dim=256,
    )
    yield Encoder(
        name="colour-texture",
        target="milbench_encoders.colour_texture:ColourTexture",
        summary="17 numbers a channel: mean, spread, quantiles, histogram and steps of its pixels",
    )
