"""Write bags as TRIDENT has them, with Patho-Bench's table of labels and folds.

Sizes of patches and magnifications are attributes of TRIDENT's files; milbench does not know them
and writes none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h5py

from milbench.errors import FeatureError
from milbench.interchange.feature_files import LEVEL_0
from milbench.interchange.outgoing import coords_in, folds_of, whole, write_table
from milbench.interchange.trident import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.interchange.outgoing import Member, OutBag, Target
    from milbench.splits import Splits

TASK = "label"


def write_bag(bag: OutBag, target: Target) -> None:
    """Write one HDF5 file with features, and coordinates in level-0 pixels.

    Raises
    ------
    FeatureError
        If the folder of patches is not named as TRIDENT names it, or coordinates are no whole
        level-0 pixels.
    """
    if not re.fullmatch(r"\d+(\.\d+)?x_\d+px_\d+px_overlap", target.patches):
        raise FeatureError(
            f"{target.name}: TRIDENT keeps features in a folder such as 20x_256px_0px_overlap; "
            "say magnification, size and overlap of the patches with --patches"
        )
    coords = coords_in(bag, target, LEVEL_0)
    folder = target.folder / target.patches / f"{PREFIX}{target.encoder}"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / f"{bag.id}.h5", "w") as file:
        stored = file.create_dataset("features", data=bag.instances.x)
        stored.attrs.update({"encoder": target.encoder, "name": bag.id})
        if coords is not None:
            file.create_dataset("coords", data=whole(coords, bag, target))


def write_tables(
    members: Sequence[Member], splits: Splits | None, target: Target
) -> tuple[str, ...]:
    """Write ``k=all.tsv`` with the folds, or ``labels.csv`` where there are none."""
    heading = ("case_id", "slide_id", TASK)
    rows = [(one.patient, one.id, one.label) for one in members]
    if splits is None:
        write_table(target.folder / "labels.csv", heading, rows)
        return ()
    folds = dict(folds_of(splits))
    columns = [f"fold_{number}" for number in folds]
    cells = zip(*folds.values(), strict=True)  # one tuple a bag
    wide = [(*row, *roles) for row, roles in zip(rows, cells, strict=True)]
    write_table(target.folder / "k=all.tsv", (*heading, *columns), wide)
    return ()
