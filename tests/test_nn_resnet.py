"""ResNet-18: its size by hand, its layers by torchvision, and the sizes of image it takes."""

from importlib import import_module

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from milbench.errors import ShapeError
from milbench.nn.resnet import ResNet18

# He et al. 2016, table 1: 7 x 7 convolution, then stages of four 3 x 3 convolutions; from the
# second stage on the first of them doubles the planes, beside a 1 x 1 shortcut.
FIRST = 7 * 7 * 3 * 64
STAGES = [
    9 * (before * after + 3 * after * after) + (before != after) * before * after
    for before, after in ((64, 64), (64, 128), (128, 256), (256, 512))
]
# Normalisations: the first, four a stage, and one of each shortcut.
NORMALISED = 64 + 4 * (64 + 128 + 256 + 512) + 128 + 256 + 512


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_size_is_that_of_the_paper():
    """11,166,912 weights of convolutions; batch normalisation adds two a plane."""
    assert FIRST + sum(STAGES) == 11_166_912
    with torch.device("meta"):
        assert count(ResNet18(norm=nn.InstanceNorm2d)) == 11_166_912
        assert count(ResNet18()) == 11_166_912 + 2 * NORMALISED


@pytest.fixture(scope="module")
def models():
    """Return torchvision's models, or skip: it is optional, and PyPI's fails beside a CPU torch."""
    try:
        return import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision cannot be imported: {error}")


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.InstanceNorm2d])
def test_torchvision_has_the_same_network(norm, models):
    """Its weights are read by name, and give its outputs."""
    torch.manual_seed(0)
    other = models.resnet18(norm_layer=norm)
    other.fc = nn.Identity()
    mine = ResNet18(norm=norm)
    mine.load_state_dict(other.state_dict())
    images = torch.rand(2, 3, 64, 80)

    assert list(mine.state_dict()) == list(other.state_dict())
    assert_close(mine.eval()(images), other.eval()(images))
    assert_close(mine.train()(images), other.train()(images))


def test_width_and_channels():
    """The vector is eight times as long as the first stage is wide."""
    model = ResNet18(5, width=4)

    assert model.dim == 32
    assert model(torch.rand(3, 5, 40, 33)).shape == (3, 32)


def test_instance_normalisation_keeps_images_apart():
    """What stands beside an image has no effect on its vector."""
    torch.manual_seed(0)
    model, images = ResNet18(width=4, norm=nn.InstanceNorm2d), torch.rand(3, 3, 40, 40)

    assert_close(model(images)[:1], model(images[:1]))


@pytest.mark.parametrize("shape", [(2, 1, 40, 40), (3, 40, 40)])
def test_other_axes_are_refused(shape):
    """The message has both shapes."""
    with pytest.raises(ShapeError, match=r"expected \(N, 3, H, W\)"):
        ResNet18(width=4)(torch.zeros(shape))
