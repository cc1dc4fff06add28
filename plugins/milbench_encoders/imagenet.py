"""Networks trained on ImageNet, with the weight files of torchvision; torchvision is not needed.

ResNets: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR
2016, https://arxiv.org/abs/1512.03385, table 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from milbench.nn.encoder import IMAGENET, Look, NetworkEncoder
from milbench.nn.resnet import ResNet18
from milbench.nn.state import fill, read_state
from milbench.nn.vgg import VGG19

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

EXPANSION = 4  # planes of a bottleneck's last convolution over those of its others
DEPTHS = (3, 4, 6)  # blocks of the first three of ResNet-50's four stages


def resnet18(weights: Path) -> NetworkEncoder:
    """Return ResNet-18 without its classifier: 512 features."""
    return _encoder(ResNet18(), weights, without=("fc.",))


def resnet50(weights: Path) -> NetworkEncoder:
    """Return ResNet-50 up to its third stage, averaged over places: 1024 features, as in CLAM."""
    return _encoder(TruncatedResNet50(), weights, without=("layer4.", "fc."))


def vgg19(weights: Path) -> NetworkEncoder:
    """Return VGG-19 without its last layer: 4096 features."""
    return _encoder(VGG19(), weights, without=("classifier.6.",))


def _encoder(network: nn.Module, weights: Path, without: tuple[str, ...]) -> NetworkEncoder:
    state = {
        name: value for name, value in read_state(weights).items() if not name.startswith(without)
    }
    counts = {  # batches seen in training, which older files leave out and inference never reads
        name: value
        for name, value in network.state_dict().items()
        if name.endswith("num_batches_tracked")
    }
    fill(network, counts | state, weights)
    mean, std = IMAGENET
    return NetworkEncoder(network, Look(mean=mean, std=std))


class TruncatedResNet50(nn.Module):
    """ResNet-50 without its fourth stage: images (N, 3, H, W) to means over places (N, 1024).

    The features of CLAM (M. Y. Lu et al., "Data-efficient and weakly supervised computational
    pathology on whole-slide images", Nature Biomedical Engineering 2021,
    https://arxiv.org/abs/2004.09666). As in torchvision, and unlike in the paper, the 3 x 3
    convolution of a block has its stride. Names are those of torchvision.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for number, depth in enumerate(DEPTHS, start=1):
            planes = 32 * 2**number
            blocks = [Bottleneck(before, planes, 1 if number == 1 else 2)]
            before = planes * EXPANSION
            blocks += [Bottleneck(before, planes, 1) for _ in range(depth - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W), normalised, to features (N, 1024)."""
        planes = F.relu(self.bn1(self.conv1(images)))  # (N, 64, H/2, W/2)
        planes = F.max_pool2d(planes, 3, stride=2, padding=1)
        for number in range(1, len(DEPTHS) + 1):
            planes = self.get_submodule(f"layer{number}")(planes)
        return planes.mean(dim=(2, 3))  # (N, 1024)


class Bottleneck(nn.Module):
    """Convolutions of 1 x 1, 3 x 3 and 1 x 1 beside a shortcut (He et al. 2016, figure 5)."""

    def __init__(self, before: int, planes: int, stride: int) -> None:
        super().__init__()
        after = planes * EXPANSION
        self.conv1 = nn.Conv2d(before, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.downsample = (
            nn.Identity()
            if before == after
            else nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Map planes (N, before, H, W) to (N, 4 * planes, H / stride, W / stride)."""
        inner = F.relu(self.bn1(self.conv1(planes)))
        inner = F.relu(self.bn2(self.conv2(inner)))
        return F.relu(self.bn3(self.conv3(inner)) + self.downsample(planes))
