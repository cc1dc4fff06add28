"""A table of paths and labels, one a bag: MIL_BASELINE's ``slide_path,label`` and DSMIL's.

Sources: lingxitong/MIL_BASELINE, ``slide_path,label``, and the features in any folder;
binli123/dsmil-wsi, ``datasets/<name>/<name>.csv`` with the path of a CSV of features a bag first.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.interchange.identifiers import slide_of
from milbench.interchange.labels import Labels
from milbench.interchange.layout import Layout, Slide
from milbench.interchange.slide_names import check_inside
from milbench.interchange.split_files import place_of
from milbench.sheets.names import plain

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.sheets.sheet import Sheet

ENDINGS = (".pt", ".h5", ".hdf5", ".npy", ".npz", ".csv", ".safetensors")
# Columns of paths, in lower case, and whose they are.
OURS = {"slide_path": "mil-baseline", "h5_path": "mil-baseline", "path": "dsmil", "0": "dsmil"}


def find_features(folder: Path) -> Layout | None:
    """Return the bags that a table in ``folder`` lists, or None where there is no such table.

    Paths of the machine that the table was written on are looked for below ``folder`` from their
    end: ``/disk/me/features/a.pt`` is ``features/a.pt`` there, or ``a.pt``.

    Raises
    ------
    DatasetError
        If several tables list bags, a path leads out of the folder, or a bag is listed twice.
    """
    place = place_of(folder)
    tables = [path for path in place.tables if _column(place.head(path))]
    if not tables:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{folder}: {tables[0].name} and {tables[1].name} both list bags; keep one of them"
        )
    return _listed(place.sheet(tables[0]), folder)


def _column(head: Sheet) -> str | None:
    named = head.first_of(tuple(OURS))
    return named if named is not None and head.has("label") else None


def _listed(sheet: Sheet, folder: Path) -> Layout:
    column = _column(sheet) or ""
    slides: dict[str, Slide] = {}
    labels: dict[str, str] = {}
    absent = []
    pairs = zip(sheet.lines, sheet[column], sheet[sheet.by_plain_name["label"]], strict=True)
    for line, text, label in pairs:
        where, name = f"{sheet.path}, line {line}", slide_of(text)
        if name in labels:
            raise DatasetError(f"{where}: bag {name!r} is listed twice")
        labels[name] = label
        found = _find(text, folder)
        if found is None:
            absent.append(name)
        else:
            slides[name] = Slide(name, found)
    return Layout(
        producer=OURS[plain(column)],
        why=f"{sheet.path.name} with the columns {column}, label",
        slides=tuple(slides[name] for name in sorted(slides)),
        labels=Labels(labels, where=str(sheet.path)),
        notes=(f"{len(absent)} listed bags have no file, such as {absent[0]}",) if absent else (),
    )


def _find(text: str, folder: Path) -> Path | None:
    """Return the file below ``folder`` that a path ends in, the longest end first."""
    check_inside(text)
    parts = PurePosixPath(text.replace("\\", "/")).parts
    for start in range(len(parts)):
        end = folder.joinpath(*(part for part in parts[start:] if part not in ("/", "\\")))
        # A path may name the slide, or lack its ending.
        tried = [end] if end.suffix.lower() in ENDINGS else []
        tried += [end.with_name(end.name + ending) for ending in ENDINGS]
        found = next((path for path in tried if path.is_file()), None)
        if found is not None:
            return found
    return None
