"""Write bags as torchmil has them: one ``.npy`` a bag in each of several folders, ``splits.csv``.

Labels are positions of classes, as torchmil computes with them; ``classes.csv`` beside them is
milbench's and names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.interchange.outgoing import folds_of, write_table
from milbench.interchange.torchmil_features import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.interchange.outgoing import Member, OutBag, Target
    from milbench.splits import Splits


def write_bag(bag: OutBag, target: Target) -> None:
    """Write features, and coordinates and labels of instances where the bag has them."""
    arrays = {
        f"{PREFIX}{target.encoder}": bag.instances.x,
        "coords": bag.instances.coords,
        "patch_labels": bag.instances.labels,
    }
    for name, array in arrays.items():
        if array is not None:
            folder = target.folder / name
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{bag.id}.npy", np.asarray(array))


def write_tables(
    members: Sequence[Member], splits: Splits | None, target: Target
) -> tuple[str, ...]:
    """Write the labels, and ``splits.csv``; of several folds one in each folder ``splits/N``."""
    folder = target.folder / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    for one in members:
        np.save(folder / f"{one.id}.npy", np.array([one.place]))
    write_table(target.folder / "classes.csv", ("index", "class"), enumerate(target.classes))
    folds = {} if splits is None else dict(folds_of(splits))
    for number, roles in folds.items():
        place = target.folder if len(folds) == 1 else target.folder / "splits" / str(number)
        rows = [(one.id, role) for one, role in zip(members, roles, strict=True) if role]
        write_table(place / "splits.csv", ("bag_name", "split"), rows)
    if len(folds) > 1:
        return (f"torchmil has one split: {len(folds)} folds are in folders splits/N",)
    return ()
