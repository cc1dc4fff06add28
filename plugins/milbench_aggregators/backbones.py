"""VGG-19 and ResNet-18 without their last layer, frozen, with the weights of a file.

The names of their parameters are those of torchvision, so that its weight files fit; torchvision
itself is not needed. Paper of VGG-19: K. Simonyan and A. Zisserman, "Very Deep Convolutional
Networks for Large-Scale Image Recognition", ICLR 2015, https://arxiv.org/abs/1409.1556 (table 1,
E).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from milbench import MilbenchError
from milbench.nn_resnet import ResNet18

if TYPE_CHECKING:
    from torch import Tensor

WIDTH = 64  # maps of the first convolution, in both papers
SITE = "https://download.pytorch.org/models"
FILES = {"resnet18": "resnet18-f37072fd.pth", "vgg19": "vgg19-dcbb9e9d.pth"}
LAST = {"resnet18": "fc.", "vgg19": "classifier.6."}  # the layer that is left out
RANDOM_SEED = 0


class VGG19(nn.Module):
    """Images (N, 3, H, W), 32 pixels or more, to (N, 64 * width)."""

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


NETWORKS: dict[str, type[ResNet18 | VGG19]] = {"resnet18": ResNet18, "vgg19": VGG19}


@cache
def frozen(name: str, weights: str, width: int = WIDTH) -> ResNet18 | VGG19:
    """Return a network that is not trained, one for all who ask for the same.

    Parameters
    ----------
    name
        ``resnet18`` or ``vgg19``.
    weights
        ``imagenet``, the file that torchvision keeps in torch's cache; ``random``, drawn from one
        seed, so that every run has the same; or the path of a file in torchvision's layout.
    width
        Maps of the first convolution; weight files have 64.

    Raises
    ------
    MilbenchError
        If the file is not there, or does not fit.
    """
    if weights == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(RANDOM_SEED)
            network = NETWORKS[name](width=width)
    else:
        network = NETWORKS[name](width=width)
        network.load_state_dict(_read(name, network, weights))
    return network.eval().requires_grad_(requires_grad=False)


def _read(name: str, network: nn.Module, weights: str) -> dict[str, Tensor]:
    cached = Path(torch.hub.get_dir()) / "checkpoints" / FILES[name]
    path = cached if weights == "imagenet" else Path(weights)
    if not path.is_file():
        raise MilbenchError(
            f"{name}: no weights at {path}; get {SITE}/{FILES[name]} and put it there, or name a "
            'file by the setting weights; weights = "random" takes none'
        )
    state = torch.load(path, map_location="cpu", weights_only=True)
    kept = {key: value for key, value in state.items() if not key.startswith(LAST[name])}
    wanted = {key: value.shape for key, value in network.state_dict().items()}
    found = {key: value.shape for key, value in kept.items()}
    if found != wanted:
        odd = sorted(key for key in wanted | found if wanted.get(key) != found.get(key))
        raise MilbenchError(
            f"{path}: holds no weights of {name}: {len(odd)} tensors differ, such as {odd[0]!r}; "
            f"expected the layout of {SITE}/{FILES[name]}"
        )
    return kept
