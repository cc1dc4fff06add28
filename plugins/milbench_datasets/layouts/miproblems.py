"""Read the MIProblems layout: three text files, plain or gzipped.

``data.csv`` is separated by TABs in spite of its name and is transposed: one line a feature, one
column an instance. ``bagids.csv`` and ``labels.csv`` hold one value an instance, one a line; the
label is that of the bag. Bags are numbered; positive ones come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.layouts.rows import Rows, gather
from milbench_datasets.layouts.text import find, read_numbers

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from milbench import LabelledBag

FILES = ("data.csv", "bagids.csv", "labels.csv")


def missing(folder: Path) -> list[str]:
    """Return the names of the files that ``folder`` lacks, plain and gzipped alike."""
    return [name for name in FILES if find(folder, name) is None]


def read(folder: Path) -> list[LabelledBag]:
    """Return the bags; their ids are the bag numbers.

    Raises
    ------
    DatasetError
        If a file says something impossible.
    """
    data, bagids, labels = (find(folder, name) or folder / name for name in FILES)
    rows = Rows(
        source=labels,
        x=read_numbers(data, "\t").T,  # (N_total, D)
        bags=[str(int(number)) for number in whole_column(bagids)],
        labels=read_column(labels).tolist(),
    )
    return gather(rows)


def read_column(path: Path) -> NDArray[np.float64]:
    """Read a file of one number a line.

    Raises
    ------
    DatasetError
        If a line holds more than one number.
    """
    table = read_numbers(path, "\t")  # (N_total, 1)
    if table.shape[1] != 1:
        raise DatasetError(f"{path}, line 1: found {table.shape[1]} columns, expected 1")
    return table[:, 0]


def whole_column(path: Path) -> NDArray[np.float64]:
    """Read a file of one whole number a line.

    Raises
    ------
    DatasetError
        Naming the first line whose number is not whole.
    """
    numbers = read_column(path)
    for line, number in enumerate(numbers, start=1):
        if not number.is_integer():
            raise DatasetError(f"{path}, line {line}: found {number:g}, expected a whole number")
    return numbers
