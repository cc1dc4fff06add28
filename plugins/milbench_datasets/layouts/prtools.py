"""Read the PRTools layout: one MATLAB file with a data set struct ``x``.

``x.data`` holds one row an instance; ``x.nlab`` the position (from 1) of its label in
``x.lablist``, whose names are ``negative`` and ``positive``; ``x.ident.milbag`` the name of its
bag, padded with blanks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import DatasetError
from milbench_datasets.layouts.matlab import finite_matrix, load_variable
from milbench_datasets.layouts.rows import Rows, gather

if TYPE_CHECKING:
    from pathlib import Path

    from milbench import LabelledBag

STRUCT = "x"
LABELS = {"negative": 0.0, "positive": 1.0}


def missing(folder: Path) -> list[str]:
    """Return ``["*.mat"]`` when ``folder`` holds no such file, else nothing."""
    return [] if candidates(folder) else ["*.mat"]


def candidates(folder: Path) -> list[Path]:
    """Return the files of ``folder`` that may hold the bags."""
    return sorted(folder.glob("*.mat"))


def read(folder: Path) -> list[LabelledBag]:
    """Return the bags; their ids are the bags' names without the padding.

    Raises
    ------
    DatasetError
        If the file says something impossible.
    """
    path = candidates(folder)[0]
    content = field(path, STRUCT, load_variable(path, STRUCT))
    data = finite_matrix(path, "x.data", field(path, "x.data", content))
    names = field(path, "x.ident.milbag", content)
    rows = Rows(
        source=path,
        x=data,
        bags=[str(name).strip() for name in np.ravel(names)],
        labels=labels(path, content),
    )
    return gather(rows)


def field(path: Path, name: str, content: Any) -> Any:
    """Return the field ``name`` (``x.ident.milbag``) of the struct ``content``.

    Raises
    ------
    DatasetError
        If a part of the name is not there.
    """
    for part in name.split(".")[1:]:
        content = getattr(unwrap(content), part, None)
    if content is None:
        raise DatasetError(f"{path}: expected a PRTools data set with a field {name}, found none")
    return unwrap(content)


def unwrap(content: Any) -> Any:
    """Take the first element of nested cells and 1 x 1 structs."""
    while isinstance(content, np.ndarray) and content.dtype == object and content.size:
        content = content.flat[0]
    return content


def labels(path: Path, content: Any) -> list[float]:
    """Return the label of every instance's bag, 0 or 1.

    Raises
    ------
    DatasetError
        If a name is neither ``negative`` nor ``positive``, or a position fits no name.
    """
    names = [str(name).strip() for name in np.ravel(field(path, "x.lablist", content))]
    if not set(names) <= LABELS.keys():
        raise DatasetError(
            f"{path}: x.lablist names the labels {', '.join(names)}, expected negative, positive"
        )
    positions = finite_matrix(path, "x.nlab", field(path, "x.nlab", content)).ravel()
    for row, position in enumerate(positions, start=1):
        if position not in range(1, len(names) + 1):
            raise DatasetError(
                f"{path}: x.nlab, row {row}: found {position:g}, expected 1 to {len(names)}"
            )
    return [LABELS[names[int(position) - 1]] for position in positions]
