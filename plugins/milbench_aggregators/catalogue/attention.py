"""Methods that weigh instances by attention."""

from __future__ import annotations

from milbench import Aggregator, Recipe

ILSE = (
    "Ilse, Tomczak and Welling, Attention-based Deep Multiple Instance Learning, ICML 2018, "
    "https://arxiv.org/abs/1802.04712"
)
LI = (
    "Li, Li and Eliceiri, Dual-stream Multiple Instance Learning Network for Whole Slide Image "
    "Classification with Self-supervised Contrastive Learning, CVPR 2021, "
    "https://arxiv.org/abs/2011.08939"
)
HUANG = (
    "Huang, Hu, Abousamra, Prasanna and Chen, Hard Negative Sample Mining for Whole Slide Image "
    "Classification, MICCAI 2024, https://arxiv.org/abs/2410.02212"
)

ATTENTION = Recipe(optimizer="adam", lr=5e-4, weight_decay=1e-4, epochs=50)
DUAL_STREAM = Recipe(
    optimizer="adam",
    lr=1e-4,
    weight_decay=1e-3,
    betas=(0.5, 0.9),
    schedule="cosine",
    final_lr=5e-6,
    epochs=50,
    patience=10,
)
DUAL_STREAM_CLASSIC = Recipe(  # the code of ItS2CLR and HNM, which carries this network
    optimizer="adam",
    lr=2e-4,  # halved there every 37.5 of 350 epochs
    weight_decay=1e-4,
    epochs=50,
    patience=10,
)

RECORDS = (
    Aggregator(
        name="abmil",
        target="milbench_aggregators.abmil:ABMIL",
        summary="attention pooling of embedded instances",
        paper=ILSE,
        recipe=ATTENTION,
        stackable=True,
    ),
    Aggregator(
        name="gated-abmil",
        target="milbench_aggregators.abmil:GatedABMIL",
        summary="gated attention pooling of embedded instances",
        paper=ILSE,
        recipe=ATTENTION,
        stackable=True,
    ),
    Aggregator(
        name="dsmil",
        target="milbench_aggregators.dsmil:DSMIL",
        summary="attention to the most critical instance, two streams",
        paper=LI,
        recipe=DUAL_STREAM,
        stackable=True,
        multi_label=True,  # their loss is one sigmoid a class
        fidelity="exact",
    ),
    Aggregator(
        name="dsmil-classic",
        target="milbench_aggregators.dsmil_classic:DSMILClassic",
        summary="DSMIL before its rewrite: embedded queries, learnt values",
        paper=LI,
        recipe=DUAL_STREAM_CLASSIC,
        stackable=True,
        multi_label=True,  # their loss is one sigmoid a class
        fidelity="exact",
    ),
    Aggregator(
        name="hnm-dsmil",
        target="milbench_aggregators.hnm_dsmil:HNMDSMIL",
        summary="dsmil-classic on pairs of bags, with a ranking loss",
        paper=HUANG,
        recipe=DUAL_STREAM_CLASSIC,
        stackable=False,
    ),
)
