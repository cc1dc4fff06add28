"""Read the MILpy layout: three MATLAB files.

``X*.mat`` holds ``X``, one row an instance; ``Bag2*.mat`` holds ``Bag2``, the number of every
instance's bag, from 1; ``BagI*.mat`` (or ``bagI*.mat``) holds ``bagI``, one label a bag, in the
order of the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError
from milbench_datasets.layouts.matlab import finite_matrix, load_variable
from milbench_datasets.layouts.rows import Rows, gather

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from milbench import LabelledBag

VARIABLES = ("X", "Bag2", "bagI")  # a file's name begins with the name of its variable


def missing(folder: Path) -> list[str]:
    """Return patterns of the files that ``folder`` lacks."""
    return [f"{name}*.mat" for name in VARIABLES if find(folder, name) is None]


def find(folder: Path, name: str) -> Path | None:
    """Return the file that holds variable ``name``; capital letters do not count."""
    for path in sorted(folder.glob("*.mat")):
        if path.name.lower().startswith(name.lower()):
            return path
    return None


def read(folder: Path) -> list[LabelledBag]:
    """Return the bags; their ids are the bag numbers.

    Raises
    ------
    DatasetError
        If a file says something impossible.
    """
    paths = {name: find(folder, name) or folder / f"{name}.mat" for name in VARIABLES}
    values = {
        name: finite_matrix(path, name, load_variable(path, name)) for name, path in paths.items()
    }
    bags, labels = values["Bag2"].ravel(), values["bagI"].ravel()
    check_numbers(paths["Bag2"], bags, len(labels))
    rows = Rows(
        source=paths["bagI"],
        x=values["X"],
        bags=[str(int(number)) for number in bags],
        labels=labels[bags.astype(np.int64) - 1].tolist(),
    )
    return gather(rows)


def check_numbers(path: Path, bags: NDArray[np.float64], count: int) -> None:
    """Refuse bag numbers other than 1, 2, ... ``count``, each at least once.

    Raises
    ------
    DatasetError
        Naming the first number that is too much or not there.
    """
    expected = np.arange(1, count + 1)
    wrong = [*np.setdiff1d(bags, expected), *np.setdiff1d(expected, bags)]
    if wrong:
        state = "unexpected" if wrong[0] in bags else "missing"
        raise DatasetError(
            f"{path}: bag number {wrong[0]:g} is {state}, expected every number from 1 to "
            f"{count} (as many labels as bagI has)"
        )
