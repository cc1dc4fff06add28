"""One table with a column that names the part of each slide, as ACMIL, eva and nnMIL have it.

Sources: dazhangyu123/ACMIL ``dataset_csv/bracs.csv`` (``split_info``); eva ``manifest.csv`` and
nnMIL ``dataset.csv`` (``split``); DearCaat/MHIM-MIL (``Split``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.labels import PATIENT, SLIDE, labels_beside
from milbench.interchange.long_table import is_long
from milbench.interchange.split_files import SplitFiles, fold_from, part_named
from milbench.sheets.names import KNOWN

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place
    from milbench.sheets.sheet import Sheet

PART = (*KNOWN["split"], "set", "role")


def read_splits(place: Place) -> SplitFiles | None:
    """Return the one fold of the table, or None where there is no such table.

    Raises
    ------
    SplitError
        If several tables have a column of parts, or a part is called by an unknown name.
    """
    found = [path for path in place.tables if _is_such(place.head(path))]
    if not found:
        return None
    sheet = place.sheet(place.only(found, "parts"))
    unit, column = sheet.first_of((*SLIDE, *PATIENT)) or "", sheet.first_of(PART) or ""
    where = [f"{sheet.path}, line {line}" for line in sheet.lines]
    parts = [part_named(cell, at) for cell, at in zip(sheet[column], where, strict=True)]
    return SplitFiles(
        producer="one-table",
        why=f"{sheet.path.name} with the columns {unit}, {column}",
        folds=(fold_from(sheet.path.name, zip(sheet[unit], parts, strict=True)),),
        unit="slide" if sheet.first_of(SLIDE) else "patient",
        inside=labels_beside(sheet, unit),
    )


def _is_such(sheet: Sheet) -> bool:
    has_unit = sheet.first_of((*SLIDE, *PATIENT)) is not None
    is_torchmil = sheet.has("bag_name", "split") and sheet.path.name == "splits.csv"
    has_part = sheet.first_of(PART) is not None and not is_long(sheet)
    return has_unit and has_part and not is_torchmil
