"""Which pixels a logit comes from: guided back-propagation, and its product with Grad-CAM.

Papers: J. T. Springenberg, A. Dosovitskiy, T. Brox and M. Riedmiller, "Striving for Simplicity: The
All Convolutional Net", ICLR 2015 workshop, https://arxiv.org/abs/1412.6806; R. Selvaraju et al.,
"Grad-CAM", ICCV 2017, https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from milbench.errors import MilbenchError
from milbench.interpret.gradcam import grad_cam, resized, unit_range, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

TOP = 0.99  # share of the pixels that keep their value in a grey picture, as in A-MIL's code


def guided_gradient(
    logit: Callable[[Tensor], Tensor], network: nn.Module, images: Tensor
) -> Tensor:
    """Return the gradient of a logit by the pixels, led through positive paths only.

    At each ReLU what comes back is kept where the ReLU was open and the gradient is positive.

    Parameters
    ----------
    logit
        As for :func:`milbench.interpret.gradcam.grad_cam`.
    network
        Holds the ReLUs that ``logit`` goes through, as modules ``nn.ReLU``.
    images : (N, C, H, W)
        Floats, scaled as the network wants them.

    Returns
    -------
    (N, C, H, W)
        Gradients of either sign, since the first layer has no ReLU before it.

    Raises
    ------
    MilbenchError
        If the network has no ``nn.ReLU``: then this would be the plain gradient.
    ShapeError
        If the images are no floats.
    """
    reached = watched(images)
    with _guided(network), torch.enable_grad():
        (gradient,) = torch.autograd.grad(logit(reached).sum(), reached)
    return gradient


@contextmanager
def _guided(network: nn.Module) -> Iterator[None]:
    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    if not relus:
        raise MilbenchError(
            f"{type(network).__name__} has no nn.ReLU; guided back-propagation is defined by them: "
            "give the part of the model that holds them, or use grad_cam"
        )
    in_place = [relu.inplace for relu in relus]
    hooks = [relu.register_full_backward_hook(_positive) for relu in relus]
    for relu in relus:
        relu.inplace = False  # a hook must not see values that are written over
    try:
        yield
    finally:
        for relu, was, hook in zip(relus, in_place, hooks, strict=True):
            relu.inplace = was
            hook.remove()


def _positive(_relu: nn.Module, inner: tuple[Tensor, ...], _outer: object) -> tuple[Tensor, ...]:
    return tuple(gradient.clamp(min=0) for gradient in inner)


def guided_grad_cam(
    logit: Callable[[Tensor], Tensor], network: nn.Module, layer: nn.Module, images: Tensor
) -> Tensor:
    """Return the guided gradient times the enlarged Grad-CAM of ``layer``: (N, C, H, W)."""
    cam = grad_cam(logit, layer, images)  # (N, h, w)
    enlarged = resized(cam, *images.shape[2:])  # (N, H, W)
    return guided_gradient(logit, network, images) * enlarged[:, None]


def grey(gradients: Tensor) -> Tensor:
    """Return gradients (N, C, H, W) as grey pictures (N, H, W) from 0 to 1.

    Sizes are added over the channels, the largest hundredth of each picture is cut, and the rest
    stretched, as in the code of A-MIL.
    """
    sizes = gradients.abs().sum(dim=1)  # (N, H, W)
    top = sizes.flatten(1).quantile(TOP, dim=1)[:, None, None]  # (N, 1, 1)
    return unit_range(torch.minimum(sizes, top))
