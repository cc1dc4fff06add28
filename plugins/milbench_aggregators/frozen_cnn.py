"""A linear layer on a frozen ImageNet network, as A-MIL had it beside its attention network.

Source: Dipeshtamboli/Image-Classification-and-Localization-using-Multiple-Instance-Learning, commit
d057145, for A. Patil et al., "Breast Cancer Histopathology Image Classification and Localization
using Multiple Instance Learning", WIECON-ECE 2019, https://arxiv.org/abs/2003.00823.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from milbench.errors import ShapeError
from milbench.nn.images import as_pixels, centre_crop, image_shape
from milbench_aggregators.backbones import WIDTH, frozen
from milbench_aggregators.picture_classifier import PictureClassifier, pooled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from milbench import Bag, Output

CROP = 224
SMALLEST = 32  # five halvings leave one pixel
BLOCK = 32  # pictures encoded at a time
COLOUR, GREY = 3, 1


class ResNet18Linear(PictureClassifier):
    """A linear layer on the 512 features of a frozen ResNet-18 (baseline of A-MIL, 2019).

    Only that layer is trained, so the features of a picture are computed once. Bytes are divided
    by 255; as in the source they are not normalised by the ImageNet means. A grey picture is shown
    to all three channels.

    Departures: features come from the middle 224 x 224 pixels, where the source crops at random in
    training and in testing, and from running means of the batch normalisations, where it lets them
    follow the training batches; it also trains and tests on swapped folders; see PictureClassifier.
    To use a large picture whole, cut it into tiles: a bag has the mean of their logits.

    Parameters
    ----------
    image
        Channels, rows and columns of a picture; None is a square of three channels or of one.
    weights
        ``imagenet``: the file that torchvision keeps in torch's cache; the path of such a file; or
        ``random``: a network drawn from a fixed seed, the same in every run, to try things.
    crop
        Side of the crop in pixels; a smaller picture is taken whole.
    width
        Maps of the first convolution; weight files have 64.
    """

    network = "resnet18"
    dropout = 0.0

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        image: Sequence[int] | None = None,
        weights: str = "imagenet",
        crop: int = CROP,
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        self.image = image_shape(in_dim, image, smallest=(SMALLEST, SMALLEST))
        if self.image[0] not in (COLOUR, GREY):
            raise ShapeError(
                f"{self.network}-linear: images of {self.image[0]} channels; the network was "
                "trained on 3: give colour or grey images"
            )
        self.crop = crop
        self.frozen = (self.network, weights, width)
        self.drop = nn.Dropout(self.dropout)
        self.head = nn.Linear(frozen(*self.frozen).dim, n_classes)

    def prepare(self, bag: Bag) -> Bag:
        """Return a bag of images (N, C, H, W) as one of features (N, D), which never change.

        Raises
        ------
        ShapeError
            If bag.x has another shape.
        """
        pixels = centre_crop(as_pixels(bag.x, self.image), self.crop, self.crop)
        colour = pixels.float().expand(-1, COLOUR, -1, -1)  # (N, 3, crop, crop)
        network = frozen(*self.frozen)
        if next(network.parameters()).device != colour.device:
            network.to(colour.device)
        with torch.no_grad():
            blocks = [network(block) for block in torch.split(colour, BLOCK)]
        return replace(bag, x=torch.cat(blocks))

    def forward(self, bag: Bag) -> Output:
        """Map a prepared bag (N, D), or images (N, C, H, W), to logits (C,)."""
        x: Tensor = bag.x
        width = self.head.in_features
        if x.dim() != 2 or x.shape[1] != width or not x.is_floating_point():  # noqa: PLR2004
            x = self.prepare(bag).x
        return pooled(self.head(self.drop(x)))  # (N, C)


class VGG19Linear(ResNet18Linear):
    """A linear layer on the 4096 features of a frozen VGG-19 (baseline of A-MIL, 2019).

    As :class:`ResNet18Linear`. The dropout before the layer works in training, as in the source;
    the one before it, between frozen layers, does not.
    """

    network = "vgg19"
    dropout = 0.5
