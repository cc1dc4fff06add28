"""Pathology encoders that are vision transformers of timm.

Each is a size of timm's own with the changes its authors publish on their model card; the weights
are read from a file. What a network gives for a tile is its class token, or the class token
followed by the mean of the patch tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from milbench import MissingEncoderError
from milbench.nn.encoder import IMAGENET, Look, NetworkEncoder
from milbench.nn.state import built, read_state
from milbench_encoders.torchvision_shim import import_torchvision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    State = dict[str, Tensor]

IMAGENET_MEAN, IMAGENET_STD = IMAGENET
# mean and std in https://huggingface.co/bioptimus/H-optimus-0 and, the same, in H0-mini.
BIOPTIMUS = Look(mean=(0.707223, 0.578729, 0.703617), std=(0.211883, 0.230117, 0.177517))
# https://github.com/lunit-io/benchmark-ssl-pathology, in its README.
LUNIT = Look(mean=(0.70322989, 0.53606487, 0.66096631), std=(0.21716536, 0.26081574, 0.20723464))
PLAIN = Look(mean=IMAGENET_MEAN, std=IMAGENET_STD)
BICUBIC = Look(mean=IMAGENET_MEAN, std=IMAGENET_STD, interpolation="bicubic")
CROPPED = Look(resize=256, mean=IMAGENET_MEAN, std=IMAGENET_STD, interpolation="bicubic")

GATED_MLP: dict[str, Any] = {"mlp_layer": "SwiGLUPacked", "act_layer": nn.SiLU}


@dataclass(frozen=True)
class TimmViT:
    """A vision transformer of timm; calling it with a file of weights gives the encoder.

    Parameters
    ----------
    size
        timm's name of the network.
    options
        What differs from it; ``mlp_layer`` is the name of a class of ``timm.layers``.
    look
        How it wants to see tiles.
    pooling
        ``token``: the class token. ``token+mean``: followed by the mean of the patch tokens.
    filtered
        Whether names of tensors are those of DINOv2's code, which timm knows to translate.
    """

    size: str
    options: Mapping[str, Any] = field(default_factory=dict)
    look: Look = PLAIN
    pooling: Literal["token", "token+mean"] = "token"
    filtered: bool = False

    def __call__(self, weights: Path) -> NetworkEncoder:
        """Return the encoder with the weights of a file.

        Raises
        ------
        MissingEncoderError
            If timm is not installed.
        FeatureError
            If the file cannot be read, or does not fit the network.
        """
        import_timm()
        state = read_state(weights)
        if self.filtered:
            state = self._translated(state)
        return NetworkEncoder(Pooled(built(self.network, state, weights), self.pooling), self.look)

    def network(self) -> nn.Module:
        """Return the network with random weights; all tokens are given, normalised."""
        timm = import_timm()
        options = {"init_values": 1e-5, "img_size": 224} | dict(self.options)
        if "mlp_layer" in options:
            options["mlp_layer"] = getattr(timm.layers, options["mlp_layer"])
        network: nn.Module = timm.create_model(
            self.size, pretrained=False, num_classes=0, global_pool="", **options
        )
        return network

    def _translated(self, state: State) -> State:
        """Return the tensors under timm's names."""
        filters = import_module("timm.models.vision_transformer")
        with torch.device("meta"):
            network = self.network()
        translated: State = filters.checkpoint_filter_fn(state, network)
        return translated


class Pooled(nn.Module):
    """A transformer of timm with one vector a tile in place of its tokens."""

    def __init__(self, network: nn.Module, pooling: Literal["token", "token+mean"]) -> None:
        super().__init__()
        self.network = network
        self.pooling = pooling
        self.prefix = int(getattr(network, "num_prefix_tokens", 1))  # class and register tokens

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, 224, 224), normalised, to features (N, D)."""
        tokens = self.network(images)  # (N, T, W)
        if self.pooling == "token":
            return tokens[:, 0]  # type: ignore[no-any-return]
        return torch.cat([tokens[:, 0], tokens[:, self.prefix :].mean(dim=1)], dim=1)


def import_timm() -> Any:
    """Return timm.

    Raises
    ------
    MissingEncoderError
        If it, or torchvision, is not installed.
    """
    try:
        import_torchvision()
        return import_module("timm")
    except ImportError as error:
        raise MissingEncoderError(f"{error}; install: pip install 'milbench[encoders]'") from error


UNI = TimmViT("vit_large_patch16_224")
UNI2_H = TimmViT(
    "vit_giant_patch14_224",
    GATED_MLP
    | {
        "depth": 24,
        "num_heads": 24,
        "embed_dim": 1536,
        "mlp_ratio": 2.66667 * 2,
        "no_embed_class": True,
        "reg_tokens": 8,
    },
)
VIRCHOW = TimmViT("vit_huge_patch14_224", GATED_MLP | {"mlp_ratio": 5.3375}, BICUBIC, "token+mean")
VIRCHOW2 = TimmViT(
    "vit_huge_patch14_224",
    GATED_MLP | {"mlp_ratio": 5.3375, "reg_tokens": 4},
    BICUBIC,
    "token+mean",
)
GIGAPATH = TimmViT(
    "vit_giant_patch14_dinov2",
    {"patch_size": 16, "embed_dim": 1536, "depth": 40, "num_heads": 24, "mlp_ratio": 5.33334},
    CROPPED,
)
H_OPTIMUS = TimmViT("vit_giant_patch14_reg4_dinov2", {}, BIOPTIMUS)
# The model card gives the gated layers; their ratio is the one that makes its 86 million weights.
H0_MINI = TimmViT(
    "vit_base_patch14_reg4_dinov2", GATED_MLP | {"mlp_ratio": 5.33334}, BIOPTIMUS, "token+mean"
)
GPFM = TimmViT("vit_large_patch14_dinov2", {}, BICUBIC, filtered=True)
LUNIT_S16 = TimmViT("vit_small_patch16_224", {"init_values": None}, LUNIT)
