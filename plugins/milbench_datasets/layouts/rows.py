"""Gather rows, one an instance, into bags: what every classical layout ends in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = {0.0: 0, -1.0: 0, 1.0: 1}  # both conventions of the field: 0/1 and -1/1


@dataclass(frozen=True, slots=True)
class Rows:
    """The instances of a whole data set, in the file's order.

    Parameters
    ----------
    source
        The file that holds the labels, for messages.
    x : (N_total, D)
        Features as in the file.
    bags
        Name of the bag of every instance.
    labels
        Label of every instance's bag: 0 or -1 is negative, 1 is positive.
    """

    source: Path
    x: NDArray[np.float64]
    bags: Sequence[str]
    labels: Sequence[float]


def gather(rows: Rows) -> list[LabelledBag]:
    """Return the bags in the order in which they first appear, instances in the file's order.

    Raises
    ------
    DatasetError
        If the parts differ in length, a label is neither of 0, 1 and -1, or the instances of one
        bag disagree about its label.
    """
    if not len(rows.x) == len(rows.bags) == len(rows.labels):
        raise DatasetError(
            f"{rows.source}: found {len(rows.x)} instances, {len(rows.bags)} bag numbers and "
            f"{len(rows.labels)} labels, expected as many of each; get the files again"
        )
    members: dict[str, list[int]] = {}
    for position, bag in enumerate(rows.bags):
        members.setdefault(bag, []).append(position)
    return [
        LabelledBag(
            id=bag,
            label=common_label(rows, bag, positions),
            x=rows.x[positions].astype(np.float32),  # (N, D)
            patient=bag,
        )
        for bag, positions in members.items()
    ]


def common_label(rows: Rows, bag: str, positions: list[int]) -> int:
    """Return the one label that all instances of a bag carry, 0 or 1.

    Raises
    ------
    DatasetError
        Naming the instances that disagree, counted from 1.
    """
    labels = [label_of(rows, position) for position in positions]
    for position, label in zip(positions, labels, strict=True):
        if label != labels[0]:
            raise DatasetError(
                f"{rows.source}: bag {bag!r} is labelled {labels[0]} by instance "
                f"{positions[0] + 1} and {label} by instance {position + 1}, expected one label"
            )
    return labels[0]


def label_of(rows: Rows, position: int) -> int:
    """Return the label of one instance as 0 or 1.

    Raises
    ------
    DatasetError
        If it is another number.
    """
    found = rows.labels[position]
    if found not in LABELS:
        raise DatasetError(
            f"{rows.source}: instance {position + 1} has label {found:g}, expected 0, 1 or -1"
        )
    return LABELS[found]
