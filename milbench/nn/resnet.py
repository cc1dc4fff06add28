"""ResNet-18 as an encoder: images to vectors, with any normalisation between its convolutions.

Paper: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR
2016, https://arxiv.org/abs/1512.03385, table 1. Weights start, and are named and ordered, as those
of torchvision's ``resnet18``, so that weights saved there can be read by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from milbench.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Norm = Callable[[int], nn.Module]

__all__ = ["ResNet18"]

STAGES = (1, 2, 4, 8)  # width of each stage over that of the first
BLOCKS = 2  # of each stage; two convolutions each, which with the first and the head makes 18


class ResNet18(nn.Module):
    """ResNet-18 without its classifier (He et al. 2016): images (N, C, H, W) to (N, dim).

    Parameters
    ----------
    channels
        C.
    width
        Planes of the first stage; 64 as published. ``dim`` is eight times as many.
    norm
        Builds a normalisation from its count of planes. ``nn.InstanceNorm2d`` has no parameters
        and treats each image alone, but refuses a plane of one value: its images need sides of
        more than 32 pixels.
    """

    def __init__(self, channels: int = 3, *, width: int = 64, norm: Norm = nn.BatchNorm2d) -> None:
        super().__init__()
        self.channels = channels
        self.dim = width * STAGES[-1]
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        before = width
        for number, times in enumerate(STAGES, start=1):
            stride = 1 if number == 1 else 2
            self.add_module(f"layer{number}", _stage(before, width * times, stride, norm))
            before = width * times
        self.apply(_start)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, C, H, W), floats in any range, to the means of the last planes (N, dim).

        Raises
        ------
        ShapeError
            If ``images`` has other axes or channels.
        """
        if images.dim() != 4 or images.shape[1] != self.channels:  # noqa: PLR2004  # N, C, H, W
            raise ShapeError(
                f"images of shape {tuple(images.shape)}; expected (N, {self.channels}, H, W)"
            )
        planes = F.relu(self.bn1(self.conv1(images)))  # (N, W, H/2, W/2)
        planes = F.max_pool2d(planes, 3, stride=2, padding=1)
        for number in range(1, len(STAGES) + 1):
            planes = self.get_submodule(f"layer{number}")(planes)
        return planes.mean(dim=(2, 3))  # (N, dim)


class Block(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut; ``stride`` is that of the first."""

    def __init__(self, before: int, after: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = norm(after)
        self.downsample = (
            nn.Identity()
            if stride == 1 and before == after
            else nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), norm(after))
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Map planes (N, before, H, W) to (N, after, H / stride, W / stride)."""
        inner = F.relu(self.bn1(self.conv1(planes)))
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(planes))


def _stage(before: int, after: int, stride: int, norm: Norm) -> nn.Sequential:
    rest = [Block(after, after, 1, norm) for _ in range(BLOCKS - 1)]
    return nn.Sequential(Block(before, after, stride, norm), *rest)


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
