"""Methods that train on the pixels of their instances."""

from __future__ import annotations

from typing import Literal

from milbench import Aggregator, Recipe
from milbench_aggregators.catalogue.attention import ATTENTION, ILSE

PATIL = (
    "Patil, Tamboli, Meena, Anand and Sethi, Breast Cancer Histopathology Image Classification and "
    "Localization using Multiple Instance Learning, WIECON-ECE 2019, "
    "https://arxiv.org/abs/2003.00823"
)

PATCHES = Recipe(
    optimizer="adam",
    lr=1e-4,
    weight_decay=1e-4,
    epochs=20,
    patience=0,
    select="last",
)
PICTURES = Recipe(
    optimizer="rmsprop",
    lr=3e-4,
    momentum=0.4,
    weight_decay=0.0,
    epochs=10,
    patience=0,
    select="last",
)
IMAGES: frozenset[Literal["images"]] = frozenset({"images"})

RECORDS = (
    Aggregator(
        name="abmil-cnn",
        target="milbench_aggregators.abmil_cnn:ABMILCNN",
        summary="abmil with its CNN, trained on images",
        paper=ILSE,
        recipe=ATTENTION,
        needs=IMAGES,
        stackable=False,  # half a million weights, and convolutions of many networks are slow
        fidelity="exact",
    ),
    Aggregator(
        name="gated-abmil-cnn",
        target="milbench_aggregators.abmil_cnn:GatedABMILCNN",
        summary="gated-abmil with its CNN, trained on images",
        paper=ILSE,
        recipe=ATTENTION,
        needs=IMAGES,
        stackable=False,
        fidelity="exact",
    ),
    Aggregator(
        name="amil",
        target="milbench_aggregators.amil:AMIL",
        summary="attention over the 28-pixel patches of a picture",
        paper=PATIL,
        recipe=PATCHES,
        needs=IMAGES,
        stackable=False,
        fidelity="exact",
    ),
    Aggregator(
        name="resnet18-linear",
        target="milbench_aggregators.frozen_cnn:ResNet18Linear",
        summary="a linear layer on a frozen ResNet-18, one picture a bag",
        paper=PATIL,
        recipe=PICTURES,
        needs=IMAGES,
        stackable=False,  # its loss joins pictures
        fidelity="simplified",
    ),
    Aggregator(
        name="vgg19-linear",
        target="milbench_aggregators.frozen_cnn:VGG19Linear",
        summary="a linear layer on a frozen VGG-19, one picture a bag",
        paper=PATIL,
        recipe=PICTURES,
        needs=IMAGES,
        stackable=False,
        fidelity="simplified",
    ),
    Aggregator(
        name="own-cnn",
        target="milbench_aggregators.own_cnn:OwnCNN",
        summary="a small CNN trained from scratch, one picture a bag",
        paper=PATIL,
        recipe=PICTURES,
        needs=IMAGES,
        stackable=False,
        fidelity="simplified",
    ),
)
