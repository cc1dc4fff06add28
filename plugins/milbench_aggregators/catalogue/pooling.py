"""Methods that pool features, or what a network says of instances, by mean or maximum."""

from __future__ import annotations

from milbench import Aggregator, Recipe

AMORES = (
    "Amores, Multiple instance classification: Review, taxonomy and comparative study, "
    "Artificial Intelligence 2013, https://doi.org/10.1016/j.artint.2013.06.003"
)
GARTNER = "Gärtner, Flach, Kowalczyk and Smola, Multi-Instance Kernels, ICML 2002, 179-186"
WANG = (
    "Wang, Yan, Tang, Bai and Liu, Revisiting Multiple Instance Neural Networks, "
    "Pattern Recognition 2018, https://arxiv.org/abs/1610.02501"
)

LINEAR = Recipe(optimizer="adam", lr=1e-3, weight_decay=1e-4, epochs=100)  # our choice
NETWORK = Recipe(
    optimizer="sgd",
    lr=5e-4,  # the authors also shrink it by 1/(1 + 1e-4 step), to 0.7 at the end on 90 bags
    weight_decay=5e-3,  # as stated; Keras's penalty has twice the gradient of PyTorch's
    momentum=0.9,
    nesterov=True,
    epochs=50,
    patience=0,
    select="last",
)

RECORDS = (
    Aggregator(
        name="mean",
        target="milbench_aggregators.mean:Mean",
        summary="linear model on the mean instance",
        paper=AMORES,
        recipe=LINEAR,
        stackable=True,
    ),
    Aggregator(
        name="max",
        target="milbench_aggregators.max:Max",
        summary="linear model on the feature-wise maximum",
        paper=GARTNER,
        recipe=LINEAR,
        stackable=True,
    ),
    Aggregator(
        name="mi-net-instance",
        target="milbench_aggregators.mi_net_instance:MiNetInstance",
        summary="mi-Net: instance predictions, pooled",
        paper=WANG,
        recipe=NETWORK,
        stackable=True,
    ),
    Aggregator(
        name="mi-net-embedding",
        target="milbench_aggregators.mi_net_embedding:MiNetEmbedding",
        summary="MI-Net: pooled embeddings, classified",
        paper=WANG,
        recipe=NETWORK,
        stackable=True,
    ),
)
