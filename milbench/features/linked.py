"""Stores with the same rows in the same order share one file of them, under a name for each.

The name is a hard link: whichever store is deleted, the rows are there as long as one has them.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from milbench.features.store import ENDING, files_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from milbench.features.journal import Finished, Source

ALIGNMENT = 64  # bytes: rows of a store begin at a multiple of it
DIGITS = 12  # of the hash of the first bag, which tells an old file from a new one


class Linked(NamedTuple):
    """A file beside a store that holds its rows, from the byte ``offset`` on."""

    path: Path
    offset: int

    def said(self, shape: tuple[int, ...], dtype: np.dtype) -> str:
        """Return what the store says of it."""
        said = {"file": self.path.name, "offset": self.offset, "shape": shape, "dtype": dtype.str}
        return json.dumps(said)


def linked_rows(path: Path, bags: Sequence[Finished]) -> Linked | None:
    """Give the rows of the store at ``path`` a name of its own, where another store has them all.

    None where they are of several files, in another order, or where files can have one name only.
    """
    source = _only_source(bags)
    if source is None or bags[0].start % ALIGNMENT:
        return None
    name = path.with_name(f"{path.stem}-{bags[0].values[:DIGITS]}{ENDING}")
    with suppress(OSError):
        name.unlink(missing_ok=True)
        os.link(source.path, name)
        if os.path.samestat(name.stat(), os.fstat(source.file.fileno())):
            return Linked(name, bags[0].start)
        name.unlink()  # another file has the name of the source now
    return None


def forget_rows(path: Path, except_for: Linked | None = None) -> None:
    """Remove the names of rows that an older store at ``path`` had."""
    for name in files_of(path)[1:]:
        if except_for is None or name != except_for.path:
            with suppress(OSError):
                name.unlink()


def _only_source(bags: Sequence[Finished]) -> Source | None:
    """Return the one store in which all rows lie, without a gap and in this order, or None."""
    source = bags[0].source
    if source is None or not source.is_final or any(bag.source is not source for bag in bags):
        return None
    is_one_piece = all(a.start + a.bytes == b.start for a, b in pairwise(bags))
    same = {(bag.shape, bag.dtype) for bag in bags}
    return source if is_one_piece and len(same) == 1 else None
