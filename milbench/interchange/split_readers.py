"""Find out whose splits lie at a place, and read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange import (
    acmil,
    clam,
    hmil,
    long_table,
    mil_baseline,
    one_table,
    patho_bench,
    separate_parts,
    slideflow,
    stamp,
    torchmil,
    transmil,
)
from milbench.interchange.split_files import place_of

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.interchange.split_files import Place, SplitFiles

READERS = (
    *(clam, transmil, mil_baseline, torchmil, patho_bench, stamp, slideflow, acmil),
    *(separate_parts, long_table, one_table),
)


def read_split_files(path: Path) -> SplitFiles:
    """Return the splits in a folder or file, whichever program wrote them.

    Raises
    ------
    SplitError
        If there are none, they are pickles, or those of two programs lie side by side.
    DatasetError
        If a table is damaged.
    """
    found = find_splits(place_of(path))
    if found is None:
        raise SplitError(
            f"{path}: no splits recognised; docs/interchange.md lists the layouts, and a table "
            "slide_id,fold_0,fold_1,... with train, val or test in each cell always works"
        )
    return found


def find_splits(place: Place) -> SplitFiles | None:
    """Return the splits at a place, or None where there are none.

    Raises
    ------
    SplitError
        As :func:`read_split_files`.
    """
    found = [splits for reader in READERS if (splits := reader.read_splits(place)) is not None]
    if len(found) > 1:
        first, second = found[:2]
        raise SplitError(
            f"{place.path}: the splits may be those of {first.producer} ({first.why}) or of "
            f"{second.producer} ({second.why}); name the file, or a folder with one of them"
        )
    return found[0] if found else hmil.read_splits(place)
