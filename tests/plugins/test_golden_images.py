"""The networks on images against published code: golden numbers, sizes, and what pixels become.

The golden numbers were made by running the authors' files in float64 with parameters and inputs
filled by integer formulas: AMLab-Amsterdam/AttentionDeepMIL (commit eb0434b) and Dipeshtamboli/
Image-Classification-and-Localization-using-Multiple-Instance-Learning (commit d057145).
"""

import importlib
import math

import pytest
import torch
from torch.testing import assert_close

from milbench import Bag, MilbenchError
from milbench.errors import ShapeError
from milbench.nn.resnet import ResNet18
from milbench_aggregators.abmil_cnn import ABMILCNN, GatedABMILCNN
from milbench_aggregators.amil import AMIL
from milbench_aggregators.backbones import VGG19
from milbench_aggregators.frozen_cnn import ResNet18Linear, VGG19Linear
from milbench_aggregators.own_cnn import OwnCNN

GOLDEN = [
    (ABMILCNN, 1, 0.44887946, [0.2008154, 0.19867198, 0.2009112, 0.20060697, 0.19899445]),
    (GatedABMILCNN, 1, 0.45739149, [0.1999768, 0.19966705, 0.19990742, 0.20058814, 0.19986059]),
    (
        AMIL,
        3,
        0.44296321,
        [0.16655997, 0.16637386, 0.16720834, 0.16689379, 0.16526741, 0.16769664],
    ),
]


@pytest.mark.parametrize(("method", "channels", "probability", "attention"), GOLDEN)
def test_probability_and_attention_equal_the_authors_code(
    method, channels, probability, attention, rule
):
    """Five digits, or six colour patches, of 28 x 28 pixels; as images and as rows."""
    model = rule.filled(method(channels * 784, 2))
    rows = rule.x(len(attention), channels * 784)

    output = model(Bag(rows.reshape(-1, channels, 28, 28)))

    expected = torch.tensor(attention, dtype=torch.float64)
    assert_close(output.scores, expected, atol=1e-6, rtol=0)
    assert abs(output.logits.softmax(0)[1].item() - probability) < 1e-6
    assert_close(model(Bag(rows)).logits, output.logits)


PICTURE = {"image": (3, 460, 700)}
SIZES = [
    (ABMILCNN, (784, 2), {}, 490_828),
    (GatedABMILCNN, (784, 2), {}, 554_956),
    (AMIL, (2352, 2), {}, 491_828),
    (OwnCNN, (966_000, 2), PICTURE, 2_507_970),
    # Convolutions 36 x 3 x 4 x 4 and 48 x 36 x 3 x 3, layers 1200-512-512, attention, one output.
    (
        ABMILCNN,
        (2187, 2),
        {"network": "nuclei"},
        1764 + 15_600 + 1201 * 512 + 513 * 512 + 513 * 128 + 129 + 513,
    ),
]


@pytest.mark.parametrize(("method", "sizes", "settings", "parameters"), SIZES)
def test_networks_are_as_large_as_the_authors(method, sizes, settings, parameters):
    """Counted without making them."""
    with torch.device("meta"):
        assert sum(p.numel() for p in method(*sizes, **settings).parameters()) == parameters


@pytest.mark.parametrize(
    ("network", "last", "parameters"),
    [(ResNet18, 513 * 1000, 11_689_512), (VGG19, 4097 * 1000, 143_667_240)],
)
def test_backbones_are_as_large_as_torchvisions(network, last, parameters):
    """With the layer of 1000 classes that is left out; the sums torchvision documents."""
    with torch.device("meta"):
        assert sum(p.numel() for p in network().parameters()) + last == parameters


@pytest.mark.parametrize(
    ("name", "network"), [("resnet18", ResNet18), ("vgg19", VGG19)], ids=["resnet18", "vgg19"]
)
def test_backbones_compute_what_torchvisions_do(name, network):
    """The same weights, by the same names, give the same features."""
    try:
        models = importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:  # its wheel may not fit a torch without CUDA
        pytest.skip(f"compared where torchvision can be imported: {error}")
    torch.manual_seed(0)
    theirs = getattr(models, name)().eval()
    last = {"resnet18": "fc", "vgg19": "classifier.6"}[name]
    parent, _, child = last.rpartition(".")
    setattr(theirs.get_submodule(parent), child, torch.nn.Identity())
    ours = network().eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.rand(1, 3, 64, 64)

    with torch.no_grad():
        assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "settings", "mean", "sd"),
    [
        (ABMILCNN, {}, 0.1307, 0.3081),  # the authors' values for MNIST
        (ABMILCNN, {"mean": 0.5, "sd": 0.25, "network": "nuclei"}, 0.5, 0.25),
        (AMIL, {}, 0.0, 1.0),
        (OwnCNN, {"crop": 32}, 0.0, 1.0),
        (ResNet18Linear, {"weights": "random", "width": 8}, 0.0, 1.0),
    ],
)
def test_bytes_are_scaled_as_said_and_floats_are_not(method, settings, mean, sd):
    """Bytes equal floats that are scaled by hand."""
    torch.manual_seed(0)
    model = method(3 * 32 * 32, 2, **settings).eval()
    images = torch.arange(2 * 3 * 32 * 32).remainder(251).reshape(2, 3, 32, 32)
    by_hand = (images.float() / 255 - mean) / sd

    assert_close(model(Bag(images.byte())).logits, model(Bag(by_hand)).logits)


@pytest.mark.parametrize("method", [ABMILCNN, AMIL])
@pytest.mark.parametrize("shape", [(1, 16, 16), (4, 16, 31), (3, 27, 27)])
def test_any_channels_and_sizes_from_16_pixels(method, shape):
    """Squares of one or three channels need no setting."""
    model = method(math.prod(shape), 3, image=shape)

    assert model(Bag(torch.zeros(2, *shape, dtype=torch.uint8))).logits.shape == (3,)
    if shape[1] == shape[2]:
        assert method(math.prod(shape), 3).embed.image == shape


@pytest.mark.parametrize(
    ("in_dim", "settings", "message"),
    [
        (100, {"image": (1, 10, 10)}, "10 x 10 pixels; this network needs 16 x 16"),
        (64, {}, "8 x 8 pixels; this network needs 16 x 16"),
        (1000, {}, "instances of 1000 values and no square"),
        (1000, {"image": (3, 20, 20)}, r"instances of 1000 values and image = \(3, 20, 20\)"),
        (1000, {"image": (1000,)}, r"image = \(1000,\)"),
    ],
)
def test_images_that_do_not_fit_are_refused_at_once(in_dim, settings, message):
    """The message names what was found and the setting."""
    with pytest.raises(ShapeError, match=message):
        ABMILCNN(in_dim, 2, **settings)


def test_an_unknown_network_is_refused():
    """The message names the choices."""
    with pytest.raises(MilbenchError, match="'resnet'; choose one of lenet, nuclei"):
        ABMILCNN(784, 2, network="resnet")


def test_the_cnn_keeps_the_start_of_pytorch():
    """The authors' code for images sets nothing."""
    assert ABMILCNN(784, 2).attention.content.bias.any()


def test_vgg_has_a_dropout_before_its_layer_and_resnet_none():
    """As in the networks whose last layer was replaced."""
    assert VGG19Linear(3072, 2, weights="random", width=4).drop.p == 0.5
    assert ResNet18Linear(3072, 2, weights="random", width=4).drop.p == 0.0
