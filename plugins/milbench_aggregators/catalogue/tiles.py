"""Networks made for bags of a few tiles."""

from __future__ import annotations

from milbench import Aggregator, Recipe

KERAS = (
    "no paper; https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-using-"
    "clear-cell-renal-cell-carcinoma-dataset (2022); attention of Ilse, Tomczak and Welling, ICML "
    "2018, https://arxiv.org/abs/1802.04712"
)

TILES = Recipe(
    optimizer="adam",
    lr=1e-3,  # the authors also shrink it by 1/(1 + 5e-4 step)
    weight_decay=0.0,
    epochs=100,
    patience=10,
)
# The first has a weight for each place in a bag, so its bags must have an order and a size.
WHOLE = {"any-size": "the head has weights for a fixed number of instances"}

RECORDS = (
    Aggregator(
        name="keras-simple",
        target="milbench_aggregators.keras_simple:KerasSimple",
        summary="weighted instances side by side, bags of up to 40",
        paper=KERAS,
        recipe=TILES,
        needs=frozenset({"order"}),
        excused=WHOLE,
        stackable=True,
        fidelity="simplified",
    ),
    Aggregator(
        name="keras-simple-sum",
        target="milbench_aggregators.keras_simple:KerasSimpleSum",
        summary="keras-simple with a head on the sum, bags of any size",
        paper=KERAS,
        recipe=TILES,
        stackable=True,
        fidelity="simplified",
    ),
    Aggregator(
        name="keras-simple-cnn",
        target="milbench_aggregators.keras_simple:KerasSimpleCNN",
        summary="keras-simple with its CNN, on tiles of 256 x 256",
        paper=KERAS,
        recipe=TILES,
        needs=frozenset({"order", "images"}),
        excused=WHOLE,
        stackable=False,  # 64 million weights a run
        fidelity="exact",
    ),
)
