"""Go over files in order, and let the disk read the next one while this one is used."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def read_ahead(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield ``paths``, each after the system was asked for the content of the one behind it.

    A file that is mapped comes from the disk page by page, as its values are used, and the disk
    rests while they are computed with. Where a system cannot be asked, nothing is lost but that.
    """
    for path, behind in pairwise(paths):
        _ask_for(behind)
        yield path
    yield from paths[-1:]


def _ask_for(path: Path) -> None:
    if not hasattr(os, "posix_fadvise"):  # macOS and Windows
        return
    with suppress(OSError), path.open("rb") as file:  # who reads it will say what is wrong
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
