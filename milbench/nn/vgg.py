"""VGG-19 as an encoder: images to vectors.

Paper: K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015, https://arxiv.org/abs/1409.1556, table 1, E. Its parameters are named and
ordered as those of torchvision's ``vgg19``, so that weights saved there can be read by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VGG19"]

WIDTH = 64  # maps of the first convolution, in the paper


class VGG19(nn.Module):
    """VGG-19 without its last layer: images (N, 3, H, W), 32 pixels or more, to (N, 64 * width)."""

    def __init__(self, *, width: int = WIDTH) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for after, count in ((1, 2), (2, 2), (4, 4), (8, 4), (8, 4)):
            for _ in range(count):
                layers += [nn.Conv2d(before, after * width, 3, padding=1), nn.ReLU()]
                before = after * width
            layers.append(nn.MaxPool2d(2))
        self.dim = 64 * width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            *(nn.Linear(49 * before, self.dim), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(self.dim, self.dim), nn.ReLU()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to (N, 64 * width)."""
        found: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return found
