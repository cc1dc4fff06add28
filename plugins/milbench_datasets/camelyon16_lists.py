"""Read published lists of which slides of Camelyon16 train, validate and test.

- ``hnm``: ``train_bags.txt``, ``val_bags.txt``, ``test_bags.txt`` of winston52/HNM-WSI
  (train/dataset/CAMELYON16), lines such as ``/training/normal_155/``. ItS2CLR has the same.
- ``transmil``: ``fold0.csv`` of szc19990412/TransMIL (dataset_csv/camelyon16), with the columns
  ``train``, ``train_label``, ``val``, ``val_label``, ``test``, ``test_label``.

Both have 216, 54 and 129 slides, with 11 of the 54 in common. The users' own copies of these files
are read, from the folder ``lists`` of the data set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from milbench import read_sheet
from milbench.errors import DatasetError
from milbench_datasets.layouts.text import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PARTS = ("train", "val", "test")
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "hnm": tuple(f"lists/hnm/{part}_bags.txt" for part in PARTS),
    "transmil": ("lists/transmil/fold0.csv",),
}


class Entry(NamedTuple):
    """One slide of a list: where it stands, its part, and its label as text, empty if not given."""

    place: str
    slide: str
    part: str
    label: str = ""


def read_parts(name: str, folder: Path, labels: Mapping[str, int]) -> dict[str, str]:
    """Return the part of each listed slide.

    Parameters
    ----------
    name
        A key of ``LISTS``.
    folder
        Of the data set.
    labels
        Of the slides, by id; labels of a list are compared with them.

    Raises
    ------
    DatasetError
        Naming the line of a slide that the data set does not have, that is listed twice, or that
        has another label.
    """
    read = _read_hnm if name == "hnm" else _read_transmil
    parts: dict[str, str] = {}
    for entry in (entry for file in LISTS[name] for entry in read(folder / file)):
        if entry.slide not in labels:
            raise DatasetError(f"{entry.place}: no slide {entry.slide!r} in the data set")
        if entry.slide in parts:
            raise DatasetError(f"{entry.place}: {entry.slide!r} is in {parts[entry.slide]} already")
        if entry.label and entry.label.removesuffix(".0") != str(labels[entry.slide]):
            raise DatasetError(
                f"{entry.place}: {entry.slide!r} has label {entry.label}, and {labels[entry.slide]}"
                " in the data set"
            )
        parts[entry.slide] = entry.part
    return parts


def _read_hnm(path: Path) -> Iterator[Entry]:
    part = path.name.removesuffix("_bags.txt")
    for line, text in enumerate(read_lines(path), start=1):
        yield Entry(f"{path}, line {line}", text.strip().strip("/").rsplit("/", 1)[-1], part)


def _read_transmil(path: Path) -> Iterator[Entry]:
    sheet = read_sheet(path)
    if missing := [part for part in PARTS if part not in sheet.columns]:
        raise DatasetError(f"{path}, line 1: no columns {', '.join(missing)}")
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        row = dict(zip(sheet.columns, cells, strict=True))
        for part in PARTS:
            if row[part]:
                place = f"{path}, line {line}"
                yield Entry(place, row[part], part, row.get(f"{part}_label", ""))
