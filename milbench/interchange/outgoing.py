"""What is written for another tool: bags one by one, then tables and splits."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from milbench.atomic import write_atomic
from milbench.errors import FeatureError, FeatureFileError
from milbench.interchange.feature_files import LEVEL_0, MICROMETRES
from milbench.interchange.slide_names import slide_id
from milbench.splits.plan import ROLES, UNUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from milbench.interchange.layout import Instances
    from milbench.splits import Splits

MICRONS = "um"  # as STAMP writes it


class OutBag(NamedTuple):
    """One bag as it leaves: its names, its class and its instances."""

    id: str
    patient: str
    label: str
    instances: Instances


class Member(NamedTuple):
    """One bag without its instances; ``place`` is the position of its class."""

    id: str
    patient: str
    label: str
    place: int


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where and as what bags are written.

    Parameters
    ----------
    folder
        Made when absent.
    name
        Of the data set.
    classes
        In the data set's order.
    encoder
        Whose features they are.
    patches
        TRIDENT's folder of patches, ``20x_256px_0px_overlap``, which only the user knows.
    unit
        Of coordinates, where the bags do not say it.
    mpp
        Micrometres a level-0 pixel, to convert coordinates.
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    encoder: str = "precomputed"
    patches: str = ""
    unit: str = ""
    mpp: float | None = None


class Form(Protocol):
    """The layout of one tool."""

    def write_bag(self, bag: OutBag, target: Target) -> None:
        """Write the instances of one bag."""

    def write_tables(
        self, members: Sequence[Member], splits: Splits | None, target: Target
    ) -> tuple[str, ...]:
        """Write labels and splits; return what the user must know."""


def write_all(
    bags: Iterable[OutBag], splits: Splits | None, target: Target, form: Form
) -> tuple[str, ...]:
    """Write every bag, then the tables, and return what the user must know.

    Raises
    ------
    FeatureError
        If the layout cannot hold what a bag has.
    FeatureFileError
        If a bag's name is no name of a file, or reads as another slide.
    """
    members = []
    for bag in bags:
        _check_name(bag.id)
        form.write_bag(bag, target)
        place = target.classes.index(bag.label)
        members.append(Member(bag.id, bag.patient or bag.id, bag.label, place))
    return form.write_tables(members, splits, target)


def _check_name(name: str) -> None:
    if slide_id(name) != name or "/" in name or "\\" in name:
        raise FeatureFileError(
            f"bag {name!r}: other tools would read this name as {slide_id(name)!r}; rename the bag"
        )


def coords_in(bag: OutBag, target: Target, wanted: str) -> np.ndarray | None:
    """Return the coordinates of a bag in the unit that a layout has, or None without any.

    Raises
    ------
    FeatureError
        If the unit is unknown, or pixels cannot be converted without ``mpp``.
    """
    coords = bag.instances.coords
    if coords is None:
        return None
    unit = bag.instances.coords_unit or target.unit
    if unit == wanted:
        return coords
    if {unit, wanted} == {LEVEL_0, MICROMETRES} and target.mpp:
        factor = target.mpp if wanted == MICROMETRES else 1 / target.mpp
        return np.asarray(coords, dtype=np.float64) * factor
    known = f"in {unit}" if unit else "in a unit that nobody states"
    how = "say what it is with --unit" if not unit else "give --mpp, micrometres a level-0 pixel"
    raise FeatureError(
        f"{target.name}, bag {bag.id!r}: coordinates are {known}, and this layout has {wanted}; "
        f"{how}, or leave them out with --no-coords"
    )


def whole(coords: np.ndarray, bag: OutBag, target: Target) -> np.ndarray:
    """Return coordinates (N, 2) as int64.

    Raises
    ------
    FeatureError
        If one is no whole number: rounding would move it.
    """
    rounded = np.asarray(coords).astype(np.int64)
    if not np.array_equal(rounded, coords):
        raise FeatureError(
            f"{target.name}, bag {bag.id!r}: coordinates are no whole pixels, which this layout "
            "has; leave them out with --no-coords"
        )
    return rounded


def folds_of(splits: Splits) -> Iterator[tuple[int, list[str]]]:
    """Yield each fold's number, through all repeats, with the role of every bag; empty for none."""
    folds = splits.roles.reshape(-1, len(splits.bag_ids))
    for number, roles in enumerate(folds.tolist()):
        yield number, ["" if role == UNUSED else ROLES[role] for role in roles]


def write_table(path: Path, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV, or with tabs where the name ends in ``.tsv``."""
    text = io.StringIO()
    mark = "\t" if path.suffix == ".tsv" else ","
    writer = csv.writer(text, delimiter=mark, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    write_atomic(path, text.getvalue())
