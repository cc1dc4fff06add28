"""Say that the files of a data set are not there, and how to get them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import MissingDataError
from milbench_datasets.catalogue import RECORDS

if TYPE_CHECKING:
    from pathlib import Path


def absent(name: str, data: Path, gaps: str) -> MissingDataError:
    """Return the error for data set ``name``; ``gaps`` says which files are missing where."""
    record = next(record for record in RECORDS if record.name == name)
    step = f"milbench fetch {name} --data {data}" if record.downloads else record.how_to_get
    return MissingDataError(
        f"{name}: files are missing: {gaps}; public source: {record.url} "
        f"(licence: {record.licence}); next step: {step}"
    )
