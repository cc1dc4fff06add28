"""torchmil: ``splits.csv`` of bags and their part.

Source: Franblueee/torchmil, ``torchmil/datasets/camelyon16mil_dataset.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.labels import labels_beside
from milbench.interchange.split_files import SplitFiles, fold_from, part_named

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place


def read_splits(place: Place) -> SplitFiles | None:
    """Return the one fold of ``splits.csv``, or None where there is none.

    Raises
    ------
    SplitError
        If a part is called by an unknown name.
    """
    for path, _ in place.matching(r"splits\.csv"):
        if place.head(path).has("bag_name", "split"):
            sheet = place.sheet(path)
            bag, split = sheet.by_plain_name["bag_name"], sheet.by_plain_name["split"]
            where = [f"{path}, line {line}" for line in sheet.lines]
            parts = [part_named(cell, at) for cell, at in zip(sheet[split], where, strict=True)]
            return SplitFiles(
                producer="torchmil",
                why="splits.csv with the columns bag_name, split",
                folds=(fold_from(path.name, zip(sheet[bag], parts, strict=True)),),
                inside=labels_beside(sheet, bag),
            )
    return None
