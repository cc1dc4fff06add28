"""Read whole splits from a table: the role of every slide in every fold of every repeat."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from milbench.errors import SplitError
from milbench.interchange.slide_names import slide_id
from milbench.tables.lines import DELIMITERS, MISSING, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ROLES_NAMED: Final = {**PARTS, "unused": "unused"}  # of bags that a fold leaves out

Roles = dict[tuple[int, int], dict[str, str]]
Row = tuple[str, list[str]]  # where, and its values

# milbench's own files say bag_id and role; others slide_id and split.
NAMES: Final = {
    "slide": ("bag_id", "slide_id", "slide", "bag_name", "image_id", "filename"),
    "role": ("role", "split", "part"),
    "fold": ("fold",),
    "repeat": ("repeat",),
}
# A column a fold, as Patho-Bench (fold_0) and HMIL (fold0) have them.
FOLD: Final = re.compile(r"fold_?(\d+)")
EXPECTED: Final = (
    "slide_id, repeat, fold and role (train, val or test), or slide_id and a column for each fold: "
    "fold_0, fold_1, ..."
)


class _Entry(NamedTuple):
    """The role of one slide in one fold."""

    where: str
    slide: str
    place: tuple[int, int]
    role: str


def read_splits_file(path: Path, slides: Mapping[str, str]) -> Roles:
    """Return ``{(repeat, fold): {bag: role}}``.

    The table has a line for each slide and fold, or a line for each slide and a column for each
    fold. Without a column ``fold``, or ``repeat``, there is one of them. Slides that are no bags,
    since they were left out, are passed over.

    Parameters
    ----------
    slides
        The bag that each slide belongs to.

    Raises
    ------
    SplitError
        If the file is absent, a column is missing, a value is none, or a bag has two roles.
    """
    rows = _rows(path)
    heading = [cell.casefold() for cell in next(rows)[1]]
    wide = {at: int(found[1]) for at, name in enumerate(heading) if (found := FOLD.fullmatch(name))}
    entries = _of_columns(path, heading, rows, wide) if wide else _of_lines(path, heading, rows)
    roles: Roles = {}
    for entry in entries:
        role = ROLES_NAMED.get(entry.role.casefold())
        if role is None:
            raise SplitError(
                f"{entry.where}: role {entry.role!r}; expected train, val, test or unused"
            )
        in_fold = roles.setdefault(entry.place, {})
        bag = slides.get(slide_id(entry.slide))
        if bag is not None and in_fold.setdefault(bag, role) != role:
            raise SplitError(f"{entry.where}: bag {bag!r} is {in_fold[bag]} and {role} in one fold")
    return _from_zero(roles)


def _rows(path: Path) -> Iterator[Row]:
    """Yield the lines of the table, the heading first."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{path}: cannot be read: {error}") from error
    first = text.lstrip().partition("\n")[0]
    if not first:
        raise SplitError(f"{path}: empty; expected the columns {EXPECTED}")
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=max(DELIMITERS, key=first.count), strict=True)
    size = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            where = f"{path}, line {reader.line_num}"
            if any(cells):
                size = size or len(cells)
                if len(cells) != size:
                    raise SplitError(f"{where}: {len(cells)} values for {size} columns")
                yield where, cells
    except csv.Error as error:
        raise SplitError(f"{path}, line {reader.line_num}: not CSV: {error}") from error


def _of_columns(
    path: Path, heading: Sequence[str], rows: Iterator[Row], folds: Mapping[int, int]
) -> Iterator[_Entry]:
    """Yield the roles of a table with a column for each fold; an empty one is none."""
    at = _place(path, heading, "slide")
    for where, cells in rows:
        for column, fold in folds.items():
            if cells[column].casefold() not in MISSING:
                yield _Entry(where, cells[at or 0], (0, fold), cells[column])


def _of_lines(path: Path, heading: Sequence[str], rows: Iterator[Row]) -> Iterator[_Entry]:
    """Yield the roles of a table with a line for each slide and fold."""
    places = {what: _place(path, heading, what) for what in NAMES}
    for where, cells in rows:
        found = {what: "" if at is None else cells[at] for what, at in places.items()}
        repeat, fold = (_number(where, name, found[name]) for name in ("repeat", "fold"))
        yield _Entry(where, found["slide"], (repeat, fold), found["role"])


def _place(path: Path, heading: Sequence[str], what: str) -> int | None:
    found = [heading.index(name) for name in NAMES[what] if name in heading]
    if len(found) == 1 or (not found and what in ("fold", "repeat")):
        return found[0] if found else None
    several = f"{len(found)} columns are" if found else "no column is"
    raise SplitError(f"{path}, line 1: {several} the {what}; expected {EXPECTED}")


def _number(where: str, column: str, text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise SplitError(f"{where}: {column} {text!r} is not a whole number")
    return int(text or "0")


def _from_zero(roles: Roles) -> Roles:
    """Return the folds counted from 0; a file may count them from 1."""
    repeats = sorted({repeat for repeat, _ in roles})
    folds = sorted({fold for _, fold in roles})
    return {(repeats.index(r), folds.index(f)): roles[r, f] for r, f in sorted(roles)}
