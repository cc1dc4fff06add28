"""VGG-19 and ResNet-18 without their last layer, frozen, with the weights of a file.

The names of their parameters are those of torchvision, so that its weight files fit; torchvision
itself is not needed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from milbench import MilbenchError
from milbench.nn.resnet import ResNet18
from milbench.nn.vgg import VGG19

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTH = 64  # maps of the first convolution, in both papers
SITE = "https://download.pytorch.org/models"
FILES = {"resnet18": "resnet18-f37072fd.pth", "vgg19": "vgg19-dcbb9e9d.pth"}
LAST = {"resnet18": "fc.", "vgg19": "classifier.6."}  # the layer that is left out
RANDOM_SEED = 0


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
