"""Write bags as CLAM has them: ``pt_files``, ``h5_files``, a table of labels, ``splits_N.csv``."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import h5py
import numpy as np
import torch

from milbench.interchange.feature_files import LEVEL_0
from milbench.interchange.outgoing import coords_in, folds_of, whole, write_table
from milbench.interchange.split_files import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.interchange.outgoing import Member, OutBag, Target
    from milbench.splits import Splits


def write_bag(bag: OutBag, target: Target) -> None:
    """Write a tensor, and an HDF5 file with the coordinates where the bag has any.

    Raises
    ------
    FeatureError
        If coordinates are no whole level-0 pixels.
    """
    x, coords = bag.instances.x, coords_in(bag, target, LEVEL_0)
    tensors, arrays = target.folder / "pt_files", target.folder / "h5_files"
    tensors.mkdir(parents=True, exist_ok=True)
    torch.save(torch.from_numpy(np.array(x)), tensors / f"{bag.id}.pt")  # (N, D)
    if coords is not None:
        arrays.mkdir(exist_ok=True)
        with h5py.File(arrays / f"{bag.id}.h5", "w") as file:
            file.create_dataset("features", data=x)
            file.create_dataset("coords", data=whole(coords, bag, target))


def write_tables(
    members: Sequence[Member], splits: Splits | None, target: Target
) -> tuple[str, ...]:
    """Write ``<name>.csv``, and the splits in CLAM's three forms."""
    rows = [(one.patient, one.id, one.label) for one in members]
    write_table(target.folder / f"{target.name}.csv", ("case_id", "slide_id", "label"), rows)
    for number, roles in () if splits is None else folds_of(splits):
        _write_fold(members, roles, target, f"splits_{number}")
    return ()


def _write_fold(members: Sequence[Member], roles: list[str], target: Target, name: str) -> None:
    folder = target.folder / "splits" / target.name
    pairs = list(zip(members, roles, strict=True))
    of_part = [[one.id for one, role in pairs if role == part] for part in PARTS]
    ragged = zip_longest(*of_part, fillvalue="")
    heading = ("", *PARTS)
    write_table(folder / f"{name}.csv", heading, ((i, *row) for i, row in enumerate(ragged)))
    marks = [(one.id, *(role == part for part in PARTS)) for one, role in pairs if role]
    write_table(folder / f"{name}_bool.csv", heading, marks)
    counts = [
        (label, *(sum(o.label == label and r == part for o, r in pairs) for part in PARTS))
        for label in target.classes
    ]
    write_table(folder / f"{name}_descriptor.csv", heading, counts)
