"""Write a file so that a reader finds the old one or the new one, and never half of either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace the file at ``path`` by ``content``, text in UTF-8, durably.

    It goes to a temporary name in the same folder, is flushed to the disk, and takes the
    final name in one step, so a kill at any moment loses nothing that was there. Who may read it
    is what the user's mask says, as for any file: a page or a table is made to be shared.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
