"""Which cached features are current, which are stale, and which are damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.doctor.finding import Finding, in_bytes
from milbench.errors import MilbenchError
from milbench.records import Dataset, Encoder
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.features import Features
    from milbench.registry import Registry


def examine(registry: Registry, cache: Path, data: Path, *, verify: bool) -> Iterator[Finding]:
    """Yield each file of features below ``cache``, and what interrupted writing left there.

    Parameters
    ----------
    verify
        Read everything and compare the content hash.
    """
    stores = sorted(cache.glob("*/*.h5"))
    current = _fingerprints(registry, data) if stores else {}
    for path in stores:
        yield _examine(path, registry, current, verify=verify)
    left = sorted(cache.glob("*/.*.tmp"))
    if left:
        text = f"{len(left)} files of interrupted writing, {in_bytes(_size(left))}"
        step = f"delete them when nothing runs: rm {cache}/*/.*.tmp"
        yield Finding("cache", str(cache), "note", text, step)


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _fingerprints(registry: Registry, data: Path) -> dict[str, set[str]]:
    """Return the fingerprints that features have now, by data set: of its own view and suites'."""
    from milbench.features.cache import source_fingerprint  # noqa: PLC0415  # loads numpy
    from milbench.suite import load_suite  # noqa: PLC0415  # loads pydantic
    from milbench.view import View, wanted  # noqa: PLC0415  # the same

    found: dict[str, set[str]] = {}
    for path in suite_files(registry.suites()).values():
        try:
            for dataset, view in wanted(load_suite(path), registry):
                prints = found.setdefault(dataset.name, set())
                prints.add(source_fingerprint(dataset, view, data))
        except MilbenchError:  # a suite's own fault, which validate tells
            continue
    for offer in registry.offers("dataset"):
        dataset = registry.record(Dataset, offer.full_name)
        for encoder in registry.offers("encoder") if not dataset.tiler else ():
            view = View(registry.record(Encoder, encoder.full_name))
            prints = found.setdefault(dataset.name, set())
            prints.add(source_fingerprint(dataset, view, data))
    return found


def _examine(
    path: Path, registry: Registry, current: dict[str, set[str]], *, verify: bool
) -> Finding:
    from milbench.features.store import open_features  # noqa: PLC0415  # loads h5py

    name = f"{path.parent.name}/{path.name}"
    try:
        features = open_features(path, verify=verify)
    except MilbenchError as error:
        text = str(error).removeprefix(f"{path}: ").partition(";")[0]
        return Finding("cache", name, "broken", text, f"delete it and run again: rm {path}")
    size = in_bytes(path.stat().st_size)
    text = f"{len(features)} bags, {size}{', content as written' if verify else ''}"
    if features.fingerprint in current.get(features.dataset, ()):
        return Finding("cache", name, "ok", text)
    return Finding("cache", name, "note", f"{text}; {_why(features, registry)}", f"rm {path}")


def _why(features: Features, registry: Registry) -> str:
    """Say why no view that is known now gives these features."""
    if not registry.matching("dataset", features.dataset):
        return f"of {features.dataset!r}, which is no data set of a plugin: a user's own?"
    if features.tiler:
        return f"cut by {features.tiler}, as no suite here has it; may be deleted"
    return "stale: files, version or code of the data set changed; may be deleted"
