"""Random views of images: what each change does to pixels, by hand and by Python's colorsys."""

import colorsys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from milbench.nn import views as image_views
from milbench.nn.views import random_views, turn_hue

PIXEL = st.tuples(*[st.floats(0, 1, width=32)] * 3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=6, channels=3, side=40):
    return torch.rand(count, channels, side, side, generator=generator(7))


@given(PIXEL, st.floats(-0.5, 0.5))
def test_hue_turns_as_in_colorsys(pixel, turn):
    """Value and saturation stay; hue goes on by ``turn``. Nearly grey pixels have none."""
    hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
    expected = torch.tensor(colorsys.hsv_to_rgb((hue + turn) % 1.0, saturation, value))
    image = torch.tensor(pixel).double().view(1, 3, 1, 1)

    found = turn_hue(image, torch.tensor([turn], dtype=torch.float64))

    assert_close(found.flatten().float(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["simclr", "light", "flip"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_views_have_the_asked_size_and_range(kind, channels):
    """Of any channels; every value in [0, 1]."""
    views = random_views(pictures(channels=channels), (64, 48), kind, generator())

    assert views.shape == (6, channels, 64, 48)
    assert views.min() >= 0.0
    assert views.max() <= 1.0


def test_flip_mirrors_some_images_and_leaves_the_others():
    """At their own size nothing else happens; both kinds occur among 40."""
    images = pictures(40)
    views = random_views(images, (40, 40), "flip", generator())
    same = [torch.allclose(v, i, atol=1e-5) for v, i in zip(views, images, strict=True)]
    mirrored = [torch.allclose(v, i.flip(2), atol=1e-5) for v, i in zip(views, images, strict=True)]

    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 10 < sum(mirrored) < 30


def test_one_generator_state_gives_one_view():
    """And the next draw another; torch's own stream is left alone."""
    images, draw, state = pictures(), generator(), torch.get_rng_state()
    first, second = (random_views(images, (40, 40), "simclr", draw) for _ in range(2))

    assert torch.equal(random_views(images, (40, 40), "simclr", generator()), first)
    assert not torch.allclose(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_images_of_a_batch_are_changed_each_in_its_own_way():
    """Six copies of one image give six views."""
    views = random_views(pictures(1).expand(6, -1, -1, -1), (40, 40), "simclr", generator())

    assert all(not torch.allclose(views[a], views[b]) for a in range(6) for b in range(a))


def test_crops_are_parts_of_the_image():
    """Of a ramp from 0 to 1, crops have ramps within it, of 8 to 100 % of the area."""
    ramp = torch.linspace(0, 1, 80).expand(30, 1, 80, 80)
    views = image_views._crop(ramp, (80, 80), image_views.Draw(30, ramp, generator()), None)
    width = (views[:, 0, 0, -1] - views[:, 0, 0, 0]).abs()

    assert width.min() >= 0.9 * (0.08 * 3 / 4) ** 0.5
    assert width.max() <= 1.0
    assert width.std() > 0.1


def test_grey_is_luma():
    """0.299 red, 0.587 green, 0.114 blue, in all channels; other images stay."""
    image = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1)

    expected = torch.full((1, 3, 1, 1), 0.299 + 0.5 * 0.587 + 0.25 * 0.114)
    assert_close(image_views._grey(image), expected)
    assert_close(image_views._grey(image[:, :2]), image[:, :2])


def test_blur_spreads_a_point_as_a_gaussian_does():
    """Of 224 pixels the kernel has 13: weights exp(-d^2 / 2 s^2), normalised, both ways."""
    point = torch.zeros(1, 1, 224, 224, dtype=torch.float64)
    point[0, 0, 100, 100] = 1.0
    found = image_views._blur(point, torch.tensor([1.5], dtype=torch.float64))[0, 0]

    distance = torch.arange(-6, 7).double()
    line = (-(distance**2) / (2 * 1.5**2)).exp()
    line = line / line.sum()
    assert_close(found[94:107, 94:107], torch.outer(line, line))
    assert_close(found.sum(), torch.tensor(1.0, dtype=torch.float64))


def test_small_images_are_not_blurred():
    """6 % of 27 pixels is no neighbour."""
    image = pictures(side=27)

    assert torch.equal(image_views._blur(image, torch.ones(6)), image)
