"""Find out whose splits lie at a place, and read them."""

from __future__ import annotations

from dataclasses import replace
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
    from collections.abc import Sequence
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
    place = place_of(path)
    place.check_readable()  # one of ten files that is passed over would make nine folds
    found = find_splits(place)
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
    tried: list[SplitFiles | None] = [reader.read_splits(place) for reader in READERS]
    found = [splits for splits in tried if splits is not None]
    if len(found) > 1:
        first, second = found[:2]
        raise SplitError(
            f"{place.path}: the splits may be those of {first.producer} ({first.why}) or of "
            f"{second.producer} ({second.why}); name the file, or a folder with one of them"
        )
    if not found:
        return hmil.read_splits(place)
    if found[0].has_repeats:
        return found[0]
    return replace(found[0], repeats=repeats_of([fold.test for fold in found[0].folds]))


def repeats_of(tests: Sequence[Sequence[str]]) -> int:
    """Return how many repeats of a partition the test parts of folds are; 1 if they are none.

    Few tools say where a repeat begins. Ten folds that test every slide twice, five after five
    without an overlap, are two repeats of five.
    """
    groups: list[list[set[str]]] = [[]]
    for test in map(set, tests):
        if any(test & other for other in groups[-1]):
            groups.append([])
        groups[-1].append(test)
    covered = {frozenset().union(*group) for group in groups}
    is_repeated = len({len(group) for group in groups}) == 1 and len(groups[0]) > 1
    return len(groups) if is_repeated and len(covered) == 1 else 1
