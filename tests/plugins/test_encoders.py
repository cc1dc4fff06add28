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


def test_colour_statistics_by_hand() -> None:
    """Four pixels 0, 0, 51, 255: quantiles between neighbours, and two steps in each direction."""
    tile = np.array([[[[0, 0], [51, 255]]]], dtype=np.uint8)

    (found,) = encoder("colour-statistics")(tile)

    sd = np.sqrt(np.mean((np.array([0, 0, 0.2, 1]) - 0.3) ** 2))
    quantiles = [0.0, 0.0, 0.1, 0.2 + 0.25 * 0.8, 0.2 + 0.7 * 0.8]
    shares = [0.5, 0.25, 0, 0, 0, 0, 0, 0.25]  # 0 to 31, 32 to 63, ... 224 to 255
    steps = [(0 + 0.8) / 2, (0.2 + 1) / 2]  # to the right, and below
    np.testing.assert_allclose(found, [0.3, sd, *quantiles, *shares, *steps], atol=1e-6)


@given(arrays(np.uint8, st.tuples(*(st.integers(1, 4) for _ in range(4)))))
def test_colour_statistics_treat_each_tile_and_channel_alone(tiles) -> None:
    """In [0, 1], 17 a channel, whatever the other tiles and channels are."""
    together = encoder("colour-statistics")(tiles)

    assert together.shape == (len(tiles), 17 * tiles.shape[1])
    assert together.dtype == np.float32
    assert (together >= 0).all()
    assert (together <= 1).all()
    alone = [encoder("colour-statistics")(tiles[:, [channel]]) for channel in range(tiles.shape[1])]
    np.testing.assert_allclose(together, np.concatenate(alone, axis=1), atol=1e-6)
