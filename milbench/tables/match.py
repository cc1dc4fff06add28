"""Bring the lines of a table and the files of its folders together; what has no partner is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.tables.folders import files_of
from milbench.tables.lines import LeftOut, Line, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from milbench.own_data import OwnData
    from milbench.tables.folders import Kind
    from milbench.tables.lines import Table


@dataclass(frozen=True)
class Group:
    """The slides that become one bag: one slide, or all of a patient.

    ``files`` holds the file of each slide in each folder, by encoder.
    """

    id: str
    lines: tuple[Line, ...]
    files: tuple[Mapping[str, Path], ...]


@dataclass(frozen=True)
class Matched:
    """The bags that can be read, in the order of the table, and what was left out."""

    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]


def match(own: OwnData, folder: Path) -> Matched:
    """Return the bags of a resolved data set.

    A slide is left out where it has no file in some folder, or a label that is none of the
    classes; where the slides of a patient are joined, so is a patient with several labels.

    Raises
    ------
    MissingDataError
        If a folder is not there.
    DatasetError
        If nothing fits together.
    """
    table = read_table(folder / own.bags, own)
    beside = [folder / name for name in (own.bags, own.splits) if name]
    kind: Kind = "slide" if own.slides else "features"
    files = {name: files_of(folder / path, beside, kind) for name, path in own.folders.items()}
    left_out = [*table.left_out, *_unlabelled(table.path, table.lines, files, left=table.left_out)]
    lines = list(_with_files(table, files, left_out, kind))
    if not lines:
        raise DatasetError(_nothing_fits(table.path, table.lines, files, own, folder))
    lines = list(_in_classes(table.path, lines, own, left_out))
    if own.fusion != "none":
        lines = list(_one_label(table.path, lines, left_out))
    return Matched(tuple(_groups(lines, files, own)), tuple(left_out))


def _unlabelled(
    path: Path,
    lines: Sequence[Line],
    files: Mapping[str, Mapping[str, Path]],
    left: Sequence[LeftOut],
) -> Iterator[LeftOut]:
    """Yield the files that no line names."""
    named = {line.slide for line in lines} | {one.slide for one in left}
    for slides in files.values():
        for slide, file in slides.items():
            if slide not in named:
                yield LeftOut(
                    str(file), slide, "no line in the table", f"no line of {path} names it"
                )


def _with_files(
    table: Table, files: Mapping[str, Mapping[str, Path]], left_out: list[LeftOut], kind: str
) -> Iterator[Line]:
    for line in table.lines:
        lacks = [name for name, slides in files.items() if line.slide not in slides]
        if lacks:
            of = f" of {', '.join(lacks)}" if any(lacks) else ""
            place = f"{table.path}, line {line.number}"
            left_out.append(LeftOut(place, line.slide, f"no {kind}", f"no file of {kind}{of}"))
        else:
            yield line


def _in_classes(
    path: Path, lines: Sequence[Line], own: OwnData, left_out: list[LeftOut]
) -> Iterator[Line]:
    for line in lines:
        if line.label in (own.classes or ()):
            yield line
        else:
            place = f"{path}, line {line.number}"
            reason = f"label {line.label!r}, which is none of {', '.join(own.classes or ())}"
            left_out.append(LeftOut(place, line.slide, "label of no class", reason))


def _one_label(path: Path, lines: Sequence[Line], left_out: list[LeftOut]) -> Iterator[Line]:
    """Yield the slides of patients with one label and one part."""
    first: dict[str, Line] = {}
    mixed: dict[str, str] = {}
    for line in lines:
        known = first.setdefault(line.patient, line)
        for what in ("label", "part"):
            if getattr(known, what) != getattr(line, what):
                values = f"{getattr(known, what)!r} and {getattr(line, what)!r}"
                where = f"lines {known.number} and {line.number}"
                mixed[line.patient] = f"patient {line.patient!r} has the {what}s {values} ({where})"
    for line in lines:
        if line.patient in mixed:
            place = f"{path}, line {line.number}"
            reason = f"{mixed[line.patient]}; slides of a patient are joined here, so none is used"
            left_out.append(LeftOut(place, line.slide, "patient in two classes", reason))
        else:
            yield line


def _groups(
    lines: Sequence[Line], files: Mapping[str, Mapping[str, Path]], own: OwnData
) -> Iterator[Group]:
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.patient if own.fusion == "early" else line.slide, []).append(line)
    for name, members in groups.items():
        paths = ({view: slides[line.slide] for view, slides in files.items()} for line in members)
        yield Group(name, tuple(members), tuple(paths))


def _nothing_fits(
    path: Path,
    lines: Sequence[Line],
    files: Mapping[str, Mapping[str, Path]],
    own: OwnData,
    folder: Path,
) -> str:
    name, slides = next(iter(files.items()))
    return (
        f"{path}: none of its {len(lines)} slides has a file in {folder / own.folders[name]}: the "
        f"table has {lines[0].slide!r} (column {own.slide!r}), the folder has "
        f"{next(iter(slides))!r}; is it the right column? Say which: --slide-column NAME"
    )
