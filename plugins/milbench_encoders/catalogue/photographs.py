"""Encoders trained on photographs; their weight files are those of torchvision."""

from __future__ import annotations

from typing import Any

from milbench import Encoder, Weights

SITE = "https://download.pytorch.org/models"
HE = (
    "He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, CVPR 2016, "
    "https://arxiv.org/abs/1512.03385"
)
CLAM = (
    "Lu, Williamson, Chen, Chen, Barbieri and Mahmood, Data-efficient and weakly supervised "
    "computational pathology on whole-slide images, Nature Biomedical Engineering 2021, "
    "https://arxiv.org/abs/2004.09666"
)
SIMONYAN = (
    "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
    "ICLR 2015, https://arxiv.org/abs/1409.1556"
)

# Mean and deviation as torchvision's weights are documented with.
SHARED: dict[str, Any] = {
    "tile_px": 224,
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "pretraining_data": ("ImageNet-1k",),
    "licence": "BSD-3-Clause (torchvision); ImageNet's images are for non-commercial research",
    "precisions": ("float32", "bfloat16", "float16"),
}


def _from(file: str) -> Weights:
    return Weights(file=file, url=f"{SITE}/{file}")


RECORDS = (
    Encoder(
        name="resnet18",
        target="milbench_encoders.imagenet:resnet18",
        summary="ResNet-18 without its classifier, trained on ImageNet",
        paper=HE,
        dim=512,
        weights=_from("resnet18-f37072fd.pth"),
        **SHARED,
    ),
    Encoder(
        name="resnet50",
        target="milbench_encoders.imagenet:resnet50",
        summary="ResNet-50 up to its third stage, trained on ImageNet, as in CLAM",
        paper=f"{HE}; {CLAM}",
        dim=1024,
        weights=_from("resnet50-0676ba61.pth"),
        **SHARED,
    ),
    Encoder(
        name="vgg19",
        target="milbench_encoders.imagenet:vgg19",
        summary="VGG-19 without its last layer, trained on ImageNet",
        paper=SIMONYAN,
        dim=4096,
        weights=_from("vgg19-dcbb9e9d.pth"),
        **SHARED,
    ),
)
