"""The list of slides that were not used, as a table beside the results."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.tables.lines import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write_left_out(path: Path, found: Iterable[LeftOut]) -> None:
    """Write one line a slide: where it was seen, its id, the kind of the reason, the reason."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(LeftOut._fields)
    writer.writerows(found)
    write_atomic(path, buffer.getvalue())
