"""Read the table of labels, line by line; what cannot be used is left out with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from milbench.errors import DatasetError, FeatureFileError
from milbench.interchange.slide_names import slide_id
from milbench.sheets.names import PARTS
from milbench.sheets.sheet import read_sheet
from milbench.tables.columns import Columns, find_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from milbench.own_data import OwnData
    from milbench.sheets.sheet import Sheet

MISSING: Final = frozenset({"", "na", "n/a", "#n/a", "nan", "none", "null"})  # as pandas has it


class Line(NamedTuple):
    """What one line says of one slide; texts are empty where it says nothing."""

    number: int
    slide: str
    label: str
    patient: str = ""
    site: str = ""
    part: str = ""


class LeftOut(NamedTuple):
    """One slide that is not used: where this was seen, which slide, and why in a few words.

    ``kind`` is the reason without the particulars, by which many are counted.
    """

    place: str
    slide: str
    kind: str
    reason: str

    def __str__(self) -> str:
        """Return one line of a report."""
        return f"{self.place}: slide {self.slide!r}: {self.reason}"


@dataclass(frozen=True)
class Table:
    """The lines of a table that can be used, each slide once, and what was left out."""

    path: Path
    columns: Columns
    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...]


def read_table(path: Path, own: OwnData) -> Table:
    """Read the table of labels at ``path``.

    Every value is text, so that ``0017`` stays ``0017``; endings and folders of slides are left
    out.

    Raises
    ------
    DatasetError
        If the file is absent, is no table, or its columns are unclear.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: no such table of labels; see docs/own-data.md")
    sheet = read_sheet(path)
    columns = find_columns(sheet.columns, own, path)
    left_out: list[LeftOut] = []
    lines = [
        line
        for number, cells in zip(sheet.lines, sheet.rows, strict=True)
        if (line := _line(sheet, number, cells, columns, left_out))
    ]
    once = _each_once(path, lines, left_out)
    if not once:
        found = "; ".join(map(str, left_out[:3])) or "the table has a heading and no line"
        raise DatasetError(f"{path}: no slide with a label: {found}")
    return Table(path, columns, tuple(once), tuple(left_out))


def _line(
    sheet: Sheet, number: int, cells: Sequence[str], columns: Columns, left_out: list[LeftOut]
) -> Line | None:
    """Return one line, or None where it is left out."""
    place = f"{sheet.path}, line {number}"
    value = dict(zip(sheet.columns, cells, strict=True)).get
    named = value(columns.slide) or ""
    try:
        slide = slide_id(named)
    except FeatureFileError as error:
        reason = str(error).removeprefix(f"{named!r}: ")
        left_out.append(LeftOut(place, named, "no slide name", reason))
        return None
    label, patient = value(columns.label) or "", value(columns.patient) or ""
    part = value(columns.split) or ""
    fault = ""
    if number in sheet.ragged:
        kind, counts = "broken line", (sheet.ragged[number], len(sheet.columns))
        fault = "{} values for {} columns; is a comma inside quoted?".format(*counts)
    elif label.casefold() in MISSING:
        kind, fault = "no label", f"no label in column {columns.label!r}"
    elif columns.patient and patient.casefold() in MISSING:
        kind, fault = "no patient", f"no patient in column {columns.patient!r}"
    elif columns.split and part.casefold() not in PARTS:
        kind = "no part"
        fault = f"part {part!r} in column {columns.split!r}; expected train, val or test"
    if fault:
        left_out.append(LeftOut(place, slide, kind, fault))
        return None
    site = value(columns.site) or ""
    return Line(number, slide, label, patient, site, PARTS.get(part.casefold(), ""))


def _each_once(path: Path, lines: list[Line], left_out: list[LeftOut]) -> list[Line]:
    """Return each slide once; one that lines contradict each other about is left out."""
    by_slide: dict[str, list[Line]] = {}
    for line in lines:
        by_slide.setdefault(line.slide, []).append(line)
    once = []
    for slide, found in by_slide.items():
        first, *others = found
        differs = next((line for line in others if line[1:] != first[1:]), None)
        if differs is not None:
            place = f"{path}, lines {first.number} and {differs.number}"
            what = next(
                name for name in Line._fields[2:] if getattr(first, name) != getattr(differs, name)
            )
            values = f"{getattr(first, what)!r} and {getattr(differs, what)!r}"
            reason = f"listed twice, with {what} {values}; none is used"
            left_out.append(LeftOut(place, slide, "listed twice", reason))
            continue
        for line in others:
            place = f"{path}, line {line.number}"
            reason = f"listed in line {first.number} already; counted once"
            left_out.append(LeftOut(place, slide, "listed again", reason))
        once.append(first)
    return once
