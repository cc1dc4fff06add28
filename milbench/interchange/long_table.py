"""milbench itself: one line a bag and fold, ``bag_id,group_id,repeat,fold,role``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange.identifiers import slide_of
from milbench.interchange.labels import PATIENT, SLIDE, Labels
from milbench.interchange.split_files import SplitFiles, fold_from, part_named

if TYPE_CHECKING:
    from milbench.interchange.sheet import Sheet
    from milbench.interchange.split_files import Place


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of a table with a repeat, a fold and a role in each line, or None.

    Raises
    ------
    SplitError
        If several tables are such, a repeat or fold is no number, or repeats differ in folds.
    """
    found = [path for path in place.tables if place.head(path).has("repeat", "fold", "role")]
    if not found:
        return None
    return _read(place.sheet(place.only(found, "folds")))


def _read(sheet: Sheet) -> SplitFiles:
    slide, patient = sheet.first_of(SLIDE), sheet.first_of(PATIENT)
    if slide is None:
        raise SplitError(f"{sheet.path}: no column bag_id or slide_id beside repeat, fold, role")
    names = sheet.by_lower_case
    members: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    columns = (sheet[names[name]] for name in ("repeat", "fold", "role"))
    for line, one, repeat, fold, role in zip(sheet.lines, sheet[slide], *columns, strict=True):
        where = f"{sheet.path}, line {line}"
        if not (repeat.isdecimal() and fold.isdecimal()):
            raise SplitError(f"{where}: repeat {repeat!r}, fold {fold!r}; expected numbers from 0")
        members[int(repeat), int(fold)].append((one, part_named(role, where)))
    repeats = len({repeat for repeat, _ in members})
    if len(members) % max(repeats, 1) or not members:
        raise SplitError(f"{sheet.path}: {len(members)} folds in {repeats} repeats; truncated?")
    groups = sheet[patient] if patient else ()
    known = dict(zip(map(slide_of, sheet[slide]), groups, strict=True)) if patient else {}
    return SplitFiles(
        producer="milbench",
        why=f"{sheet.path.name} with the columns repeat, fold, role",
        folds=tuple(
            fold_from(f"repeat {repeat}, fold {fold}", members[repeat, fold])
            for repeat, fold in sorted(members)
        ),
        repeats=repeats,
        inside=Labels(patient=known, where=str(sheet.path)),
    )
