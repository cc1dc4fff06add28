"""CTransPath: a Swin transformer whose tile is first seen by a few convolutions.

Paper: X. Wang et al., "Transformer-based unsupervised contrastive learning for histopathological
image classification", Medical Image Analysis 81, 2022,
https://doi.org/10.1016/j.media.2022.102559.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torch import nn

from milbench.nn.encoder import IMAGENET, Look, NetworkEncoder
from milbench.nn.state import fill, read_state
from milbench_encoders.vit import import_timm

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

WIDTH = 96  # of Swin-T's first stage
# Fixed by the sizes of the windows: never trained, and left out by newer files.
FIXED = ("attn_mask", "relative_position_index")


def ctranspath(weights: Path) -> NetworkEncoder:
    """Return the encoder with the weights of a file: 768 features.

    The published files have the names of timm 0.5, where a stage ends with the merging of
    patches; now the next one begins with it.

    Raises
    ------
    MissingEncoderError
        If timm is not installed.
    FeatureError
        If the file cannot be read, or does not fit the network.
    """
    network = swin()
    fixed = {name: v for name, v in network.state_dict().items() if name.endswith(FIXED)}
    state = {
        _present(name): value
        for name, value in read_state(weights).items()
        if not name.endswith(FIXED) and not name.startswith("head.")
    }
    fill(network, fixed | state, weights)
    mean, std = IMAGENET
    return NetworkEncoder(network, Look(mean=mean, std=std))


def _present(name: str) -> str:
    def next_stage(found: re.Match[str]) -> str:
        return f"layers.{int(found[1]) + 1}.downsample"

    return re.sub(r"layers\.(\d+)\.downsample", next_stage, name)


def swin() -> nn.Module:
    """Return Swin-T with :class:`Stem` in place of its patches, and random weights."""
    timm = import_timm()
    network: nn.Module = timm.create_model(
        "swin_tiny_patch4_window7_224", pretrained=False, num_classes=0
    )
    network.patch_embed = Stem(WIDTH)
    return network


class Stem(nn.Module):
    """Two 3 x 3 convolutions of stride 2 and one of 1 x 1, which halve a tile's sides twice.

    Parameters
    ----------
    width
        Planes of the last one, those of Swin's first stage.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for after in (width // 8, width // 4):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
            before = after
        self.proj = nn.Sequential(*layers, nn.Conv2d(before, width, 1))
        self.norm = nn.LayerNorm(width)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to patches (N, H / 4, W / 4, width)."""
        found: Tensor = self.norm(self.proj(images).permute(0, 2, 3, 1))
        return found
