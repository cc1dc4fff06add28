"""Methods for data sets whose classes have coarse classes above them."""

from __future__ import annotations

from milbench import Aggregator, Recipe

JIN = (
    "Jin, Luo, Lin, Hou and Chen, HMIL: Hierarchical Multi-Instance Learning for Fine-Grained "
    "Whole Slide Image Classification, IEEE Transactions on Medical Imaging 2025, "
    "https://arxiv.org/abs/2411.07660"
)

HIERARCHICAL = Recipe(
    optimizer="adam",
    lr=1e-4,
    weight_decay=0.0,
    schedule="plateau",  # on the training loss, a tenth after more than five epochs
    epochs=200,
    patience=0,  # the authors never stop early, and keep the best epoch
)

RECORDS = (
    Aggregator(
        name="hmil",
        target="milbench_aggregators.hmil:HMIL",
        summary="an attention for each coarse and fine class, both levels aligned",
        paper=JIN,
        recipe=HIERARCHICAL,
        needs=frozenset({"levels"}),
        stackable=False,  # its loss joins bags
        fidelity="paper",
    ),
)
