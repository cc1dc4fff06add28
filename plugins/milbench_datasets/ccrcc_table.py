"""Keep the bags that were drawn from tiles, slot by slot, and read them again."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from milbench.errors import DatasetError
from milbench_datasets.layouts.label_table import Columns, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SIZE = 40  # tiles of a bag
COLUMNS = ("bag", "part", "label", "slot", "tile")
NAMED = Columns({name: (name,) for name in COLUMNS})


class Drawn(NamedTuple):
    """One bag: its tiles, as names of files, are in the order of their slots."""

    id: str
    part: str
    label: int
    tiles: tuple[str, ...]


def save(path: Path, drawn: Iterable[Drawn]) -> None:
    """Write bags as a table, one line a slot: bag, part, label, slot, tile."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for bag in drawn:
            slots = enumerate(bag.tiles)
            writer.writerows((bag.id, bag.part, bag.label, slot, tile) for slot, tile in slots)


def load(path: Path, patients: Mapping[str, str]) -> list[Drawn]:
    """Return the bags of a table that :func:`save` wrote.

    Parameters
    ----------
    patients
        The patient of every tile.

    Raises
    ------
    DatasetError
        Naming the line of an unknown tile, label or part; or the bag whose tiles are of several
        patients, or are not one in each of the slots 0 to 39.
    """
    bags: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    for row in read_table(path, NAMED):
        if row["tile"] not in patients:
            row.fail(f"tile {row['tile']!r} is not in tiles.csv")
        row.choice("part", {"train": 0, "val": 1, "test": 2})
        slots = bags[row["bag"], row["part"], row.choice("label", {"0": 0, "1": 1})]
        if row["slot"] in slots:
            row.fail(f"slot {row['slot']} of bag {row['bag']!r} is there already; keep one")
        slots[row["slot"]] = row["tile"]
    return [_bag(path, named, slots, patients) for named, slots in bags.items()]


def _bag(
    path: Path, named: tuple[str, str, int], slots: Mapping[str, str], patients: Mapping[str, str]
) -> Drawn:
    wanted = [str(slot) for slot in range(SIZE)]
    if slots.keys() != set(wanted):
        raise DatasetError(
            f"{path}, bag {named[0]!r}: {len(slots)} slots; expected one tile in each of 0 to "
            f"{SIZE - 1}, and one part and one label"
        )
    tiles = tuple(slots[slot] for slot in wanted)
    if len({patients[tile] for tile in tiles}) > 1:
        raise DatasetError(f"{path}, bag {named[0]!r}: tiles of several patients; expected one")
    return Drawn(*named, tiles)
