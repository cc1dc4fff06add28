"""Make the rows of a journal a feature store, by writing the rest of the HDF5 file around them.

HDF5 writes a file of which the features are a hole of the right size. What it put before and behind
the hole goes before and behind the rows, which then are what it would have written: one copy of the
features, and one pass over the disk. Where its hole is elsewhere, or the rows are in another order
than the bags, the rows are copied into the hole instead.
"""

from __future__ import annotations

from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING

import h5py

from milbench.features.journal import START

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from milbench.features.journal import Finished, Journal


def reserved(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> int:
    """Give the array ``name`` its place in ``file`` without writing it; return its first byte."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    kind, space = h5py.h5t.py_create(dtype, logical=True), h5py.h5s.create_simple(shape)
    return int(h5py.h5d.create(file.id, name.encode(), kind, space, layout).get_offset())


def enclosed(journal: Journal, frame: Path) -> Path:
    """Write what ``frame`` has around its hole around the rows; return the file of the rows."""
    with frame.open("rb") as given, journal.rows as rows:
        rows.seek(0)
        rows.write(given.read(START))
        given.seek(journal.end)
        rows.seek(journal.end)
        copyfileobj(given, rows)
        rows.truncate()
    return Path(rows.name)


def copied_into(frame: Path, start: int, bags: Sequence[Finished], journal: Journal) -> Path:
    """Copy the rows of ``bags`` into the hole of ``frame`` that begins at ``start``; return it."""
    with frame.open("rb+") as file:
        file.seek(start)
        for bag in bags:
            for block in journal.read(bag):
                file.write(block)
    return frame
