"""U-Net: which pixels of a picture show the tissue that is looked for.

Paper: O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015, https://arxiv.org/abs/1505.04597. Sizes and training are those of
milesial/Pytorch-UNet, commit 21d7850, which pads convolutions and normalises batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 4  # halvings of the picture


class UNet(nn.Module):
    """Contract a picture four times, and expand it again beside what it was (Ronneberger 2015).

    Departure from the paper, as in the repository: convolutions are padded, so that the answer is
    as large as the picture, and each is followed by batch normalisation. With ``width`` 64 the
    network has 31,037,698 parameters for two classes, 31,037,633 for one, and 17,263,042 with
    bilinear upsampling.

    Parameters
    ----------
    channels
        Of the picture.
    classes
        Logits a pixel.
    width
        Channels of the first level; each level below has twice as many.
    bilinear
        Upsample bilinearly, with half of the channels in the lower levels, in place of transposed
        convolutions.
    """

    def __init__(
        self, channels: int = 3, classes: int = 2, *, width: int = 64, bilinear: bool = False
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(LEVELS + 1)]
        share = 2 if bilinear else 1
        down = [*widths[:-1], widths[-1] // share]
        self.first = double_convolution(channels, width, width)
        self.down = nn.ModuleList(
            double_convolution(down[level], down[level + 1], down[level + 1])
            for level in range(LEVELS)
        )
        self.up = nn.ModuleList(
            Up(widths[level + 1], widths[level] // (share if level else 1), bilinear=bilinear)
            for level in reversed(range(LEVELS))
        )
        self.head = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures (B, C, H, W) to logits (B, classes, H, W); sides of 16 or more."""
        seen = [self.first(pictures)]
        for down in self.down:
            seen.append(down(F.max_pool2d(seen[-1], 2)))
        x = seen.pop()  # (B, width * 16, H // 16, W // 16)
        for up in self.up:
            x = up(x, seen.pop())
        logits: Tensor = self.head(x)
        return logits


class Up(nn.Module):
    """Double the picture and join it with the level of that size.

    Parameters
    ----------
    in_width
        Channels of both together, and of what comes from below where that is not bilinear.
    out_width
        Channels that are given.
    """

    def __init__(self, in_width: int, out_width: int, *, bilinear: bool) -> None:
        super().__init__()
        half = in_width // 2
        self.enlarge: nn.Module
        if bilinear:
            self.enlarge = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.join = double_convolution(in_width, half, out_width)
        else:
            self.enlarge = nn.ConvTranspose2d(in_width, half, kernel_size=2, stride=2)
            self.join = double_convolution(in_width, out_width, out_width)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        """Map (B, ., h, w) and (B, ., H, W), H at least 2 h, to (B, out_width, H, W)."""
        below = self.enlarge(below)  # (B, ., 2 h, 2 w)
        rows, columns = (a - b for a, b in zip(beside.shape[2:], below.shape[2:], strict=True))
        left, top = columns // 2, rows // 2
        below = F.pad(below, (left, columns - left, top, rows - top))
        joined: Tensor = self.join(torch.cat((beside, below), dim=1))
        return joined


def double_convolution(in_width: int, middle: int, out_width: int) -> nn.Sequential:
    """Build two convolutions of 3 x 3, each with batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_width, middle, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(middle),
        nn.ReLU(),
        nn.Conv2d(middle, out_width, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_width),
        nn.ReLU(),
    )
