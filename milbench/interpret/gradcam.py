"""Where in an image a logit comes from: Grad-CAM.

Paper: R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from milbench.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


def grad_cam(logit: Callable[[Tensor], Tensor], layer: nn.Module, images: Tensor) -> Tensor:
    """Weigh the maps of a layer by how much the logit rises with each, and add them (eqs. 1, 2).

    The sum starts from 0. The code of A-MIL (Dipeshtamboli/Image-Classification-and-Localization-
    using-Multiple-Instance-Learning, commit d057145) starts it from 1, so that places which speak
    slightly against the class still light up; that is taken for a mistake.

    Parameters
    ----------
    logit
        What is explained, as a function of the images: the logit of a class for each image, shape
        (N,), or of a whole bag, shape ().
    layer
        A layer that ``logit`` goes through once, with maps (N, K, h, w).
    images : (N, C, H, W)
        Floats, scaled as the network wants them; bytes have no gradient.

    Returns
    -------
    (N, h, w)
        From 0 upwards, in the unit of the logit; see :func:`resized` and :func:`unit_range`.

    Raises
    ------
    ShapeError
        If the images are no floats, or the layer was not used once with maps.
    """
    seen: list[Tensor] = []

    def keep(_layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        seen.append(output)
        return output.clone()  # what follows may write over its input

    watch = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            value = logit(watched(images)).sum()
    finally:
        watch.remove()
    if len(seen) != 1 or seen[0].dim() != 4:  # noqa: PLR2004  # (N, K, h, w)
        found = [tuple(output.shape) for output in seen]
        raise ShapeError(
            f"{type(layer).__name__} gave outputs of shapes {found}; expected one of (N, K, h, w): "
            "choose a convolution that is used once"
        )
    (gradient,) = torch.autograd.grad(value, seen[0])  # (N, K, h, w)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
    return (weights * seen[0]).sum(dim=1).relu().detach()  # (N, h, w)


def watched(images: Tensor) -> Tensor:
    """Return a copy of images (N, C, H, W) that gradients reach.

    Raises
    ------
    ShapeError
        If the images are no floats of that shape.
    """
    if images.dim() != 4 or not images.is_floating_point():  # noqa: PLR2004  # (N, C, H, W)
        raise ShapeError(
            f"images of {images.dtype} and shape {tuple(images.shape)}; expected floats (N, C, H, "
            "W), scaled as the network scales bytes"
        )
    return images.detach().clone().requires_grad_()


def resized(maps: Tensor, rows: int, columns: int) -> Tensor:
    """Return maps (N, h, w) as (N, rows, columns): bilinear, antialiased where they shrink."""
    size = (rows, columns)
    return F.interpolate(maps[:, None], size, mode="bilinear", antialias=True)[:, 0]


def unit_range(maps: Tensor) -> Tensor:
    """Return maps (N, h, w), each stretched from 0 to 1; one that does not vary becomes 0."""
    low = maps.amin(dim=(1, 2), keepdim=True)
    span = maps.amax(dim=(1, 2), keepdim=True) - low
    return (maps - low) / torch.where(span > 0, span, torch.ones_like(span))
