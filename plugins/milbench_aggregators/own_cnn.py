"""The small CNN that A-MIL trained from scratch beside its attention network.

Source: Dipeshtamboli/Image-Classification-and-Localization-using-Multiple-Instance-Learning, commit
d057145, for A. Patil et al., "Breast Cancer Histopathology Image Classification and Localization
using Multiple Instance Learning", WIECON-ECE 2019, https://arxiv.org/abs/2003.00823.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from milbench.nn.images import as_pixels, centre_crop, image_shape
from milbench_aggregators.picture_classifier import PictureClassifier, pooled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench import Bag, Output

WIDTHS = (64, 64, 128, 128, 128)  # maps of the convolutions, each followed by a pooling
HIDDEN, CROP, DROPOUT = 1024, 128, 0.5


class OwnCNN(PictureClassifier):
    """Five convolutions and two layers on a crop of 128 pixels (baseline of A-MIL, 2019).

    Bytes are divided by 255 and nothing more. Training takes a crop at random, one place for all
    pictures of a bag, from torch's stream, which begins anew with each run. Departures: a
    prediction is made on the middle of the picture, where the source crops at random too; it trains
    and tests on swapped folders; see PictureClassifier.

    Parameters
    ----------
    image
        Channels, rows and columns of a picture; None is a square of three channels or of one.
    crop
        Side of the crop in pixels, a multiple of 32, at most that of the picture.
    """

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        *,
        image: Sequence[int] | None = None,
        crop: int = CROP,
    ) -> None:
        super().__init__()
        self.image = image_shape(in_dim, image, smallest=(crop, crop))
        self.crop = crop
        layers: list[nn.Module] = []
        for before, after in pairwise((self.image[0], *WIDTHS)):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(), nn.MaxPool2d(2)]
        flat = WIDTHS[-1] * (crop // 2 ** len(WIDTHS)) ** 2
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            *(nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(flat, HIDDEN), nn.LeakyReLU()),
            *(nn.Dropout(DROPOUT), nn.Linear(HIDDEN, n_classes)),
        )

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, C, H, W) to logits (C,), and to those of each picture.

        Raises
        ------
        ShapeError
            If bag.x has another shape.
        """
        pixels = as_pixels(bag.x, self.image)
        cut = self._at_random(pixels) if self.training else centre_crop(pixels, *2 * (self.crop,))
        return pooled(self.head(self.features(cut)))

    def _at_random(self, pixels: Tensor) -> Tensor:
        top, left = (int(torch.randint(size - self.crop + 1, ())) for size in self.image[1:])
        return pixels[..., top : top + self.crop, left : left + self.crop]
