"""The built-in encoders keep their contract: uint8 tiles in, one row of features a tile out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from milbench.errors import FeatureError
from milbench.registry import load_registry


def encoder(name: str):
    """Return a built-in encoder, ready to be called."""
    return load_registry().find("encoder", f"milbench/{name}").record.load()()


def test_flat_pixels_order_and_scale() -> None:
    """Channels, rows, columns in one line, divided by 255: written out by hand."""
    tiles = np.array([[[[0, 51], [102, 153]], [[204, 255], [0, 1]]]], dtype=np.uint8)

    features = encoder("flat-pixels")(tiles)

    assert features.dtype == np.float32
    np.testing.assert_allclose(features, [[0, 0.2, 0.4, 0.6, 0.8, 1, 0, 1 / 255]], rtol=1e-6)


@given(arrays(np.uint8, st.tuples(*(st.integers(1, 4) for _ in range(4)))))
def test_flat_pixels_treats_each_tile_alone(tiles) -> None:
    """A tile's features do not depend on the other tiles of its batch."""
    together = encoder("flat-pixels")(tiles)

    alone = np.concatenate([encoder("flat-pixels")(tile[None]) for tile in tiles])
    np.testing.assert_array_equal(together, alone)


@given(arrays(np.uint8, st.tuples(*(st.integers(1, 4) for _ in range(4)))))
def test_flat_pixels_loses_nothing(tiles) -> None:
    """All 256 values stay apart: the pixels can be computed back."""
    back = np.rint(encoder("flat-pixels")(tiles) * 255).astype(np.uint8)

    np.testing.assert_array_equal(back.reshape(tiles.shape), tiles)


def test_flat_pixels_takes_an_empty_batch() -> None:
    """No tiles give no rows, of the right width."""
    assert encoder("flat-pixels")(np.zeros((0, 1, 2, 3), dtype=np.uint8)).shape == (0, 6)


def test_pixels_are_kept() -> None:
    """The images come back as they are, as uint8."""
    tiles = np.arange(24, dtype=np.uint8).reshape(2, 1, 3, 4)

    kept = encoder("pixels")(tiles)

    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept, tiles)


def test_precomputed_refuses_images() -> None:
    """Images have no precomputed features; the error names the shape and the next step."""
    with pytest.raises(FeatureError, match=r"\(2, 1, 8, 8\).*milbench list encoders"):
        encoder("precomputed")(np.zeros((2, 1, 8, 8), dtype=np.uint8))


def test_colour_texture_by_hand() -> None:
    """Four pixels 0, 0, 51, 255: quantiles between neighbours, and two steps in each direction."""
    tile = np.array([[[[0, 0], [51, 255]]]], dtype=np.uint8)

    (found,) = encoder("colour-texture")(tile)

    sd = np.sqrt(np.mean((np.array([0, 0, 0.2, 1]) - 0.3) ** 2))
    quantiles = [0.0, 0.0, 0.1, 0.2 + 0.25 * 0.8, 0.2 + 0.7 * 0.8]
    shares = [0.5, 0.25, 0, 0, 0, 0, 0, 0.25]  # 0 to 31, 32 to 63, ... 224 to 255
    steps = [(0 + 0.8) / 2, (0.2 + 1) / 2]  # to the right, and below
    np.testing.assert_allclose(found, [0.3, sd, *quantiles, *shares, *steps], atol=1e-6)


@given(arrays(np.uint8, st.tuples(*(st.integers(1, 4) for _ in range(4)))))
def test_colour_texture_treat_each_tile_and_channel_alone(tiles) -> None:
    """In [0, 1], 17 a channel, whatever the other tiles and channels are."""
    together = encoder("colour-texture")(tiles)

    assert together.shape == (len(tiles), 17 * tiles.shape[1])
    assert together.dtype == np.float32
    assert (together >= 0).all()
    assert (together <= 1).all()
    alone = [encoder("colour-texture")(tiles[:, [channel]]) for channel in range(tiles.shape[1])]
    np.testing.assert_allclose(together, np.concatenate(alone, axis=1), atol=1e-6)


@given(arrays(np.uint8, st.tuples(*(st.integers(1, 9) for _ in range(4)))))
def test_colour_texture_has_the_bits_of_numpy_s_own_functions(tiles) -> None:
    """Counting values gives what sorting and comparing all pixels gives, in every bit."""
    pixels = tiles.astype(np.float32) / np.float32(255)
    flat = pixels.reshape(*tiles.shape[:2], -1)
    ranges = [(flat >= np.float32(low / 255)) & (flat < np.float32((low + 32) / 255)) for low in
              range(0, 256, 32)]  # fmt: skip
    expected = [flat.mean(axis=2), flat.std(axis=2)]
    expected += list(np.quantile(flat, (0.1, 0.25, 0.5, 0.75, 0.9), axis=2))
    expected += [within.mean(axis=2) for within in ranges]

    found = encoder("colour-texture")(tiles).reshape(*tiles.shape[:2], 17)[:, :, :15]

    np.testing.assert_array_equal(found, np.stack(expected, axis=2).astype(np.float32))


def test_random_conv_sees_texture_and_no_place() -> None:
    """Noise in the middle of an even tile shows, wherever it lies; so do two encoders agree."""
    even = np.full((1, 3, 128, 128), 100, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (1, 3, 16, 16)).astype(np.uint8)
    framed = [np.full((1, 3, 128, 128), 100, np.uint8) for _ in range(2)]
    for tile, place in zip(framed, (48, 56), strict=True):  # a multiple of every stride apart
        tile[:, :, place : place + 16, place : place + 16] = noise
    encode = encoder("random-conv")

    first, moved, plain = (encode(tile) for tile in (*framed, even))

    assert first.shape == (1, 384)
    np.testing.assert_allclose(first, moved, atol=1e-5)
    assert np.abs(first - plain).max() > 0.01
    np.testing.assert_array_equal(plain, encoder("random-conv")(even))


def test_random_conv_by_hand() -> None:
    """One tile of one pixel: each filter answers with its middle, at all three sizes."""
    tile = np.array([[[[255]], [[0]], [[0]]]], np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixel = (np.array([1.0, 0.0, 0.0]) - mean) / std
    values = np.random.Generator(np.random.PCG64(551)).normal(size=(64, 3, 7, 7))
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    values /= np.sqrt(np.square(values).sum(axis=(1, 2, 3), keepdims=True))
    answers = values[:, :, 3, 3] @ pixel  # (64,)

    (found,) = encoder("random-conv")(tile)

    wanted = np.concatenate([np.maximum(answers, 0), answers > 0])
    np.testing.assert_allclose(found, np.tile(wanted, 3), atol=1e-5)
