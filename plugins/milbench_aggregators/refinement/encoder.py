"""What is refined: a ResNet-18 on images, or a small residual network on features.

Both map instances to a representation, which the bag's network reads, and project it for the
contrastive loss. Both make the random views that this loss compares.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from milbench.errors import ShapeError
from milbench.nn import check_instances
from milbench.nn.resnet import ResNet18
from milbench.nn.views import random_views

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from milbench.nn.views import Augmentation

EMBEDDING = 256  # authors' code
BLOCK = 256  # instances encoded at a time where no gradient is needed
WHITE = 255.0
# The last planes of a smaller image would have a single value, which InstanceNorm refuses; this
# leaves 2 x 2.
SMALLEST = 64


class Encoder(nn.Module, ABC):
    """Base: instances to representations (N, M), and these to embeddings (N, 256).

    The projection is Linear, ReLU, Linear, as in the authors' code (512, 512, 256 for ResNet-18).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.projection = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, EMBEDDING)
        )

    @abstractmethod
    def check(self, x: Tensor) -> None:
        """Refuse instances of another shape than those the encoder was built for."""

    @abstractmethod
    def represent(self, x: Tensor) -> Tensor:
        """Map instances as a bag holds them to representations (N, M)."""

    @abstractmethod
    def embed_view(self, x: Tensor, generator: Generator) -> Tensor:
        """Map a random view of each instance to an embedding (N, 256) of length 1."""

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the representations (N, M) of a whole bag, a block at a time."""
        self.check(x)
        return torch.cat([self.represent(block) for block in torch.split(x, BLOCK)])

    def encode_for_training(self, x: Tensor, generator: Generator) -> Tensor:  # noqa: ARG002
        """Return :meth:`encode` of instances as the bag's network sees them in training."""
        return self.encode(x)

    def embed(self, representations: Tensor) -> Tensor:
        """Project representations (N, M) to embeddings (N, 256) of length 1."""
        return F.normalize(self.projection(representations), dim=1)


class ImageEncoder(Encoder):
    """ResNet-18 with instance normalisation on images (N, C, H, W), uint8.

    Pixels are divided by 255 and not normalised, as in the authors' code. Images with a side below
    64 pixels are enlarged to 64.

    Parameters
    ----------
    shape
        (C, H, W) of an image.
    width
        Planes of the first stage of the ResNet; 64 as published.
    augmentation
        How views are made; see :mod:`milbench.nn.views`.
    """

    def __init__(
        self, shape: tuple[int, int, int], *, width: int = 64, augmentation: Augmentation = "simclr"
    ) -> None:
        channels, rows, columns = shape
        backbone = ResNet18(channels, width=width, norm=nn.InstanceNorm2d)
        super().__init__(backbone.dim)
        self.backbone = backbone
        self.shape = shape
        self.size = (max(SMALLEST, rows), max(SMALLEST, columns))
        self.augmentation: Augmentation = augmentation

    def check(self, x: Tensor) -> None:
        """Refuse anything but images (N, C, H, W) of the training bags' size."""
        if tuple(x.shape[1:]) == self.shape and len(x) > 0:
            return
        channels, rows, columns = self.shape
        raise ShapeError(
            f"bag.x has shape {tuple(x.shape)}; expected (N, {channels}, {rows}, {columns}) with "
            "N >= 1: one bag of images of the training bags' size"
        )

    def represent(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to representations (N, M)."""
        pixels = x.float() / WHITE
        if pixels.shape[2:] != self.size:
            pixels = F.interpolate(pixels, size=self.size, mode="bilinear", align_corners=False)
        represented: Tensor = self.backbone(pixels)
        return represented

    def embed_view(self, x: Tensor, generator: Generator) -> Tensor:
        """Map a random view of each image to an embedding (N, 256) of length 1."""
        views = random_views(x.float() / WHITE, self.size, self.augmentation, generator)
        return self.embed(self.backbone(views))

    def encode_for_training(self, x: Tensor, generator: Generator) -> Tensor:
        """Return :meth:`encode` of images of which a random half is mirrored, as published."""
        is_mirrored = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)  # noqa: PLR2004
        return self.encode(torch.where(is_mirrored[:, None, None, None], x.flip(3), x))


class FeatureAdapter(Encoder):
    """A residual network of two layers on features: x + W relu(V x + b) + c, from (N, D) to (N, D).

    W and c start at zero, so that the first representations are the features themselves: they
    stand for the SimCLR features that the published encoder starts from.

    A view leaves out features at random and adds noise; nothing can be cropped or coloured here.

    Parameters
    ----------
    in_dim
        D.
    hidden
        Width between the layers; D if 0.
    dropout
        Probability with which a view leaves a feature out; the others are enlarged to match.
    noise
        Standard deviation of the noise of a view, in those of the features.
    spread : (D,)
        Standard deviation of each feature over the training instances.
    """

    spread: Tensor

    def __init__(
        self, spread: Tensor, *, hidden: int = 0, dropout: float = 0.2, noise: float = 0.2
    ) -> None:
        in_dim = len(spread)
        super().__init__(in_dim)
        self.inner = nn.Linear(in_dim, hidden or in_dim)
        self.outer = nn.Linear(hidden or in_dim, in_dim)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        self.dropout, self.noise = dropout, noise
        self.register_buffer("spread", spread)

    def check(self, x: Tensor) -> None:
        """Refuse anything but features (N, D)."""
        check_instances(x, self.width)

    def represent(self, x: Tensor) -> Tensor:
        """Map features (N, D) to representations (N, D)."""
        changed: Tensor = self.outer(F.relu(self.inner(x)))
        return x + changed

    def embed_view(self, x: Tensor, generator: Generator) -> Tensor:
        """Map a random view of each instance to an embedding (N, 256) of length 1."""
        is_kept = (torch.rand(x.shape, generator=generator) >= self.dropout).to(x.device)
        noise = torch.randn(x.shape, generator=generator).to(x.device)
        view = x * is_kept / (1.0 - self.dropout) + self.noise * self.spread * noise
        return self.embed(self.represent(view))
