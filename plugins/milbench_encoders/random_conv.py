"""Textures of a tile from random filters at several sizes, without any training.

How often a random filter answers and how strongly, over the whole tile, describes its texture:
A. M. Saxe et al., "On Random Weights and Unsupervised Feature Learning", ICML 2011,
https://icml.cc/2011/papers/551_icmlpaper.pdf; A. Dempster, F. Petitjean and G. I. Webb, "ROCKET",
Data Mining and Knowledge Discovery 34, 2020, https://arxiv.org/abs/1910.13051, for the share of
positive answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from milbench.nn.encoder import IMAGENET, Look, NetworkEncoder
from milbench_encoders.random_filters import random_filters

if TYPE_CHECKING:
    from torch import Tensor

FILTERS = 64
SIDE, STRIDE = 7, 2  # pixels of a filter, and from one place to the next
OCTAVES = 3  # the tile as it is, at half and at a quarter of its size


def random_conv() -> NetworkEncoder:
    """Return the encoder; its filters are the same wherever it is built."""
    mean, std = IMAGENET
    return NetworkEncoder(RandomConvolutions(), Look(size=None, mean=mean, std=std))


class RandomConvolutions(nn.Module):
    """Images (N, 3, H, W) of any size to 384 numbers: 64 filters at three sizes, two numbers each.

    The mean of what is positive, and the share of places where it is. Where ``random-tokens`` keeps
    in which sixteenth of a tile a filter answers, for methods that take tokens, this forgets the
    place and sees coarse textures too, as an encoder should.
    """

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", random_filters(FILTERS, SIDE))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W), normalised, to features (N, 384)."""
        found = []
        for octave in range(OCTAVES):
            if octave:
                images = F.avg_pool2d(images, 2, ceil_mode=True)
            answers = F.conv2d(images, self.filters, stride=STRIDE, padding=SIDE // 2)
            found += [answers.relu().mean(dim=(2, 3)), (answers > 0).float().mean(dim=(2, 3))]
        return torch.cat(found, dim=1).float()
