"""The convolutional networks of the attention-MIL paper: an image instance to a vector.

Paper: M. Ilse, J. Tomczak and M. Welling, "Attention-based Deep Multiple Instance Learning",
ICML 2018, https://arxiv.org/abs/1802.04712; the network for digits is in the authors' code,
AMLab-Amsterdam/AttentionDeepMIL, commit eb0434b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from milbench.nn.images import as_pixels, image_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

DROPOUT = 0.25  # see NucleiNet
SMALLEST = 16  # both networks leave one value or more of each map


class LeNet(nn.Module):
    """The LeNet-like CNN of Ilse et al. 2018: images (N, C, H, W) to (N, 500).

    Made for digits of 1 x 28 x 28; it takes any channels, and any size from 16 x 16 on. Bytes are
    scaled to [0, 1], then by ``mean`` and ``sd``; floats stay as they are.

    Parameters
    ----------
    in_dim
        Values of an instance.
    image
        Its channels, rows and columns; None is a square of three channels or of one.
    mean, sd
        Of the scaled pixels, the same for every channel.
    """

    width = 500

    def __init__(self, in_dim: int, image: Sequence[int] | None, *, mean: float, sd: float) -> None:
        super().__init__()
        self.image = image_shape(in_dim, image, smallest=(SMALLEST, SMALLEST))
        self.mean, self.sd = mean, sd
        channels, rows, columns = self.image
        left = [((size - 4) // 2 - 4) // 2 for size in (rows, columns)]
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 20, 5), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 20, 12, 12) of digits
            *(nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 50, 4, 4)
            *(nn.Flatten(), nn.Linear(50 * left[0] * left[1], self.width), nn.ReLU()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W), or rows of their values, to (N, 500)."""
        embedded: Tensor = self.layers(_standard(x, self))
        return embedded


class NucleiNet(nn.Module):
    """The CNN of Ilse et al. 2018 for nuclei of 27 x 27 pixels: (N, C, H, W) to (N, 512).

    Source: the paper's appendix, where convolutions of 36 maps (4 x 4) and 48 (3 x 3) follow
    Sirinukunwattana et al. 2016 (https://doi.org/10.1109/TMI.2016.2525803), then two layers of
    512. Its authors publish no code for it and re-implementations disagree on the dropout after
    each of these, 0.5 or 0.25; the latter is our choice. Pixels are scaled as in :class:`LeNet`.
    """

    width = 512

    def __init__(self, in_dim: int, image: Sequence[int] | None, *, mean: float, sd: float) -> None:
        super().__init__()
        self.image = image_shape(in_dim, image, smallest=(SMALLEST, SMALLEST))
        self.mean, self.sd = mean, sd
        channels, rows, columns = self.image
        left = [((size - 3) // 2 - 2) // 2 for size in (rows, columns)]
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 36, 4), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 36, 12, 12) of nuclei
            *(nn.Conv2d(36, 48, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),  # (N, 1200)
            *(nn.Linear(48 * left[0] * left[1], self.width), nn.ReLU(), nn.Dropout(DROPOUT)),
            *(nn.Linear(self.width, self.width), nn.ReLU(), nn.Dropout(DROPOUT)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W), or rows of their values, to (N, 512)."""
        embedded: Tensor = self.layers(_standard(x, self))
        return embedded


def _standard(x: Tensor, network: LeNet | NucleiNet) -> Tensor:
    pixels = as_pixels(x, network.image)  # (N, C, H, W)
    return pixels if x.is_floating_point() else (pixels - network.mean) / network.sd
