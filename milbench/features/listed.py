"""What a data set lists: how many bags there are, and that no slide is there twice."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from milbench.bags import LabelledBag


def listed(bags: Iterable[LabelledBag], dataset: str) -> tuple[Iterable[LabelledBag], int | None]:
    """Return ``bags`` and how many there are, where all are files that nobody has opened yet.

    Others may bring their pixels, so they come one by one, and their number is None.

    Raises
    ------
    DatasetError
        If one file is the slide of two bags.
    """
    ahead: list[LabelledBag] = []
    first: dict[Path, str] = {}
    coming = iter(bags)
    for bag in coming:
        ahead.append(bag)
        path = file_of(bag)
        if path is None:
            return chain(ahead, coming), None
        if path in first:
            raise DatasetError(
                f"{dataset}, bag {bag.id!r}: the slide {path.name} is listed twice, also as bag "
                f"{first[path]!r}; each slide makes one bag"
            )
        first[path] = bag.id
    return ahead, len(ahead)


def file_of(bag: LabelledBag) -> Path | None:
    """Return the file of a picture that is opened when it is read, as a slide is."""
    path: Path | None = getattr(bag.picture, "path", None)
    return path
