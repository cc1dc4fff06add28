"""Read the C4.5 layout of the UCI repository: one text file, plain or gzipped.

A line is one instance: name of the bag, name of the instance, the features, the bag's label and a
full stop, separated by commas. The ``.names`` file beside it only describes the columns (it also
names a scale of 0.001, which is not applied: values stay raw).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError
from milbench_datasets.layouts.rows import Rows, gather
from milbench_datasets.layouts.text import check_widths, parse_row, read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from milbench import LabelledBag

NAMES = 2  # the cells before the first feature: bag and instance
FEWEST = NAMES + 2  # and at least one feature and the label


def missing(folder: Path) -> list[str]:
    """Return ``["*.data"]`` when ``folder`` holds no such file, plain or gzipped, else nothing."""
    return [] if candidates(folder) else ["*.data"]


def candidates(folder: Path) -> list[Path]:
    """Return the files of ``folder`` that may hold the bags, plain ones first."""
    return [*sorted(folder.glob("*.data")), *sorted(folder.glob("*.data.gz"))]


def read(folder: Path) -> list[LabelledBag]:
    """Return the bags; their ids are the names in the first column.

    Raises
    ------
    DatasetError
        If the file says something impossible.
    """
    path = candidates(folder)[0]
    table = [cells_of(path, line, text) for line, text in enumerate(read_lines(path), start=1)]
    numbers = [
        parse_row(path, line, cells[NAMES:], first=NAMES + 1)
        for line, cells in enumerate(table, start=1)
    ]
    check_widths(path, numbers)
    values = np.stack(numbers)  # (N_total, D + 1), the label last
    return gather(Rows(path, values[:, :-1], [cells[0] for cells in table], values[:, -1].tolist()))


def cells_of(path: Path, line: int, text: str) -> list[str]:
    """Split one line at its commas, without the closing full stop.

    Raises
    ------
    DatasetError
        If there are too few cells for two names, a feature and a label.
    """
    cells = [cell.strip() for cell in text.strip().removesuffix(".").split(",")]
    if len(cells) < FEWEST:
        raise DatasetError(
            f"{path}, line {line}: found {len(cells)} cells, expected two names, features and a "
            "label, separated by commas"
        )
    return cells
