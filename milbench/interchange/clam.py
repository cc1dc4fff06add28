"""CLAM: ``splits_0.csv``, a ragged table of slides, and ``splits_0_bool.csv`` beside it.

HIPT, MCAT and MambaMIL write the same files. Source: mahmoodlab/CLAM,
``datasets/dataset_generic.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange.split_files import PARTS, Fold, SplitFiles, fold_from

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place
    from milbench.sheets.sheet import Sheet

COLUMNS = ("", *PARTS)


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of CLAM's files, or None where there are none.

    A fold may be given in either form or in both.

    Raises
    ------
    SplitError
        If both forms of a fold say different things, or a cell is neither True nor False.
    """
    ragged, marked = (
        {
            int(match[1]): (path.name, place.sheet(path))
            for path, match in place.matching(rf"splits_(\d+){ending}\.csv")
            if place.head(path).columns in (COLUMNS, ("Unnamed: 0", *PARTS))
        }
        for ending in ("", "_bool")
    )
    if not ragged and not marked:
        return None
    folds = {number: _ragged(name, sheet) for number, (name, sheet) in ragged.items()}
    for number, (name, sheet) in marked.items():
        fold = _marked(name, sheet)
        known = folds.setdefault(number, fold)
        if any(set(known.parts[part]) != set(fold.parts[part]) for part in PARTS):
            raise SplitError(
                f"{sheet.path}: differs from {known.name} beside it; delete the wrong one"
            )
    return SplitFiles(
        producer="clam",
        why="splits_N.csv with the columns train, val, test",
        folds=tuple(folds[number] for number in sorted(folds)),
    )


def _ragged(name: str, sheet: Sheet) -> Fold:
    columns = (tuple(slide for slide in sheet[part] if slide) for part in PARTS)
    return Fold(name, *columns)


def _marked(name: str, sheet: Sheet) -> Fold:
    members = []
    for line, (slide, *marks) in zip(sheet.lines, sheet.rows, strict=True):
        if not set(marks) <= {"True", "False"}:
            raise SplitError(f"{sheet.path}, line {line}: {marks}; expected True or False in each")
        members += [
            (slide, part) for part, mark in zip(PARTS, marks, strict=True) if mark == "True"
        ]
    return fold_from(name, members)
