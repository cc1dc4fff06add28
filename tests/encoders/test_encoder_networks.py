"""A frozen network as an encoder: how tiles are shown to it, batches, precisions, bad tiles."""

import numpy as np
import pytest
import torch
from torch import nn

from milbench.errors import FeatureError, ShapeError
from milbench.nn.encoder import Look, NetworkEncoder


class Means(nn.Module):
    """The mean of each channel, and how often it was called."""

    calls = 0

    def forward(self, images):
        self.calls += 1
        return images.mean(dim=(2, 3))


class Product(nn.Module):
    """A linear layer on the pixels, whose half precision shows."""

    def __init__(self, pixels):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(pixels, 5)

    def forward(self, images):
        return self.layer(images.flatten(1))


def test_normalisation_by_hand():
    """Bytes 51 and 102 are 0.2 and 0.4: less 0.1, over 0.5, 0.2 and 0.6: a mean of 0.4."""
    tile = np.array([[[[51, 102]] * 2] * 3], np.uint8)
    look = Look(size=2, mean=(0.1,) * 3, std=(0.5,) * 3)

    np.testing.assert_allclose(NetworkEncoder(Means(), look)(tile), [[0.4] * 3], rtol=1e-6)


def test_the_middle_is_cut_out():
    """Of four columns 0, 51, 102, 255 a look of two sees the second and third."""
    tile = np.tile(np.array([0, 51, 102, 255], np.uint8), (1, 3, 4, 1))
    encoder = NetworkEncoder(Means(), Look(size=2, resize=4))

    np.testing.assert_allclose(encoder(tile), [[0.3] * 3], rtol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_an_even_tile_stays_even_when_resized(interpolation):
    """Weights of a resampling sum to one."""
    tile = np.full((1, 3, 30, 40), 51, np.uint8)
    encoder = NetworkEncoder(Means(), Look(size=24, interpolation=interpolation))

    np.testing.assert_allclose(encoder(tile), [[0.2] * 3], rtol=1e-5)


def test_resampling_is_that_of_pillow():
    """Bicubic with antialiasing, to the rounding of bytes, where nothing leaves their range."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pixels = np.random.default_rng(0).integers(60, 196, (48, 48, 3)).astype(np.uint8)
    smooth = np.asarray(image.fromarray(pixels).resize((96, 96), image.BICUBIC))
    wanted = np.asarray(image.fromarray(smooth).resize((40, 40), image.BICUBIC)) / 255

    class Itself(nn.Module):
        def forward(self, images):
            return images.flatten(1)

    look = Look(size=40, interpolation="bicubic")
    found = NetworkEncoder(Itself(), look)(smooth.transpose(2, 0, 1)[None].copy())
    assert np.abs(found.reshape(3, 40, 40).transpose(1, 2, 0) - wanted).max() < 1.01 / 255


def test_small_tiles_are_enlarged(tiles):
    """A look without a size takes tiles as they are, but none smaller than it says."""
    seen = []

    class Sizes(Means):
        def forward(self, images):
            seen.append(tuple(images.shape[2:]))
            return super().forward(images)

    encoder = NetworkEncoder(Sizes(), Look(size=None, smallest=32))
    encoder(tiles(side=12))
    encoder(tiles(side=50))

    assert seen == [(32, 32), (50, 50)]


def test_a_grey_tile_is_shown_to_all_channels(tiles):
    """One channel is normalised as each of the three."""
    grey = tiles(channels=1)
    encoder = NetworkEncoder(Means(), Look(size=None, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0)))

    np.testing.assert_allclose(encoder(grey), encoder(np.repeat(grey, 3, axis=1)), rtol=1e-6)


def test_batches_come_back_in_order_and_are_encoded_once(tiles):
    """Whatever the size of the batches, as in one."""
    network = Means()
    encoder = NetworkEncoder(network, Look(size=None))
    whole = tiles(count=7)

    found = list(encoder.each([whole[:3], whole[3:6], whole[6:]]))

    assert [len(part) for part in found] == [3, 3, 1]
    assert network.calls == 3
    np.testing.assert_allclose(np.concatenate(found), encoder(whole), rtol=1e-6)


def test_tiles_of_a_read_only_file_are_taken(tiles):
    """As a memory map gives them, without a warning."""
    given = tiles()
    given.flags.writeable = False

    assert NetworkEncoder(Means(), Look(size=None))(given).shape == (3, 3)


@pytest.mark.parametrize(
    ("precision", "stored", "bound"),
    [("bfloat16", np.float32, 2**-7), ("float16", np.float16, 2**-10)],
)
def test_half_precision_is_near_and_not_equal(tiles, precision, stored, bound):
    """8 and 11 bits of a value, and float16 features in float16 only."""
    encoder = NetworkEncoder(Product(3 * 40 * 40), Look(size=None))
    exact = encoder(tiles())
    found = encoder.to("cpu", precision)(tiles())

    assert found.dtype == stored
    error = np.abs(found - exact).max() / np.abs(exact).max()
    assert 0 < error < 2 * bound
    np.testing.assert_array_equal(encoder.to("cpu")(tiles()), exact)


def test_a_batch_that_does_not_fit_is_halved(tiles, caplog):
    """A device that takes two tiles at a time encodes seven, and the log says so."""

    class Full(Means):
        def forward(self, images):
            if len(images) > 2:
                raise torch.OutOfMemoryError
            return super().forward(images)

    encoder = NetworkEncoder(Full(), Look(size=None))

    found = encoder(tiles(count=7))

    np.testing.assert_allclose(found, NetworkEncoder(Means(), Look(size=None))(tiles(count=7)))
    assert "7 tiles do not fit" in caplog.text


def test_tiles_of_two_channels_are_refused(tiles):
    """The error says what was found and what is taken."""
    with pytest.raises(ShapeError, match=r"\(3, 2, 40, 40\).*three channels or one"):
        NetworkEncoder(Means(), Look())(tiles(channels=2))


def test_a_network_of_another_shape_is_refused(tiles):
    """One that gives planes instead of vectors."""
    with pytest.raises(FeatureError, match=r"\(3, 3, 8, 8\) for 3 tiles; expected \(3, D\)"):
        NetworkEncoder(nn.Identity(), Look(size=8))(tiles())
