"""Read whole splits from a table: the role of every slide in every fold of every repeat."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from milbench.errors import SplitError
from milbench.interchange.slide_names import slide_id
from milbench.tables.lines import DELIMITERS, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ROLES_NAMED: Final = {**PARTS, "unused": "unused"}  # of bags that a fold leaves out

Roles = dict[tuple[int, int], dict[str, str]]

# milbench's own files say bag_id and role; others slide_id and split.
NAMES: Final = {
    "slide": ("bag_id", "slide_id", "slide", "bag_name", "image_id", "filename"),
    "role": ("role", "split", "part"),
    "fold": ("fold",),
    "repeat": ("repeat",),
}


def read_splits_file(path: Path, slides: Mapping[str, str]) -> Roles:
    """Return ``{(repeat, fold): {bag: role}}`` from one line a slide and fold.

    Without a column ``fold``, or ``repeat``, there is one of them. Slides that are no bags, since
    they were left out, are passed over.

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
    heading = [cell.casefold() for cell in rows[0][1]]
    places = {what: _place(path, heading, what, names) for what, names in NAMES.items()}
    roles: Roles = {}
    for line, cells in rows[1:]:
        where = f"{path}, line {line}"
        if len(cells) != len(heading):
            raise SplitError(f"{where}: {len(cells)} values for {len(heading)} columns")
        found = {what: "" if at is None else cells[at] for what, at in places.items()}
        role = ROLES_NAMED.get(found["role"].casefold())
        if role is None:
            raise SplitError(
                f"{where}: role {found['role']!r}; expected train, val, test or unused"
            )
        fold = _number(where, "repeat", found["repeat"]), _number(where, "fold", found["fold"])
        in_fold = roles.setdefault(fold, {})
        bag = slides.get(slide_id(found["slide"]))
        if bag is not None and in_fold.setdefault(bag, role) != role:
            raise SplitError(f"{where}: bag {bag!r} is {in_fold[bag]} and {role} in one fold")
    return _from_zero(roles)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{path}: cannot be read: {error}") from error
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True
    )
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise SplitError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if not rows:
        raise SplitError(f"{path}: empty; expected the columns {_expected()}")
    return rows


def _place(path: Path, heading: Sequence[str], what: str, names: tuple[str, ...]) -> int | None:
    found = [heading.index(name) for name in names if name in heading]
    if len(found) == 1 or (not found and what in ("fold", "repeat")):
        return found[0] if found else None
    several = f"{len(found)} columns are" if found else "no column is"
    raise SplitError(f"{path}, line 1: {several} the {what}; expected {_expected()}")


def _expected() -> str:
    return "slide_id, repeat, fold and role (train, val or test)"


def _number(where: str, column: str, text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise SplitError(f"{where}: {column} {text!r} is not a whole number")
    return int(text or "0")


def _from_zero(roles: Roles) -> Roles:
    """Return the folds counted from 0; a file may count them from 1."""
    repeats = sorted({repeat for repeat, _ in roles})
    folds = sorted({fold for _, fold in roles})
    return {(repeats.index(r), folds.index(f)): roles[r, f] for r, f in sorted(roles)}
