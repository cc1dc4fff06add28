"""One file a part: ``task_train.csv``, ``task_val.csv``, ``task_test.csv``, or folders of them.

Sources: mahmoodlab/TITAN ``datasets/tcga-ot_train.csv``; prov-gigapath ``train_0.csv``;
winston52/HNM-WSI ``train_bags.txt``; m1dsolo/UBC-OCEAN-7th ``split/train/1.csv``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from milbench.errors import SplitError
from milbench.interchange.labels import SLIDE, Labels, labels_beside
from milbench.interchange.split_files import PARTS, Fold, SplitFiles, natural, place_of
from milbench.sheets.sheet import is_table
from milbench.sheets.text import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.interchange.split_files import Place

NAME = re.compile(
    r"(?P<before>|.*[-_.])(?P<part>train|val|test)(?P<behind>(?:_bags)?(?:[-_.]?\d+)?)"
    r"\.(?:csv|tsv|txt)(?:\.gz)?",
    re.IGNORECASE,
)
HELD_OUT = (
    "there is no part called test: the part called val, the only one held out, is read as test"
)


def read_splits(place: Place) -> SplitFiles | None:
    """Return a fold for each group of files that differ in the part they name, or None.

    Raises
    ------
    SplitError
        If a group has no training part or nothing held out, or a table has no column of slides.
    """
    groups = _beside_each_other(place) or _in_folders(place)
    if not groups:
        return None
    labels, folds, notes = Labels(), [], set()
    for name, parts in groups.items():
        members = {}
        for part, path in parts.items():
            members[part], inside = _slides(place, path)
            labels = labels.joined(inside)
        if "test" not in members:
            members["test"] = members.pop("val")
            notes.add(HELD_OUT)
        folds.append(Fold(name, *(members.get(part, ()) for part in PARTS)))
    example = next(iter(groups.values()))["train"].relative_to(_folder(place)).as_posix()
    return SplitFiles(
        producer="separate-parts",
        why=f"one file a part, such as {example}",
        folds=tuple(folds),
        inside=labels,
        notes=tuple(notes),
    )


def _folder(place: Place) -> Path:
    return place.path if place.path.is_dir() else place.path.parent


def _beside_each_other(place: Place) -> dict[str, dict[str, Path]]:
    """Return the files of each complete group by part; a lone ``large_train_bags.txt`` is none."""
    groups: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in place.files:
        if match := NAME.fullmatch(path.name):
            groups[match["before"] + "*" + match["behind"]][match["part"].lower()] = path
    return {name: parts for name, parts in groups.items() if _is_complete(parts)}


def _in_folders(place: Place) -> dict[str, dict[str, Path]]:
    """Return the files of equal names in folders that are called train, val and test."""
    groups: dict[str, dict[str, Path]] = defaultdict(dict)
    for part in PARTS if place.path.is_dir() else ():
        folder = place.path / part
        for path in place_of(folder).files if folder.is_dir() else ():
            if is_table(path):
                groups[path.name][part] = path
    complete = {name: parts for name, parts in groups.items() if _is_complete(parts)}
    return {name: complete[name] for name in sorted(complete, key=natural)}


def _is_complete(parts: dict[str, Path]) -> bool:
    return "train" in parts and bool({"val", "test"} & set(parts))


def _slides(place: Place, path: Path) -> tuple[tuple[str, ...], Labels]:
    if path.name.lower().endswith(".txt"):
        return tuple(line for line in read_text(path).split() if line), Labels()
    sheet = place.sheet(path)
    slide = sheet.first_of(SLIDE)
    if slide is None:
        raise SplitError(
            f"{path}: no column of slides among {', '.join(sheet.columns)}; expected slide_id"
        )
    return tuple(cell for cell in sheet[slide] if cell), labels_beside(sheet, slide)
