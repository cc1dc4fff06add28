"""Look at an installation: packages, plugins, device, data sets, caches, results, disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.doctor import caches, data_sets, device, disk, own, packages, results
from milbench.doctor.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.registry import Registry

__all__ = ["Finding", "Folders", "examine"]


@dataclass(frozen=True)
class Folders:
    """The folders that milbench works in; none of them has to exist."""

    data: Path
    cache: Path
    results: Path


def examine(folders: Folders, registry: Registry, *, verify: bool = False) -> Iterator[Finding]:
    """Yield what is found, area by area; nothing is changed.

    Parameters
    ----------
    verify
        Read everything: checksums of downloads, content of caches, whole results. Without it
        the first bag of each data set is read, and the rest is looked at from outside.
    """
    yield from packages.examine()
    yield from packages.plugins(registry)
    yield from device.examine()
    yield from data_sets.examine(registry, folders.data, verify=verify)
    suites = own.own_suites(registry, folders.results, folders.cache)
    yield from own.examine(suites, folders.data)
    known = caches.Known(registry, folders.data, suites)
    yield from caches.examine(known, folders.cache, verify=verify)
    yield from results.examine(folders.results, verify=verify)
    named = {"data": folders.data, "cache": folders.cache, "results": folders.results}
    yield from disk.examine(named)
