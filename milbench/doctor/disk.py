"""How much disk the folders take, how much is left, and whether they can be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from milbench.doctor.finding import Finding, in_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LITTLE = 1_000_000_000  # bytes: one data set of slides takes as much
NOTHING = 50_000_000  # bytes: not even results would fit


def examine(folders: Mapping[str, Path]) -> Iterator[Finding]:
    """Yield what each folder takes; one that is absent is looked at where it would be made."""
    for name, folder in folders.items():
        yield _examine(name, folder)


def _examine(name: str, folder: Path) -> Finding:
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    taken = in_bytes(_taken(folder)) if folder.is_dir() else "not made yet"
    free = shutil.disk_usage(place).free
    text = f"{folder}: {taken}; {in_bytes(free)} free"
    if folder.exists() and not folder.is_dir():
        return Finding("disk", name, "broken", f"{folder} is a file", f"choose another --{name}")
    if name != "data" and not os.access(place, os.W_OK):
        step = f"choose another folder with --{name}"
        return Finding("disk", name, "broken", f"{text}; cannot be written", step)
    if free < NOTHING:
        return Finding("disk", name, "broken", text, "free some space")
    if free < LITTLE:
        return Finding("disk", name, "note", text, "free some space before slides are encoded")
    return Finding("disk", name, "ok", text)


def _taken(folder: Path) -> int:
    """Return the bytes of all files below ``folder``; links are not followed.

    A file of two names, as data sets of the same slides have it, counts once.
    """
    sizes = {}
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            if not file.is_symlink() and file.exists():
                status = file.stat()
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())
