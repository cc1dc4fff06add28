"""Built-in aggregators of milbench: the table of contents, one record a method.

Where a recipe's line names no other source, its optimiser settings are those of the authors'
code; ``epochs`` and ``patience`` of ``mean``, ``max`` and the attention methods are our choice,
because the authors train for a fixed number of epochs on one data set.
"""

from collections.abc import Iterator

from milbench import Aggregator, Recipe, hookimpl

ILSE = (
    "Ilse, Tomczak and Welling, Attention-based Deep Multiple Instance Learning, ICML 2018, "
    "https://arxiv.org/abs/1802.04712"
)
WANG = (
    "Wang, Yan, Tang, Bai and Liu, Revisiting Multiple Instance Neural Networks, "
    "Pattern Recognition 2018, https://arxiv.org/abs/1610.02501"
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
KERAS = (
    "no paper; https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-using-"
    "clear-cell-renal-cell-carcinoma-dataset (2022); attention of Ilse, Tomczak and Welling, ICML "
    "2018, https://arxiv.org/abs/1802.04712"
)
AMORES = (
    "Amores, Multiple instance classification: Review, taxonomy and comparative study, "
    "Artificial Intelligence 2013, https://doi.org/10.1016/j.artint.2013.06.003"
)
GARTNER = "Gärtner, Flach, Kowalczyk and Smola, Multi-Instance Kernels, ICML 2002, 179-186"
BREIMAN = "Breiman, Random Forests, Machine Learning 2001, https://doi.org/10.1023/A:1010933404324"

LINEAR = Recipe(optimizer="adam", lr=1e-3, weight_decay=1e-4, epochs=100)  # our choice
ATTENTION = Recipe(optimizer="adam", lr=5e-4, weight_decay=1e-4, epochs=50)
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
TILES = Recipe(
    optimizer="adam",
    lr=1e-3,  # the authors also shrink it by 1/(1 + 5e-4 step)
    weight_decay=0.0,
    epochs=100,
    patience=10,
)


@hookimpl
def milbench_aggregators() -> Iterator[Aggregator]:
    """Yield the built-in methods, then the controls."""
    yield from _methods()
    yield from _dual_streams()
    yield from _tile_networks()
    yield from _controls()


def _methods() -> Iterator[Aggregator]:
    yield Aggregator(
        name="mean",
        target="milbench_aggregators.mean:Mean",
        summary="linear model on the mean instance",
        paper=AMORES,
        recipe=LINEAR,
        stackable=True,
    )
    yield Aggregator(
        name="max",
        target="milbench_aggregators.max:Max",
        summary="linear model on the feature-wise maximum",
        paper=GARTNER,
        recipe=LINEAR,
        stackable=True,
    )
    yield Aggregator(
        name="abmil",
        target="milbench_aggregators.abmil:ABMIL",
        summary="attention pooling of embedded instances",
        paper=ILSE,
        recipe=ATTENTION,
        stackable=True,
    )
    yield Aggregator(
        name="gated-abmil",
        target="milbench_aggregators.abmil:GatedABMIL",
        summary="gated attention pooling of embedded instances",
        paper=ILSE,
        recipe=ATTENTION,
        stackable=True,
    )
    yield Aggregator(
        name="mi-net-instance",
        target="milbench_aggregators.mi_net_instance:MiNetInstance",
        summary="mi-Net: instance predictions, pooled",
        paper=WANG,
        recipe=NETWORK,
        stackable=True,
    )
    yield Aggregator(
        name="mi-net-embedding",
        target="milbench_aggregators.mi_net_embedding:MiNetEmbedding",
        summary="MI-Net: pooled embeddings, classified",
        paper=WANG,
        recipe=NETWORK,
        stackable=True,
    )


def _dual_streams() -> Iterator[Aggregator]:
    yield Aggregator(
        name="dsmil",
        target="milbench_aggregators.dsmil:DSMIL",
        summary="attention to the most critical instance, two streams",
        paper=LI,
        recipe=DUAL_STREAM,
        stackable=True,
        fidelity="exact",
    )
    yield Aggregator(
        name="dsmil-classic",
        target="milbench_aggregators.dsmil_classic:DSMILClassic",
        summary="DSMIL before its rewrite: embedded queries, learnt values",
        paper=LI,
        recipe=DUAL_STREAM_CLASSIC,
        stackable=True,
        fidelity="exact",
    )
    yield Aggregator(
        name="hnm-dsmil",
        target="milbench_aggregators.hnm_dsmil:HNMDSMIL",
        summary="dsmil-classic on pairs of bags, with a ranking loss",
        paper=HUANG,
        recipe=DUAL_STREAM_CLASSIC,
        stackable=False,
    )


def _tile_networks() -> Iterator[Aggregator]:
    # The first has a weight for each place in a bag, so its bags must have an order and a size.
    whole = {"any-size": "the head has weights for a fixed number of instances"}
    yield Aggregator(
        name="keras-simple",
        target="milbench_aggregators.keras_simple:KerasSimple",
        summary="weighted instances side by side, bags of up to 40",
        paper=KERAS,
        recipe=TILES,
        needs=frozenset({"order"}),
        excused=whole,
        stackable=True,
        fidelity="simplified",
    )
    yield Aggregator(
        name="keras-simple-sum",
        target="milbench_aggregators.keras_simple:KerasSimpleSum",
        summary="keras-simple with a head on the sum, bags of any size",
        paper=KERAS,
        recipe=TILES,
        stackable=True,
        fidelity="simplified",
    )
    yield Aggregator(
        name="keras-simple-cnn",
        target="milbench_aggregators.keras_simple:KerasSimpleCNN",
        summary="keras-simple with its CNN, on tiles of 256 x 256",
        paper=KERAS,
        recipe=TILES,
        needs=frozenset({"order", "images"}),
        excused=whole,
        stackable=False,  # 64 million weights a run
        fidelity="exact",
    )


def _controls() -> Iterator[Aggregator]:
    # They fit themselves: their settings are part of what they are a control for.
    yield Aggregator(
        name="prior",
        target="milbench_aggregators.prior:Prior",
        summary="class frequencies of the training bags",
        control=True,
        search={},
    )
    yield Aggregator(
        name="bag-size",
        target="milbench_aggregators.bag_size:BagSize",
        summary="logistic regression on the bag size alone",
        control=True,
        search={},
    )
    yield Aggregator(
        name="pooled-logistic",
        target="milbench_aggregators.pooled:PooledLogistic",
        summary="logistic regression on min, mean and max",
        paper=GARTNER,
        control=True,
        search={},
    )
    yield Aggregator(
        name="pooled-forest",
        target="milbench_aggregators.pooled:PooledForest",
        summary="random forest on min, mean and max",
        paper=f"{GARTNER}; {BREIMAN}",
        control=True,
        search={},
    )
