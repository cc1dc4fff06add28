"""Splits as another program wrote them: which slides are in which part of which fold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from milbench.errors import SplitError
from milbench.interchange.labels import Labels
from milbench.sheets.names import PARTS as PARTS_NAMED
from milbench.sheets.sheet import Sheet, is_table, read_head, read_sheet
from milbench.sheets.text import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PARTS = ("train", "val", "test")
UNUSED_NAMES = frozenset({"", "unused", "none", "nan", "-"})


class Fold(NamedTuple):
    """One fold: the slides, or patients, of each part, as they are written.

    Parameters
    ----------
    name
        File or column that it comes from.
    """

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return the members by the name of the part."""
        return dict(zip(PARTS, (self.train, self.val, self.test), strict=True))


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Every fold that some files hold.

    Parameters
    ----------
    producer
        The program whose layout it is.
    why
        What it was recognised by.
    folds
        Repeats first, in the producer's order.
    repeats
        How many repeats the folds are of; each has as many folds.
    has_repeats
        Whether the files say so; else it is found out.
    unit
        What the parts list.
    inside
        Labels, patients and sites that the files hold themselves.
    notes
        What a reader must know, such as a part that is called otherwise.
    """

    producer: str
    why: str
    folds: tuple[Fold, ...]
    repeats: int = 1
    has_repeats: bool = False
    unit: Literal["slide", "patient"] = "slide"
    inside: Labels = field(default_factory=Labels)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """The files among which splits, or features, are looked for.

    Parameters
    ----------
    path
        What the user named: a folder or a file.
    files
        The files directly in it, sorted by the numbers in their names; the file alone where it
        is one.
    """

    path: Path
    files: tuple[Path, ...]
    _sheets: dict[Path, Sheet] = field(default_factory=dict, compare=False, repr=False)
    _heads: dict[Path, Sheet] = field(default_factory=dict, compare=False, repr=False)

    def sheet(self, path: Path) -> Sheet:
        """Return the table at ``path``, read once; see :func:`read_sheet`."""
        if path not in self._sheets:
            self._sheets[path] = read_sheet(path).whole()
        return self._sheets[path]

    def head(self, path: Path) -> Sheet:
        """Return the first line of the table at ``path``, without rows; of none if damaged.

        Recognising reads no more than this, because a folder may hold features as tables.
        """
        if path not in self._heads:
            self._heads[path] = read_head(path)
        return self._heads[path]

    @cached_property
    def tables(self) -> tuple[Path, ...]:
        """Return the tables of text."""
        return tuple(path for path in self.files if is_table(path))

    def check_readable(self) -> None:
        """Raise the reason for which a table cannot be read; recognising passes it over.

        Raises
        ------
        DatasetError
            If a table is damaged, or a package to read it is not installed.
        """
        for path in self.tables:
            if not self.head(path).columns:
                self.sheet(path)

    def only(self, tables: Sequence[Path], what: str) -> Path:
        """Return the one of ``tables``.

        Parameters
        ----------
        what
            What they hold, for the message.

        Raises
        ------
        SplitError
            If there are several: which of them is meant is unknown.
        """
        if len(tables) > 1:
            raise SplitError(
                f"{self.path}: {tables[0].name} and {tables[1].name} both hold {what}; name the "
                "file instead of the folder"
            )
        return tables[0]

    def matching(self, pattern: str) -> list[tuple[Path, re.Match[str]]]:
        """Return the files whose whole name matches ``pattern``, with the match."""
        found = ((path, re.fullmatch(pattern, path.name, re.IGNORECASE)) for path in self.files)
        return [(path, match) for path, match in found if match]


def place_of(path: Path) -> Place:
    """Return the files at ``path``.

    Raises
    ------
    SplitError
        If there is nothing.
    """
    if path.is_dir():
        files = (file for file in path.iterdir() if file.is_file())
        return Place(path, tuple(sorted(files, key=lambda file: natural(file.name))))
    if not path.is_file():
        raise SplitError(f"{path}: no such file or folder")
    return Place(path, (path,))


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``fold10`` behind ``fold9``."""
    pieces = re.split(r"(\d+)", name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def read_json(path: Path) -> Any:
    """Return the JSON document at ``path``.

    Raises
    ------
    SplitError
        If it is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SplitError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error


def part_named(cell: str, where: str) -> str:
    """Return ``train``, ``val`` or ``test`` for what a table calls it; empty for no part.

    Raises
    ------
    SplitError
        If it is none of the names that are known.
    """
    lower = cell.strip().lower()
    if lower in UNUSED_NAMES:
        return ""
    if lower not in PARTS_NAMED:
        raise SplitError(f"{where}: part {cell!r}; expected one of {', '.join(PARTS_NAMED)}")
    return PARTS_NAMED[lower]


def fold_from(name: str, members: Iterable[tuple[str, str]]) -> Fold:
    """Return a fold from pairs of a slide and its part, which is empty for none."""
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for slide, part in members:
        if part:
            parts[part].append(slide)
    return Fold(name, *(tuple(parts[part]) for part in PARTS))
