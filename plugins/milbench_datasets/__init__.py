"""Built-in data sets of milbench; ``catalogue`` is the table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import hookimpl
from milbench_datasets.catalogue import RECORDS

if TYPE_CHECKING:
    from milbench import Dataset


@hookimpl
def milbench_datasets() -> tuple[Dataset, ...]:
    """Return the records of all built-in data sets."""
    return RECORDS
