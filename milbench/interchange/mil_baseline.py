"""MIL_BASELINE: ``Total_5-fold_X_1fold.csv`` with a column of paths and of labels for each part.

Source: lingxitong/MIL_BASELINE, ``split_scripts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.transmil import labelled_parts

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place, SplitFiles


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of MIL_BASELINE's tables, or None where there are none."""
    return labelled_parts(place, "mil-baseline", "{}_slide_path", "{}_label")
