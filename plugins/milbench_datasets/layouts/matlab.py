"""Open MATLAB files of version 5, with errors that name the file and the place."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# What scipy raises on damaged files, found by cutting and overwriting real ones.
DAMAGED = (
    MatReadError,
    NotImplementedError,  # version 7.3 is HDF5
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def load_variable(path: Path, name: str, file: Any = None) -> Any:
    """Return one variable of a MATLAB file: an array, or an object with one attribute a field.

    Parameters
    ----------
    file
        An open file that is read in place of ``path``, such as a member of an archive.

    Raises
    ------
    DatasetError
        If the file is damaged, of version 7.3, or lacks the variable.
    """
    try:
        found = loadmat(path if file is None else file, struct_as_record=False)
    except DAMAGED as error:
        raise DatasetError(
            f"{path}: expected a MATLAB file of version 5, found a damaged one or another "
            f"version ({error}); get it again"
        ) from error
    if name not in found:
        held = ", ".join(sorted(key for key in found if not key.startswith("__"))) or "nothing"
        raise DatasetError(f"{path}: expected a variable {name!r}, found {held}")
    return found[name]


def finite_matrix(path: Path, name: str, values: Any) -> NDArray[np.float64]:
    """Return ``values`` as a matrix of finite numbers, of shape (rows, columns).

    Raises
    ------
    DatasetError
        If it is no matrix of numbers, or naming the first row and column that is not finite.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb" or values.ndim != 2:  # noqa: PLR2004 - a matrix has two axes
        found = f"{getattr(values, 'dtype', type(values).__name__)}"
        raise DatasetError(f"{path}: expected a matrix of numbers as {name!r}, found {found}")
    matrix = values.astype(np.float64)
    for row, column in np.argwhere(~np.isfinite(matrix))[:1]:
        raise DatasetError(
            f"{path}: {name}, row {row + 1}, column {column + 1}: found {matrix[row, column]}, "
            "expected a finite number"
        )
    return matrix
