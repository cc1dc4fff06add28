"""Grad-CAM and guided back-propagation, by hand and beside captum."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from milbench import Bag, MilbenchError
from milbench.errors import ShapeError
from milbench.interpret.gradcam import grad_cam, resized, unit_range
from milbench.interpret.guided import grey, guided_grad_cam, guided_gradient
from milbench_aggregators.amil import AMIL

X = torch.tensor([[[[1.0, -1.0], [0.0, 2.0]]]])  # (1, 1, 2, 2)


@pytest.fixture
def layer():
    """Return a layer with the maps x and -2x."""
    convolution = nn.Conv2d(1, 2, 1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))
    return convolution


def test_grad_cam_by_hand(layer):
    """3 mean(x) - mean(-2x): the weights are 3/4 and -1/4, so the map is relu(3x/4 + 2x/4)."""

    def logit(images):
        maps = layer(images)
        return 3 * maps[:, 0].mean(dim=(1, 2)) - maps[:, 1].mean(dim=(1, 2))

    assert_close(grad_cam(logit, layer, X), torch.tensor([[[1.25, 0.0], [0.0, 2.5]]]))


def test_weights_are_means_of_the_gradient(layer):
    """Of 4 x[0, 0] alone: the gradient is 4 at one of four places, so the weight is 1."""
    found = grad_cam(lambda images: 4 * layer(images)[:, 0, 0, 0], layer, X)

    assert_close(found, X.relu()[:, 0])


def test_a_map_that_speaks_against_the_class_is_dark(layer):
    """The sum starts from 0: what starts it from 1 would be 1 - 0.25 here, and bright."""
    found = grad_cam(lambda images: -layer(images)[:, 0].mean(dim=(1, 2)), layer, X.abs())

    assert not found.any()


def test_each_image_of_a_batch_has_its_own_map(layer):
    """A batch gives what each image gives alone."""
    batch = torch.cat([X, 2 * X, -X])

    def logit(images):
        return layer(images).square().sum(dim=(1, 2, 3))

    alone = torch.cat([grad_cam(logit, layer, image[None]) for image in batch])
    assert_close(grad_cam(logit, layer, batch), alone)


def test_layers_that_write_over_their_input_change_nothing(layer):
    """A ReLU in place after the layer gives the map of the layer, not of the ReLU."""
    weights = torch.tensor([3.0, -1.0]).reshape(1, 2, 1, 1)

    def logit(images, relu):
        return (relu(layer(images)) * weights).sum(dim=(1, 2, 3))

    expected = grad_cam(lambda images: logit(images, nn.ReLU()), layer, X)
    assert_close(grad_cam(lambda images: logit(images, nn.ReLU(inplace=True)), layer, X), expected)


def test_a_bag_has_one_logit_and_a_map_for_each_instance():
    """Attention joins the instances of A-MIL; the logit of the bag explains all of them."""
    torch.manual_seed(0)
    model = AMIL(3 * 28 * 28, 2).eval()
    images = torch.rand(4, 3, 28, 28)

    found = grad_cam(lambda x: model(Bag(x)).logits[1], model.embed.layers[3], images)

    assert found.shape == (4, 8, 8)
    assert (found >= 0).all()
    assert found.any()


def test_explaining_leaves_the_model_as_it_was():
    """No hook stays, no gradient is stored, and the images are the same."""
    torch.manual_seed(0)
    model, images = AMIL(3 * 28 * 28, 2).eval(), torch.rand(2, 3, 28, 28)
    before, copied = model(Bag(images)).logits, images.clone()

    guided_grad_cam(lambda x: model(Bag(x)).logits[1], model, model.embed.layers[3], images)

    assert_close(model(Bag(images)).logits, before, atol=0, rtol=0)
    assert torch.equal(images, copied)
    assert not images.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


@pytest.mark.parametrize("images", [torch.zeros(1, 1, 2, 2, dtype=torch.uint8), torch.zeros(1, 4)])
def test_bytes_and_rows_are_refused(layer, images):
    """Bytes have no gradient; the message says what was given."""
    with pytest.raises(ShapeError, match="expected floats"):
        grad_cam(lambda x: layer(x).sum(), layer, images)


def test_a_layer_that_is_not_used_or_has_no_maps_is_refused(layer):
    """The message says what the layer gave."""
    with pytest.raises(ShapeError, match=r"outputs of shapes \[\]"):
        grad_cam(lambda x: x.sum(), layer, X)
    flat = nn.Flatten()
    with pytest.raises(ShapeError, match=r"\[\(1, 4\)\]"):
        grad_cam(lambda x: flat(x).sum(), flat, X)


def test_guided_gradient_by_hand():
    """2 relu(x) - 3 relu(x): the plain gradient is -1 where x > 0, the guided one 2."""
    first = nn.Conv2d(1, 2, 1, bias=False)
    nn.init.ones_(first.weight)
    network = nn.Sequential(first, nn.ReLU())
    weights = torch.tensor([2.0, -3.0]).reshape(1, 2, 1, 1)

    found = guided_gradient(lambda x: (network(x) * weights).sum(), network, X)

    assert_close(found, torch.tensor([[[[2.0, 0.0], [0.0, 2.0]]]]))


def test_pixels_before_the_first_relu_may_be_negative():
    """relu(-x) of a negative pixel has the gradient -1, which no ReLU lies before."""
    first = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(first.weight, -1.0)
    network = nn.Sequential(first, nn.ReLU(inplace=True))

    found = guided_gradient(lambda x: network(x).sum(), network, X)

    assert_close(found, torch.tensor([[[[0.0, -1.0], [0.0, 0.0]]]]))
    assert network[1].inplace


def test_a_network_without_relu_is_refused(layer):
    """Then it would be the plain gradient under another name."""
    with pytest.raises(MilbenchError, match=r"Conv2d has no nn\.ReLU"):
        guided_gradient(lambda x: layer(x).sum(), layer, X)


def test_product_of_both_by_hand():
    """Of mean(relu(x)): the map is relu(x) / 4, and the guided gradient 1/4 where x > 0."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU())
    nn.init.ones_(network[0].weight)

    found = guided_grad_cam(lambda x: network(x).mean(dim=(1, 2, 3)), network, network[1], X)

    assert_close(found, torch.tensor([[[[1.0, 0.0], [0.0, 2.0]]]]) / 16)


def test_unit_range_and_grey_by_hand():
    """From the lowest to the highest of each map; sizes of all channels, a constant one is dark."""
    maps = torch.tensor([[[1.0, 3.0], [2.0, 5.0]], [[4.0, 4.0], [4.0, 4.0]]])
    expected = torch.tensor([[[0.0, 0.5], [0.25, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert_close(unit_range(maps), expected)

    gradients = torch.zeros(1, 2, 1, 201)
    gradients[0, 0, 0] = torch.arange(201) / 2
    gradients[0, 1, 0] = -torch.arange(201) / 2
    found = grey(gradients)  # sizes are 0 to 200, and the 0.99 quantile is 198
    assert_close(found[0, 0], (torch.arange(201) / 198).clamp(max=1))


def test_resized_maps_keep_constants_and_means():
    """A constant stays one; two by two pixels become their mean, up to the antialiasing's edge."""
    assert_close(resized(torch.full((2, 3, 3), 0.7), 7, 5), torch.full((2, 7, 5), 0.7))
    step = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]])
    assert_close(resized(step, 1, 1), torch.tensor([[[0.5]]]))


@pytest.fixture
def small_cnn():
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        *(nn.Conv2d(5, 7, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(7, 3)),
    ).eval()


def test_both_equal_captum(small_cnn):
    """To the last bit, on a CNN with ReLUs in place."""
    attr = pytest.importorskip("captum.attr", reason="captum is compared with where it is there")
    images = torch.rand(4, 3, 16, 16)

    def logit(x):
        return small_cnn(x)[:, 1]

    cam = attr.LayerGradCam(small_cnn, small_cnn[3]).attribute(images, target=1).clamp(min=0)
    assert torch.equal(grad_cam(logit, small_cnn[3], images), cam[:, 0].detach())
    with pytest.warns(UserWarning, match="backward hooks"):
        guided = attr.GuidedBackprop(small_cnn).attribute(images.requires_grad_(), target=1)
    assert torch.equal(guided_gradient(logit, small_cnn, images), guided)
