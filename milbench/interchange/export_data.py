"""From packed features to the bags that are written for another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from milbench.errors import FeatureError
from milbench.interchange import to_clam, to_stamp, to_torchmil, to_trident
from milbench.interchange.layout import Instances
from milbench.interchange.outgoing import OutBag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.features import Features
    from milbench.interchange.outgoing import Form

FORMS: Mapping[str, Form] = {
    "clam": cast("Form", to_clam),
    "trident": cast("Form", to_trident),
    "stamp": cast("Form", to_stamp),
    "torchmil": cast("Form", to_torchmil),
}


def bags_of(features: Features, *, with_coords: bool = True) -> Iterator[OutBag]:
    """Yield the bags of a feature store, in its order.

    Raises
    ------
    FeatureError
        If the instances are images, or bags have several labels, which no other tool's layout
        holds.
    """
    if features.table.is_multi_label:
        raise FeatureError(
            f"{features.dataset}: its bags have several labels, and the layouts of other tools one "
            "class a bag; export a data set of one label"
        )
    if features.is_image:
        raise FeatureError(
            f"{features.dataset}: {features.encoder} gives images; name an encoder that gives "
            "features: --encoder NAME"
        )
    table = features.table
    for index, name in enumerate(table.ids):
        rows = slice(features.offsets[index], features.offsets[index + 1])
        coords = features.coords[rows] if features.coords is not None and with_coords else None
        labels = None if features.instance_labels is None else features.instance_labels[rows]
        yield OutBag(
            id=name,
            patient=table.patients[index],
            label=table.classes[table.labels[index]],
            instances=Instances(features.bag(index), coords, features.coords_unit, labels),
        )
