"""Methods that refine the encoder of instances by pseudo labels; they bring a loop of their own.

Their settings are those of their constructors: the recipe of a suite does not reach them.
"""

from __future__ import annotations

from milbench import Aggregator
from milbench_aggregators.catalogue.attention import HUANG

LIU = (
    "Liu, Zhu, Shen, Liu, Razavian, Geras and Fernandez-Granda, Multiple Instance Learning via "
    "Iterative Self-Paced Supervised Contrastive Learning, CVPR 2023, "
    "https://arxiv.org/abs/2210.09452"
)

RECORDS = (
    Aggregator(
        name="its2clr",
        target="milbench_aggregators.its2clr:ITS2CLR",
        summary="ResNet-18 refined by self-paced pseudo labels",
        paper=LIU,
        needs=frozenset({"images"}),
        search={},
    ),
    Aggregator(
        name="hnm",
        target="milbench_aggregators.hnm:HNM",
        summary="its2clr with hard negatives and ranked bags",
        paper=HUANG,
        needs=frozenset({"images"}),
        search={},
    ),
    Aggregator(
        name="its2clr-features",
        target="milbench_aggregators.its2clr:ITS2CLRFeatures",
        summary="its2clr deviated: refines features, not images",
        paper=LIU,
        search={},
        fidelity="simplified",
    ),
    Aggregator(
        name="hnm-features",
        target="milbench_aggregators.hnm:HNMFeatures",
        summary="hnm deviated: refines features, not images",
        paper=HUANG,
        search={},
        fidelity="simplified",
    ),
)
