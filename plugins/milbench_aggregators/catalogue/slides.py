"""Methods made for the thousands of instances of a slide."""

from __future__ import annotations

from milbench import Aggregator, Recipe

LU = (
    "Lu, Williamson, Chen, Chen, Barbieri and Mahmood, Data-efficient and weakly supervised "
    "computational pathology on whole-slide images, Nature Biomedical Engineering 2021, "
    "https://arxiv.org/abs/2004.09666"
)
SHAO = (
    "Shao, Bian, Chen, Wang, Zhang, Ji and Zhang, TransMIL: Transformer based Correlated Multiple "
    "Instance Learning for Whole Slide Image Classification, NeurIPS 2021, "
    "https://arxiv.org/abs/2106.00908"
)

CLUSTERED = Recipe(
    optimizer="adam",
    lr=1e-4,
    weight_decay=1e-5,
    epochs=200,
    patience=20,  # in the authors' code an option, which waits for epoch 50
)
TRANSFORMER = Recipe(
    optimizer="lookahead-radam",  # decay decoupled, on matrices only, as in the authors' code
    lr=2e-4,
    weight_decay=1e-5,
    decay="matrices",
    epochs=200,
    patience=10,
)

OCEAN = (
    "no paper; https://github.com/Metavers1/kaggle_UBC-OCEAN-MIL (2025); layers of Vaswani, "
    "Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin, Attention Is All You Need, "
    "NIPS 2017, https://arxiv.org/abs/1706.03762"
)

# Ours: the notebook publishes no training of its classifier.
CROPS = Recipe(
    optimizer="adamw",
    lr=1e-4,
    weight_decay=1e-4,
    decay="matrices",
    epochs=100,
    patience=10,
)

RECORDS = (
    Aggregator(
        name="clam-sb",
        target="milbench_aggregators.clam:CLAMSB",
        summary="gated attention, its extremes told apart",
        paper=LU,
        recipe=CLUSTERED,
        stackable=True,
        fidelity="exact",
    ),
    Aggregator(
        name="clam-mb",
        target="milbench_aggregators.clam:CLAMMB",
        summary="CLAM with one attention a class",
        paper=LU,
        recipe=CLUSTERED,
        stackable=True,
        fidelity="exact",
    ),
    Aggregator(
        name="mil-fc",
        target="milbench_aggregators.mil_fc:MILFC",
        summary="the most certain instance speaks for the bag",
        paper=LU,
        recipe=CLUSTERED,
        stackable=True,
        multi_label=False,  # one instance speaks for all classes
    ),
    Aggregator(
        name="transmil",
        target="milbench_aggregators.transmil:TransMIL",
        summary="transformer with Nystrom attention and a position code",
        paper=SHAO,
        recipe=TRANSFORMER,
        needs=frozenset({"order"}),
        stackable=True,
        fidelity="exact",
    ),
    Aggregator(
        name="crop-transformer",
        target="milbench_aggregators.crop_transformer:CropTransformer",
        summary="transformer over the crops of a slide, place by place",
        paper=OCEAN,
        recipe=CROPS,
        needs=frozenset({"order"}),
        stackable=True,
    ),
)
