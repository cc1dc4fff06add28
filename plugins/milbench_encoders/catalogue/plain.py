"""Encoders without trained weights, which work offline."""

from milbench import Encoder

SAXE = (
    "Saxe, Koh, Chen, Bhand, Suresh and Ng, On Random Weights and Unsupervised Feature Learning, "
    "ICML 2011, https://icml.cc/2011/papers/551_icmlpaper.pdf"
)

RECORDS = (
    Encoder(
        name="precomputed",
        target="milbench_encoders.precomputed:Precomputed",
        summary="the features that the data set itself brings",
    ),
    Encoder(
        name="pixels",
        target="milbench_encoders.pixels:Pixels",
        summary="the images as they are (uint8), for methods that train their own network",
    ),
    Encoder(
        name="flat-pixels",
        target="milbench_encoders.pixels:FlatPixels",
        summary="pixel values divided by 255, one feature a pixel and channel",
    ),
    Encoder(
        name="colour-texture",
        target="milbench_encoders.colour_texture:ColourTexture",
        summary="17 numbers a channel: mean, spread, quantiles, histogram and steps of its pixels",
    ),
    Encoder(
        name="random-conv",
        target="milbench_encoders.random_conv:random_conv",
        summary="64 fixed random filters at three sizes of the tile: how often, how strongly",
        paper=SAXE,
        dim=384,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        precisions=("float32", "bfloat16", "float16"),
    ),
    Encoder(
        name="random-tokens",
        target="milbench_encoders.random_tokens:RandomTokens",
        summary="16 tokens of width 16 from fixed random filters, for tests without weights",
        paper=SAXE,
        dim=256,
    ),
)
