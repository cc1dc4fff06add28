"""Remove from the cache what is stale or damaged; results, data and weights are never touched."""

from __future__ import annotations

import time
from contextlib import suppress
from shutil import rmtree
from typing import TYPE_CHECKING, NamedTuple

from milbench.doctor import caches, own
from milbench.errors import FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.doctor import Folders
    from milbench.registry import Registry

QUIET_S = 3600.0  # a file that somebody writes without a lock has changed since


class Waste(NamedTuple):
    """Files that go together, why, and the bytes that are free without them."""

    name: str
    why: str
    files: tuple[Path, ...]
    frees: int


def wasted(folders: Folders, registry: Registry, *, verify: bool = False) -> Iterator[Waste]:
    """Yield what nothing needs: stale and damaged features, what interrupted writing left.

    Features are stale when their data set, its files, tiler and encoder are all here and give
    others now. Where one of them is not here, features stay.

    Parameters
    ----------
    verify
        Read all features, to find damage that does not show from outside.
    """
    suites = own.own_suites(registry, folders.results, folders.cache)
    known = caches.Known(registry, folders.data, suites)
    for kept in caches.all_kept(known, folders.cache, verify=verify):
        if kept.waste:
            finding = kept.finding
            yield Waste(finding.name, finding.text, kept.waste, sum(map(_frees, kept.waste)))


def remove(waste: Waste) -> list[Path]:
    """Remove the files that nobody writes now, and return those that stay."""
    return [path for path in waste.files if not _removed(path)]


def _removed(path: Path) -> bool:
    """Return whether ``path`` is gone; it stays where a process builds it."""
    from milbench.features.alone import alone  # noqa: PLC0415  # loads numpy

    try:
        with alone(_built(path), is_waiting=False) as is_alone:
            has_lock = is_alone and not path.name.endswith(".tmp")  # some are written without one
            if not has_lock and time.time() - path.stat().st_mtime < QUIET_S:
                return False
            if path.is_dir():
                rmtree(path)
            else:
                path.unlink()
    except FileNotFoundError:
        return True
    except (BlockingIOError, OSError, FeatureError):
        return False
    return True


def _built(path: Path) -> Path:
    """Return the store that ``path`` is, or belongs to: its lock is held while it is built."""
    name = path.name
    if path.suffix == ".rows":
        name = f"{path.stem.rpartition('-')[0]}.h5"
    elif path.suffix == ".journal":
        name = f"{path.stem.removeprefix('.').rpartition('-')[0]}.h5"
    elif path.suffix == ".tmp":
        name = path.stem.removeprefix(".").rpartition(".")[0]
    return path.with_name(name)


def _frees(path: Path) -> int:
    """Return the bytes that are free without ``path``; none where the file has another name."""
    total = 0
    for file in path.iterdir() if path.is_dir() else (path,):
        with suppress(OSError):
            status = file.stat()
            total += status.st_size if status.st_nlink == 1 else 0
    return total
