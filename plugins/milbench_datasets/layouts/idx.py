"""Read the IDX layout of MNIST: big-endian arrays of bytes, plain or gzipped.

Four bytes say what follows: two zeros, 8 for unsigned bytes, and the number of axes; then the
length of each axis as a 32-bit number; then the values (LeCun, Cortes, Burges, "THE IDX FILE
FORMAT").
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError
from milbench_datasets.layouts.text import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UNSIGNED_BYTES = 8
MAGIC = 4  # bytes before the axes, and bytes of the length of each axis


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the array of ``axes`` axes that the file holds, as uint8.

    Raises
    ------
    DatasetError
        If the file is no such array, or is shorter or longer than its header says.
    """
    content = read_bytes(path)
    start = MAGIC * (axes + 1)
    if content[:MAGIC] != bytes([0, 0, UNSIGNED_BYTES, axes]) or len(content) < start:
        raise DatasetError(
            f"{path}: expected an IDX file of unsigned bytes with {axes} axes, found the header "
            f"{content[:MAGIC].hex(' ') or '(empty)'}; get it again"
        )
    shape = struct.unpack(f">{axes}I", content[MAGIC:start])
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if len(values) != int(np.prod(shape, dtype=np.int64)):
        raise DatasetError(
            f"{path}: the header announces {' x '.join(map(str, shape))} values, found "
            f"{len(values)}; get it again"
        )
    return values.reshape(shape)
