"""milbench itself: one line a slide and fold, ``bag_id,group_id,repeat,fold,role``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange.identifiers import slide_of
from milbench.interchange.labels import PATIENT, SLIDE, Labels
from milbench.interchange.split_files import SplitFiles, fold_from, part_named

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place
    from milbench.sheets.sheet import Sheet

ROLE = ("role", "split", "part")
Members = dict[tuple[int, int], list[tuple[str, str]]]


def is_long(head: Sheet) -> bool:
    """Return whether a table has a fold and a role in each line."""
    return head.has("fold") and head.first_of(ROLE) is not None


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of a table with a fold and a role in each line, or None.

    Without a column ``repeat`` there is one, unless the folds turn out to be of several.

    Raises
    ------
    SplitError
        If several tables are such, a repeat or fold is no number, repeats differ in folds, or a
        fold lacks slides that others have.
    """
    found = [path for path in place.tables if is_long(place.head(path))]
    if not found:
        return None
    return _read(place.sheet(place.only(found, "folds")))


def _read(sheet: Sheet) -> SplitFiles:
    slide, patient = sheet.first_of(SLIDE), sheet.first_of(PATIENT)
    if slide is None:
        raise SplitError(f"{sheet.path}: no column bag_id or slide_id beside fold and role")
    members = _members(sheet, slide)
    repeats = len({repeat for repeat, _ in members})
    if len(members) % max(repeats, 1) or not members:
        raise SplitError(f"{sheet.path}: {len(members)} folds in {repeats} repeats; truncated?")
    _check_complete(sheet, members)
    groups = sheet[patient] if patient else ()
    known = dict(zip(map(slide_of, sheet[slide]), groups, strict=True)) if patient else {}
    return SplitFiles(
        producer="milbench",
        why=f"{sheet.path.name} with a fold and a role in each line",
        folds=tuple(
            fold_from(f"repeat {repeat}, fold {fold}", members[repeat, fold])
            for repeat, fold in sorted(members)
        ),
        repeats=repeats,
        has_repeats=sheet.has("repeat"),
        inside=Labels(patient=known, where=str(sheet.path)),
    )


def _members(sheet: Sheet, slide: str) -> Members:
    members: Members = defaultdict(list)
    names = sheet.by_plain_name
    repeats = sheet[names["repeat"]] if sheet.has("repeat") else ("0",) * len(sheet.rows)
    columns = sheet[slide], repeats, sheet[names["fold"]], sheet[sheet.first_of(ROLE) or ""]
    for line, one, repeat, fold, role in zip(sheet.lines, *columns, strict=True):
        where = f"{sheet.path}, line {line}"
        if not (repeat.isdecimal() and fold.isdecimal()):
            raise SplitError(f"{where}: repeat {repeat!r}, fold {fold!r}; expected whole numbers")
        members[int(repeat), int(fold)].append((one, part_named(role, where)))
    return members


def _check_complete(sheet: Sheet, members: Members) -> None:
    """Refuse a table in which a fold lacks a slide that another one has."""
    slides = {place: {slide_of(one) for one, _ in listed} for place, listed in members.items()}
    everyone = set().union(*slides.values())
    for (repeat, fold), listed in sorted(slides.items()):
        absent = sorted(everyone - listed)
        if absent:
            raise SplitError(
                f"{sheet.path}: repeat {repeat}, fold {fold} has no line for {len(absent)} of "
                f"{len(everyone)} slides, such as {absent[0]!r}; truncated? A slide that a fold "
                "leaves out has the role unused"
            )
