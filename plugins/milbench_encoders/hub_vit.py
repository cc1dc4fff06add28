"""Pathology encoders that are vision transformers of transformers.

The configurations are those their authors publish beside the weights, so that a file of weights is
all that is needed and no code of a repository is run.
"""

from __future__ import annotations

import math
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

IMAGENET_MEAN, IMAGENET_STD = IMAGENET
POSITIONS = "embeddings.position_embeddings"  # (1, 1 + T, W)
PLAIN = Look(mean=IMAGENET_MEAN, std=IMAGENET_STD)
# https://huggingface.co/kaiko-ai/midnight
MIDNIGHT_LOOK = Look(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
# preprocessor_config.json of https://huggingface.co/histai/hibou-L
HIBOU_LOOK = Look(
    mean=(0.7068, 0.5755, 0.722), std=(0.195, 0.2316, 0.1816), interpolation="bicubic"
)


@dataclass(frozen=True)
class HubViT:
    """A vision transformer of transformers; calling it with a file of weights gives the encoder.

    Parameters
    ----------
    family
        ``ViT``, ``Dinov2`` or ``Dinov2WithRegisters``.
    options
        Of the family's configuration.
    look
        How it wants to see tiles.
    pooling
        ``token``: the class token. ``token+mean``: followed by the mean of the patch tokens.
    """

    family: Literal["ViT", "Dinov2", "Dinov2WithRegisters"]
    options: Mapping[str, Any] = field(default_factory=dict)
    look: Look = PLAIN
    pooling: Literal["token", "token+mean"] = "token"

    def __call__(self, weights: Path) -> NetworkEncoder:
        """Return the encoder with the weights of a file.

        Raises
        ------
        MissingEncoderError
            If transformers is not installed.
        FeatureError
            If the file cannot be read, or does not fit the network.
        """
        state = {
            name.removeprefix("vit.").removeprefix("dinov2."): value
            for name, value in read_state(weights).items()
            if not name.startswith(("pooler.", "vit.pooler.", "classifier."))
        }
        positions = state.get(POSITIONS)
        tokens = 0 if positions is None else positions.shape[1] - 1  # without the class token

        def make() -> nn.Module:
            # Positions are resampled to a tile's size; the file may hold those of larger ones.
            return self.network(image_size=math.isqrt(tokens) * self.options["patch_size"])

        network = built(make if tokens > 0 else self.network, state, weights)
        return NetworkEncoder(Tokens(network, self.pooling), self.look)

    def network(self, **changed: int) -> nn.Module:
        """Return the network with random weights; ``changed`` replace options."""
        transformers = import_transformers()
        options = dict(self.options) | changed
        configuration = getattr(transformers, f"{self.family}Config")(**options)
        model = getattr(transformers, f"{self.family}Model")
        more = {"add_pooling_layer": False} if self.family == "ViT" else {}
        network: nn.Module = model(configuration, **more)
        return network


class Tokens(nn.Module):
    """A transformer of transformers with one vector a tile in place of its tokens."""

    def __init__(self, network: nn.Module, pooling: Literal["token", "token+mean"]) -> None:
        super().__init__()
        self.network = network
        self.pooling = pooling

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, 224, 224), normalised, to features (N, D)."""
        tokens = self.network(pixel_values=images).last_hidden_state  # (N, T, W)
        if self.pooling == "token":
            return tokens[:, 0]  # type: ignore[no-any-return]
        return torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)


def import_transformers() -> Any:
    """Return transformers, which a broken torchvision would keep from being imported.

    Raises
    ------
    MissingEncoderError
        If it is not installed.
    """
    try:
        import_torchvision()
        return import_module("transformers")
    except ImportError as error:
        raise MissingEncoderError(f"{error}; install: pip install 'milbench[encoders]'") from error


BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
GIANT = {
    "hidden_size": 1536,
    "num_hidden_layers": 40,
    "num_attention_heads": 24,
    "use_swiglu_ffn": True,
}
REGISTERS = {"patch_size": 14, "image_size": 224, "num_register_tokens": 4}

PHIKON = HubViT("ViT", BASE | {"patch_size": 16, "image_size": 224})
PHIKON_V2 = HubViT("Dinov2", LARGE | {"patch_size": 16, "image_size": 224})
MIDNIGHT = HubViT(
    "Dinov2", GIANT | {"patch_size": 14, "image_size": 224}, MIDNIGHT_LOOK, "token+mean"
)
HIBOU_B = HubViT("Dinov2WithRegisters", BASE | REGISTERS, HIBOU_LOOK)
HIBOU_L = HubViT("Dinov2WithRegisters", LARGE | REGISTERS, HIBOU_LOOK)
