"""Patho-Bench: ``k=all.tsv`` with a column ``fold_0``, ``fold_1``, ... for each fold.

Source: mahmoodlab/Patho-Bench, ``patho_bench/SplitFactory.py``. Such wide tables are common; HMIL's
splits are distributed as one as well, with columns ``fold0``, ``fold1``, ...
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange.labels import PATIENT, SLIDE, labels_beside
from milbench.interchange.split_files import Fold, SplitFiles, fold_from, natural, part_named

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place
    from milbench.sheets.sheet import Sheet


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of the one wide table, or None where there is none.

    Raises
    ------
    SplitError
        If several tables hold folds, a part is called by an unknown name, or no column holds
        slides or cases.
    """
    wide = [path for path in place.tables if _fold_columns(place.head(path))]
    if not wide:
        return None
    sheet = place.sheet(place.only(wide, "folds"))
    columns = _fold_columns(sheet)
    slide, case = sheet.first_of(SLIDE), sheet.first_of(PATIENT)
    unit = slide or case
    if unit is None:
        raise SplitError(
            f"{sheet.path}: no column of slides or cases beside {columns[0]}; expected slide_id or "
            "case_id"
        )
    style = columns[0].rstrip("0123456789")
    return SplitFiles(
        producer="hmil" if style == "fold" else "patho-bench",
        why=f"{sheet.path.name} with the columns {columns[0]} to {columns[-1]}",
        folds=tuple(_fold(sheet, unit, column) for column in columns),
        unit="patient" if slide is None else "slide",
        inside=labels_beside(sheet, unit),
    )


def _fold_columns(sheet: Sheet) -> list[str]:
    found = [name for name in sheet.columns if re.fullmatch(r"fold_?\d+", name, re.IGNORECASE)]
    return sorted(found, key=natural)


def _fold(sheet: Sheet, unit: str, column: str) -> Fold:
    where = [f"{sheet.path}, line {line}" for line in sheet.lines]
    parts = [part_named(cell, at) for cell, at in zip(sheet[column], where, strict=True)]
    return fold_from(f"{sheet.path.name}, {column}", zip(sheet[unit], parts, strict=True))
