"""CONCH, whose network is in a package of its authors that is on no index.

Paper: M. Y. Lu et al., "A visual-language foundation model for computational pathology", Nature
Medicine 30, 2024, https://doi.org/10.1038/s41591-024-02856-4.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from milbench import MissingEncoderError
from milbench.nn.encoder import Look, NetworkEncoder
from milbench.nn.state import read_state
from milbench_encoders.torchvision_shim import import_torchvision

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

PACKAGE = "git+https://github.com/Mahmoodlab/CONCH.git"
# Of CLIP's images: https://github.com/openai/CLIP
LOOK = Look(
    size=448,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
    interpolation="bicubic",
)


def conch(weights: Path) -> NetworkEncoder:
    """Return the encoder with the weights of a file: 512 features, before the projection.

    Raises
    ------
    MissingEncoderError
        If the authors' package is not installed.
    FeatureError
        If the file cannot be read, or could run code when it is.
    """
    try:
        import_torchvision()
        package = import_module("conch.open_clip_custom")
    except (ImportError, MissingEncoderError) as error:
        raise MissingEncoderError(
            f"encoder 'conch' needs the package of its authors: {error}; read its licence "
            f"(CC-BY-NC-ND-4.0) and install: pip install '{PACKAGE}'"
        ) from error
    read_state(weights)  # refuses a file that could run code, which the package would read
    model, _ = package.create_model_from_pretrained("conch_ViT-B-16", checkpoint_path=str(weights))
    return NetworkEncoder(Vision(model), LOOK)


class Vision(nn.Module):
    """The half of CONCH that sees."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, 448, 448), normalised, to features (N, 512)."""
        found: Tensor = self.model.encode_image(images, proj_contrast=False, normalize=False)
        return found
