"""Which cached features are current, which are stale, and which are damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from milbench.doctor.finding import Finding, in_bytes
from milbench.errors import MilbenchError, PluginError
from milbench.records import Dataset, Tiler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from milbench.doctor.own import OwnSuite
    from milbench.registry import Registry
    from milbench.view import View
    from milbench.weights import Precision

CLEAN = "milbench doctor --clean"


class Origin(Protocol):
    """What features, or the journal of a building, say of themselves."""

    @property
    def dataset(self) -> str:
        """Return the name of the data set."""

    @property
    def encoder(self) -> str:
        """Return the name of the encoder."""

    @property
    def tiler(self) -> str:
        """Return the tiler with its settings; empty for none."""

    @property
    def weights(self) -> str:
        """Return the SHA-256 of the weights."""

    @property
    def precision(self) -> str:
        """Return what was computed in."""

    @property
    def fingerprint(self) -> str:
        """Return the hash of the sources."""


class Kept(NamedTuple):
    """Something in the cache, and its files where nothing needs them any more."""

    finding: Finding
    waste: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Known:
    """What features may be of: the data sets of plugins, and those of users' own suites."""

    registry: Registry
    data: Path
    own: Sequence[OwnSuite] = ()

    def fault(self, origin: Origin) -> tuple[str, bool]:
        """Return why nothing here gives these features now, and whether they are stale for sure.

        They are not where the data set, its files, the encoder or the tiler are not here. Empty
        where the features are current.
        """
        from milbench.features.cache import source_fingerprint  # noqa: PLC0415  # loads numpy

        records = list(self._records(origin.dataset))
        if not records:
            return f"of {origin.dataset!r}, which is no data set of a plugin: a user's own?", False
        reason = ""
        for registry, dataset in records:
            if dataset.files and not any(self._files(dataset)):
                reason = f"the files of {origin.dataset} are not in {self.data}"
                continue
            try:
                view = _view(registry, dataset, origin)
            except (PluginError, ValueError) as error:
                reason = f"cannot be told: {error}"
                continue
            if source_fingerprint(dataset, view, self.data, origin.weights) == origin.fingerprint:
                return "", False
        if reason:
            return reason, False
        return "stale: files, version or code of the data set, tiler or encoder changed", True

    def _records(self, name: str) -> Iterator[tuple[Registry, Dataset]]:
        """Yield every data set of a name, with the registry that knows what it is seen through."""
        registries = [self.registry, *(own.registry for own in self.own if own.suite is not None)]
        for registry in registries:
            for offer in registry.matching("dataset", name):
                yield registry, cast("Dataset", offer.record)

    def _files(self, dataset: Dataset) -> Iterator[Path]:
        for pattern in dataset.files:
            yield from self.data.glob(pattern)


def _view(registry: Registry, dataset: Dataset, origin: Origin) -> View:
    """Return the view that features were made in, with the records of today."""
    from milbench.view import View, encoder_of, settings_from  # noqa: PLC0415  # loads pydantic

    marked = "" if origin.precision == "float32" else f"@{origin.precision}"
    encoder, _ = encoder_of(registry, dataset, origin.encoder + marked)
    name, _, settings = origin.tiler.partition("(")
    tiler = registry.record(Tiler, name) if name else None
    args = settings_from(settings.removesuffix(")"))
    return View(encoder, tiler, args, cast("Precision", origin.precision))


def examine(known: Known, cache: Path, *, verify: bool) -> Iterator[Finding]:
    """Yield each file of features below ``cache``, and what interrupted writing left there.

    Parameters
    ----------
    verify
        Read everything and compare the content hash.
    """
    yield from (kept.finding for kept in all_kept(known, cache, verify=verify))


def all_kept(known: Known, cache: Path, *, verify: bool) -> Iterator[Kept]:
    """Yield what :func:`examine` finds, with the files that may go."""
    for path in sorted(cache.glob("*/*.h5")):
        yield _store(path, known, verify=verify)
    for folder in sorted(cache.glob("*/.*.journal")):
        yield _journal(folder, known)
    yield from _left(cache)


def _store(path: Path, known: Known, *, verify: bool) -> Kept:
    from milbench.features.store import files_of, open_features  # noqa: PLC0415  # loads h5py

    name = f"{path.parent.name}/{path.name}"
    try:
        features = open_features(path, verify=verify)
    except MilbenchError as error:
        text = str(error).removeprefix(f"{path}: ").partition(";")[0]
        step = f"delete it and run again: rm {path}"
        return Kept(Finding("cache", name, "broken", text, step), files_of(path))
    text = f"{len(features)} bags, {in_bytes(path.stat().st_size)}"
    text += ", rows shared with another data set" * features.is_linked
    text += ", content as written" * verify
    return _judged(name, text, known.fault(features), files_of(path))


def _journal(folder: Path, known: Known) -> Kept:
    """Return what an interrupted building left, which the next of the same features goes on with.

    What it finished serves other data sets of the same slides too.
    """
    from milbench.features.journal import ABOUT  # noqa: PLC0415  # loads numpy
    from milbench.features.write import About  # noqa: PLC0415  # the same

    name = f"{folder.parent.name}/{folder.name}"
    size = in_bytes(sum(path.stat().st_size for path in folder.iterdir()))
    text = f"an interrupted building, {size}"
    try:
        about = About(**json.loads((folder / ABOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Kept(Finding("cache", name, "note", f"{text}, of an earlier milbench"))
    fault = known.fault(about)
    if not fault[0]:
        step = f"milbench encode {about.dataset} {about.encoder}, or run: it goes on"
        return Kept(Finding("cache", name, "note", text, step))
    return _judged(name, text, fault, (folder,))


def _judged(name: str, text: str, fault: tuple[str, bool], files: tuple[Path, ...]) -> Kept:
    reason, is_stale = fault
    if not reason:
        return Kept(Finding("cache", name, "ok", text))
    if not is_stale:
        return Kept(Finding("cache", name, "note", f"{text}; {reason}"))
    return Kept(Finding("cache", name, "note", f"{text}; {reason}", CLEAN), files)


def _left(cache: Path) -> Iterator[Kept]:
    """Yield what killed processes and deleted stores left, and trainings that did not end."""
    temporary = tuple(sorted(cache.glob("*/.*.tmp")))
    alone = tuple(path for path in sorted(cache.glob("*/*.rows")) if not _store_of(path).is_file())
    left = (
        (temporary, "files of interrupted writing"),
        (alone, "files of rows whose data set was deleted"),
    )
    for files, what in left:
        if files:
            size = in_bytes(sum(path.stat().st_size for path in files))
            text = f"{len(files)} {what}, {size}"
            yield Kept(Finding("cache", str(cache), "note", text, CLEAN), files)
    for path in sorted(cache.glob("*/.*.checkpoint")):
        text = f"an interrupted training of weights, {in_bytes(path.stat().st_size)}"
        step = f"encode with --pretrain again: it goes on; or rm {path}"
        yield Kept(Finding("cache", f"{path.parent.name}/{path.name}", "note", text, step))


def _store_of(rows: Path) -> Path:
    """Return the store that a file of rows belongs to."""
    return rows.with_name(f"{rows.stem.rpartition('-')[0]}.h5")
