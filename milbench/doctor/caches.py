"""Which cached features are current, which are stale, and which are damaged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from milbench.doctor.finding import Finding, in_bytes
from milbench.errors import MilbenchError
from milbench.records import Dataset, Encoder
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from milbench.doctor.own import OwnSuite
    from milbench.features import Features
    from milbench.registry import Registry
    from milbench.view import View


@dataclass(frozen=True)
class Known:
    """What features may be of: the data sets of plugins, and those of users' own suites."""

    registry: Registry
    data: Path
    own: Sequence[OwnSuite] = ()

    @cached_property
    def fingerprints(self) -> dict[str, set[str]]:
        """Return the fingerprints that features have now, by the data set."""
        from milbench.features.cache import source_fingerprint  # noqa: PLC0415  # loads numpy

        found: dict[str, set[str]] = {}
        for dataset, view in self._views():
            prints = found.setdefault(dataset.name, set())
            prints.add(source_fingerprint(dataset, view, self.data))
        return found

    def _views(self) -> Iterator[tuple[Dataset, View]]:
        """Yield every view of a suite, and every encoder without a tiler on every data set."""
        from milbench.suite import load_suite  # noqa: PLC0415  # loads pydantic
        from milbench.view import View, wanted  # noqa: PLC0415  # the same

        for path in suite_files(self.registry.suites()).values():
            with suppress(MilbenchError):  # a suite's own fault, which validate tells
                yield from wanted(load_suite(path), self.registry)
        for own in self.own:
            if own.suite is not None:
                yield from wanted(own.suite, own.registry)
        for offer in self.registry.offers("dataset"):
            dataset = self.registry.record(Dataset, offer.full_name)
            for encoder in self.registry.offers("encoder") if not dataset.tiler else ():
                yield dataset, View(self.registry.record(Encoder, encoder.full_name))


def examine(known: Known, cache: Path, *, verify: bool) -> Iterator[Finding]:
    """Yield each file of features below ``cache``, and what interrupted writing left there.

    Parameters
    ----------
    verify
        Read everything and compare the content hash.
    """
    for path in sorted(cache.glob("*/*.h5")):
        yield _examine(path, known, verify=verify)
    left = sorted(cache.glob("*/.*.tmp"))
    if left:
        size = in_bytes(sum(path.stat().st_size for path in left))
        text = f"{len(left)} files of interrupted writing, {size}"
        step = f"delete them when nothing runs: rm {cache}/*/.*.tmp"
        yield Finding("cache", str(cache), "note", text, step)


def _examine(path: Path, known: Known, *, verify: bool) -> Finding:
    from milbench.features.store import open_features  # noqa: PLC0415  # loads h5py

    name = f"{path.parent.name}/{path.name}"
    try:
        features = open_features(path, verify=verify)
    except MilbenchError as error:
        text = str(error).removeprefix(f"{path}: ").partition(";")[0]
        return Finding("cache", name, "broken", text, f"delete it and run again: rm {path}")
    size = in_bytes(path.stat().st_size)
    text = f"{len(features)} bags, {size}{', content as written' if verify else ''}"
    if features.fingerprint in known.fingerprints.get(features.dataset, ()):
        return Finding("cache", name, "ok", text)
    return Finding("cache", name, "note", f"{text}; {_why(features, known)}", f"rm {path}")


def _why(features: Features, known: Known) -> str:
    """Say why no view that is known now gives these features."""
    is_known = known.registry.matching("dataset", features.dataset)
    if not is_known and features.dataset not in known.fingerprints:
        return f"of {features.dataset!r}, which is no data set of a plugin: a user's own?"
    if features.tiler:
        return f"cut by {features.tiler}, as no suite here has it; may be deleted"
    return "stale: files, version or code of the data set changed; may be deleted"
