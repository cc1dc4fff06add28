"""The two encoders: their sizes, where they start, and what they do to single instances."""

import pytest
import torch
from torch.testing import assert_close

from milbench.errors import ShapeError
from milbench_aggregators.refinement import encoder as module
from milbench_aggregators.refinement.encoder import FeatureAdapter, ImageEncoder


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count, side=10, seed=0):
    values = torch.randint(0, 256, (count, 3, side, side), generator=generator(seed))
    return values.to(torch.uint8)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.fixture
def small():
    torch.manual_seed(0)
    return ImageEncoder((3, 10, 10), width=4)


def test_image_encoder_has_the_published_layers():
    """ResNet-18 of 11,166,912 weights; projection 512, 512, 256."""
    with torch.device("meta"):
        found = ImageEncoder((3, 224, 224))

    assert count(found.backbone) == 11_166_912
    assert count(found.projection) == 513 * 512 + 513 * 256
    assert found.size == (224, 224)


def test_adapter_has_two_layers_and_the_projection():
    """D to hidden to D; D, D, 256."""
    found = FeatureAdapter(torch.ones(10), hidden=6)

    assert count(found) == (11 * 6 + 7 * 10) + (11 * 10 + 11 * 256)


def test_adapter_starts_as_the_identity():
    """The first representations are the features, as the published start are SimCLR's."""
    x = torch.randn(5, 8, generator=generator())

    assert torch.equal(FeatureAdapter(torch.ones(8)).encode(x), x)


def test_views_of_features_by_hand():
    """Without dropout and noise a view is the instance; dropout of 1/2 doubles what is kept."""
    x = torch.ones(200, 8)
    plain = FeatureAdapter(torch.ones(8), dropout=0.0, noise=0.0)
    assert_close(plain.embed_view(x, generator()), plain.embed(x))

    seen = []
    half = FeatureAdapter(torch.zeros(8), dropout=0.5, noise=1.0)  # noise in spreads of zero
    half.inner.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    half.embed_view(x, generator())
    assert set(seen[0].unique().tolist()) == {0.0, 2.0}
    assert seen[0].mean() == pytest.approx(1.0, abs=0.1)


def test_noise_follows_the_spread_of_each_feature():
    """A feature that never varies gets none."""
    seen = []
    adapter = FeatureAdapter(torch.tensor([0.0, 1.0, 10.0]), dropout=0.0, noise=0.5)
    adapter.inner.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    adapter.embed_view(torch.zeros(4000, 3), generator())

    assert seen[0].std(dim=0).tolist() == pytest.approx([0.0, 0.5, 5.0], rel=0.05)


@pytest.mark.parametrize("make", ["images", "features"])
def test_embeddings_have_length_one(make, small):
    """256 numbers each, and two draws give two views."""
    encoder = small if make == "images" else FeatureAdapter(torch.ones(8))
    x = images(3) if make == "images" else torch.randn(3, 8, generator=generator())
    draw = generator()
    first, second = encoder.embed_view(x, draw), encoder.embed_view(x, draw)

    assert_close(first.norm(dim=1), torch.ones(3))
    assert first.shape == (3, 256)
    assert not torch.allclose(first, second)


def test_blocks_do_not_matter(small, monkeypatch):
    """A bag is encoded in blocks, each instance as if it were alone."""
    x = images(7)
    whole = small.encode(x)
    monkeypatch.setattr(module, "BLOCK", 3)

    assert whole.shape == (7, 32)
    assert_close(small.encode(x), whole)
    assert_close(torch.cat([small.encode(one[None]) for one in x]), whole, atol=1e-5, rtol=1e-5)


def test_training_mirrors_half_of_the_images(small):
    """Each instance is seen as it is or mirrored; validation sees it as it is."""
    x = images(40)
    plain, mirrored = small.encode(x), small.encode(x.flip(3))
    found = small.encode_for_training(x, generator())
    is_plain = torch.isclose(found, plain, atol=1e-5).all(dim=1)
    is_mirrored = torch.isclose(found, mirrored, atol=1e-5).all(dim=1)

    assert bool((is_plain ^ is_mirrored).all())
    assert 10 < int(is_mirrored.sum()) < 30


@pytest.mark.parametrize("shape", [(2, 3, 10, 11), (2, 1, 10, 10), (0, 3, 10, 10), (2, 300)])
def test_other_images_are_refused(shape, small):
    """The message has what came and what was expected."""
    with pytest.raises(ShapeError, match=r"expected \(N, 3, 10, 10\)"):
        small.encode(torch.zeros(shape, dtype=torch.uint8))
