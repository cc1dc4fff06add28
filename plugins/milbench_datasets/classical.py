"""The classical data sets: where the files of each lie, and how they become bags.

A set may lie in several layouts side by side; the first complete one in the order of ``LAYOUTS``
is read. Layouts whose bags are in the order that the published folds refer to come first.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench_datasets.absent import absent
from milbench_datasets.layouts import milpy, miproblems, prtools, uci_c45
from milbench_datasets.layouts.folds import read_folds
from milbench_datasets.layouts.text import find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from milbench import LabelledBag

logger = logging.getLogger(__name__)


class Layout(NamedTuple):
    """One file layout: what a folder lacks, how it is read, whether published folds fit."""

    missing: Callable[[Path], list[str]]
    read: Callable[[Path], list[LabelledBag]]
    has_fold_order: bool


LAYOUTS = {
    "miproblems": Layout(miproblems.missing, miproblems.read, has_fold_order=True),
    "milpy": Layout(milpy.missing, milpy.read, has_fold_order=True),
    "uci_c45": Layout(uci_c45.missing, uci_c45.read, has_fold_order=False),
    "prtools": Layout(prtools.missing, prtools.read, has_fold_order=False),
}


@dataclass(frozen=True, slots=True)
class Classical:
    """Where one classical data set lies below the data folder.

    Parameters
    ----------
    name
        The data set's name.
    folder
        Its folder; a layout's files are in ``folder/<layout>/inner``.
    inner
        A folder inside the layout's folder, where several sets share one.
    folds_file
        Name of the published folds in ``folder``, plain or gzipped.
    """

    name: str
    folder: str
    inner: str = ""
    folds_file: str = "folds_5x10.csv"

    def bags(self, data: Path) -> list[LabelledBag]:
        """Return the bags, from the first complete layout.

        Bags with the same instances are one ``patient``, named after the first of them, so that
        no split can put a bag in the training part and its twin in the test part.

        Parameters
        ----------
        data
            The data folder.

        Raises
        ------
        MissingDataError
            If no layout is complete.
        DatasetError
            If a file says something impossible.
        """
        layout = self.layout(data)
        if layout is None:
            raise absent(self.name, data, "; ".join(self.gaps(data)))
        return group_twins(LAYOUTS[layout].read(self.place(data, layout)))

    def folds(self, data: Path) -> dict[int, dict[str, int]]:
        """Return the published test folds, ``{repeat: {bag id: fold}}``.

        Empty when there is no such file, when the layout at hand has another order of bags
        (``uci_c45`` and ``prtools``), or when the folds put twins on both sides.

        Raises
        ------
        DatasetError
            If the file does not fit the bags.
        """
        layout, path = self.layout(data), find(data / self.folder, self.folds_file)
        if layout is None or path is None or not LAYOUTS[layout].has_fold_order:
            return {}
        bags = self.bags(data)
        folds = read_folds(path, bags)
        if straddle(folds, bags):
            logger.warning("%s: published folds not used: identical bags straddle them", path)
            return {}
        return folds

    def layout(self, data: Path) -> str | None:
        """Return the name of the first complete layout, or None."""
        complete = (
            name for name, layout in LAYOUTS.items() if not layout.missing(self.place(data, name))
        )
        return next(complete, None)

    def place(self, data: Path, layout: str) -> Path:
        """Return the folder of one layout's files."""
        return data / self.folder / layout / self.inner

    def gaps(self, data: Path) -> list[str]:
        """Say for every layout what its folder lacks."""
        places = {name: self.place(data, name) for name in LAYOUTS}
        return [
            f"{places[name]} lacks {', '.join(layout.missing(places[name]))}"
            for name, layout in LAYOUTS.items()
        ]


def group_twins(bags: Sequence[LabelledBag]) -> list[LabelledBag]:
    """Give bags with the same instances, in any order, the same patient."""
    first: dict[bytes, str] = {}
    return [replace(bag, patient=first.setdefault(content(bag), bag.id)) for bag in bags]


def content(bag: LabelledBag) -> bytes:
    """Return the instances of a bag as bytes that do not depend on their order."""
    rows = np.asarray(bag.x) + np.float32(0)  # -0.0 becomes 0.0, which has other bytes
    return rows[np.lexsort(rows.T)].tobytes()


def straddle(folds: Mapping[int, Mapping[str, int]], bags: Sequence[LabelledBag]) -> bool:
    """Tell whether some repeat puts bags of one patient into several folds."""
    for fold_of in folds.values():
        found = defaultdict(set)
        for bag in bags:
            found[bag.patient].add(fold_of[bag.id])
        if any(len(folds_of_patient) > 1 for folds_of_patient in found.values()):
            return True
    return False


MUSK1 = Classical("musk1", "musk1")
MUSK2 = Classical("musk2", "musk2")
ELEPHANT = Classical("elephant", "elephant")
FOX = Classical("fox", "fox")
TIGER = Classical("tiger", "tiger")
COREL_AFRICAN = Classical("corel-african", "corel_african")
BIRDS_BROWN_CREEPER = Classical("birds-brown-creeper", "birds_brown_creeper")
MUTAGENESIS1 = Classical("mutagenesis1", "mutagenesis1")
NEWSGROUPS1, NEWSGROUPS2, NEWSGROUPS3 = (
    Classical(f"newsgroups{n}", "newsgroups", f"Newsgroups{n}", f"Newsgroups{n}_folds_5x10.csv")
    for n in (1, 2, 3)
)
