"""The content hash of a feature store: the same bags give the same hash, wherever they are built.

The hash joins one digest for each array, so that features of any size are hashed as a stream.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from milbench.bags import BagTable


def array_digest(array: np.ndarray) -> str:
    """Return the digest of an array's type, shape and values."""
    return described_digest(array.dtype.str, array.shape, sha256(array.tobytes()).hexdigest())


def described_digest(dtype: str, shape: tuple[int, ...], values: str) -> str:
    """Return the digest of an array whose values were hashed as a stream."""
    return sha256(json.dumps([dtype, list(shape), values]).encode()).hexdigest()


def content_hash(table: BagTable, digests: Mapping[str, str]) -> str:
    """Return the hash of a whole store, 64 hexadecimal digits.

    Parameters
    ----------
    table
        The bags.
    digests
        One digest for each array beside the table: ``features``, ``offsets``, and ``coords``,
        ``instance_labels`` and ``grids`` where there are any.
    """
    content = {
        **digests,
        "ids": table.ids,
        "patients": table.patients,
        "sites": table.sites,
        "parts": table.parts,
        "classes": table.classes,
        "labels": array_digest(table.labels),
    }
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
