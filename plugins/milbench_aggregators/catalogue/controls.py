"""What every method must beat; they fit themselves: their settings are part of the control."""

from __future__ import annotations

from milbench import Aggregator
from milbench_aggregators.catalogue.pooling import GARTNER

BREIMAN = "Breiman, Random Forests, Machine Learning 2001, https://doi.org/10.1023/A:1010933404324"

RECORDS = (
    Aggregator(
        name="prior",
        target="milbench_aggregators.prior:Prior",
        summary="class frequencies of the training bags",
        control=True,
        multi_label=True,  # each label by itself
        search={},
    ),
    Aggregator(
        name="bag-size",
        target="milbench_aggregators.bag_size:BagSize",
        summary="logistic regression on the bag size alone",
        control=True,
        multi_label=True,  # each label by itself
        search={},
    ),
    Aggregator(
        name="pooled-logistic",
        target="milbench_aggregators.pooled:PooledLogistic",
        summary="logistic regression on min, mean and max",
        paper=GARTNER,
        control=True,
        multi_label=True,  # each label by itself
        search={},
    ),
    Aggregator(
        name="pooled-forest",
        target="milbench_aggregators.pooled:PooledForest",
        summary="random forest on min, mean and max",
        paper=f"{GARTNER}; {BREIMAN}",
        control=True,
        multi_label=True,  # each label by itself
        search={},
    ),
)
