"""Random views of images for contrastive learning: crop, mirror, colour, grey, blur.

Source: T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A Simple Framework for Contrastive
Learning of Visual Representations", ICML 2020, https://arxiv.org/abs/2002.05709, appendix A, with
the strengths of the code of DSMIL, ItS2CLR and HNM.

Every image of a batch has its own random numbers; only the order of the colour changes is drawn
once a batch. Departures from that code, which works on one image after the other: a crop that
would not fit is clamped to the image instead of drawn again, and is enlarged bilinearly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Generator, Tensor

Augmentation = Literal["simclr", "light", "flip"]

AREA = (0.08, 1.0)  # of a crop over that of the image; torchvision's default
ASPECT = (3 / 4, 4 / 3)  # width over height of a crop, likewise
STRENGTH = 0.8  # of brightness, contrast and saturation
HUE = 0.2  # in turns of the colour circle
JITTERED, GREY, BLURRED = 0.8, 0.2, 0.5  # probabilities
SIGMA = (0.1, 2.0)  # of the blur, in pixels
KERNEL_SHARE = 0.06  # of the image's side; 13 pixels of 224
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
RGB = 3
AXES = (slice(None), None, None, None)  # one number an image, to be spread over its pixels


def random_views(
    images: Tensor, size: tuple[int, int], kind: Augmentation, generator: Generator
) -> Tensor:
    """Return one random view of each image.

    Parameters
    ----------
    images : (B, C, H, W)
        In [0, 1]. Saturation, hue and grey are changed of three channels (RGB) only.
    size
        Rows and columns of the views.
    kind
        ``simclr``: all of it. ``light``: mirror, grey and blur. ``flip``: mirror only. The
        latter two are options of the authors' code.
    generator
        On the CPU.

    Returns
    -------
    (B, C, *size)
        In [0, 1].
    """
    draw = Draw(len(images), images, generator)
    whole = torch.ones(len(images), 2).to(images)
    views = _crop(images, size, draw, None if kind == "simclr" else whole)
    if kind == "simclr":
        views = _where(draw.chance(JITTERED), _jitter(views, draw), views)
    if kind != "flip":
        views = _where(draw.chance(GREY), _grey(views), views)
        views = _where(draw.chance(BLURRED), _blur(views, draw.between(*SIGMA)), views)
    return views.clamp(0.0, 1.0)


class Draw:
    """Random numbers, one for each image of a batch, on the device and in the type of ``like``."""

    def __init__(self, count: int, like: Tensor, generator: Generator) -> None:
        self._count, self._like, self._generator = count, like, generator

    def between(self, low: float, high: float) -> Tensor:
        """Return numbers (B,) from ``low`` to ``high``."""
        drawn = torch.rand(self._count, generator=self._generator).to(self._like)
        return low + (high - low) * drawn

    def chance(self, probability: float) -> Tensor:
        """Return (B,) bool, true with ``probability``."""
        return self.between(0.0, 1.0) < probability

    def order(self, count: int) -> list[int]:
        """Return a random order of ``count`` things."""
        order: list[int] = torch.randperm(count, generator=self._generator).tolist()
        return order


def _where(is_changed: Tensor, changed: Tensor, kept: Tensor) -> Tensor:
    return torch.where(is_changed[AXES], changed, kept)


def _crop(images: Tensor, size: tuple[int, int], draw: Draw, sides: Tensor | None) -> Tensor:
    """Return random crops, or the images as a whole, resized to ``size`` and mirrored by chance.

    Parameters
    ----------
    sides : (B, 2), optional
        Width and height of the crops over those of the images; drawn where None.
    """
    if sides is None:
        area, aspect = draw.between(*AREA), draw.between(*map(math.log, ASPECT)).exp()
        sides = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], dim=1).clamp(max=1.0)
    free = 1.0 - sides  # (B, 2), how far a centre may be from the middle, in half images
    centres = free * torch.stack([draw.between(-1.0, 1.0), draw.between(-1.0, 1.0)], dim=1)
    mirror = torch.where(draw.chance(0.5), -1.0, 1.0)
    zero = torch.zeros_like(mirror)
    rows = [
        torch.stack([sides[:, 0] * mirror, zero, centres[:, 0]], dim=1),
        torch.stack([zero, sides[:, 1], centres[:, 1]], dim=1),
    ]
    shape = (len(images), images.shape[1], *size)
    grid = F.affine_grid(torch.stack(rows, dim=1), list(shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _jitter(images: Tensor, draw: Draw) -> Tensor:
    """Change brightness, contrast, saturation and hue in a random order."""
    factors = [draw.between(1.0 - STRENGTH, 1.0 + STRENGTH)[AXES] for _ in range(3)]
    turn = draw.between(-HUE, HUE)
    for change in draw.order(4):
        match change:
            case 0:
                images = images * factors[0]
            case 1:
                mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
                images = mean + factors[1] * (images - mean)
            case 2:
                grey = _grey(images)
                images = grey + factors[2] * (images - grey)
            case _:
                images = turn_hue(images, turn)
        images = images.clamp(0.0, 1.0)
    return images


def _grey(images: Tensor) -> Tensor:
    """Return the luma of RGB images in each channel; others as they are."""
    if images.shape[1] != RGB:
        return images
    weights = images.new_tensor(LUMA)[:, None, None]
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images)


def turn_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of RGB images in the HSV space; others stay as they are.

    Parameters
    ----------
    images : (B, 3, H, W)
        In [0, 1].
    turn : (B,)
        In turns of the colour circle.
    """
    if images.shape[1] != RGB:
        return images
    red, green, blue = images.unbind(dim=1)
    value = images.amax(dim=1)  # (B, H, W)
    spread = value - images.amin(dim=1)
    safe = spread.clamp(min=1e-8)  # a grey pixel has no hue
    of_red, of_green, of_blue = (
        (green - blue) / safe,
        2 + (blue - red) / safe,
        4 + (red - green) / safe,
    )
    sixths = torch.where(value == red, of_red, torch.where(value == green, of_green, of_blue))
    turned = (sixths + 6.0 * turn[:, None, None])[:, None]  # (B, 1, H, W), six to a turn
    offsets = images.new_tensor([5.0, 3.0, 1.0])[:, None, None]
    place = (offsets + turned) % 6.0  # (B, 3, H, W)
    lowered = torch.minimum(place, 4.0 - place).clamp(0.0, 1.0)
    return value[:, None] - spread[:, None] * lowered


def _blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur each image by a Gaussian of its own ``sigma`` (B,), in pixels."""
    radius = int(KERNEL_SHARE * min(images.shape[2:])) // 2
    if radius == 0:
        return images
    count, channels = images.shape[:2]
    steps = torch.arange(-radius, radius + 1, device=images.device)
    weights = (-0.5 * (steps / sigma[:, None]).square()).exp()  # (B, K)
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    planes = images.reshape(1, count * channels, *images.shape[2:])
    for kernel, padding in (
        (weights[:, None, :, None], (0, 0, radius, radius)),
        (weights[:, None, None, :], (radius, radius, 0, 0)),
    ):
        padded = F.pad(planes, padding, mode="reflect")
        planes = F.conv2d(padded, kernel, groups=count * channels)
    return planes.reshape(images.shape)
