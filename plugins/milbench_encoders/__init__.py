"""Built-in encoders of milbench: how the pixels of an instance become its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Encoder, hookimpl
from milbench_encoders.catalogue import own_tiles, pathology, photographs, plain

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def milbench_encoders() -> Iterator[Encoder]:
    """Yield the encoders: without weights, of photographs, of the user's tiles, of pathology."""
    for family in (plain, photographs, own_tiles, pathology):
        yield from family.RECORDS
