"""Which data sets are found, and whether their files are all there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from milbench.doctor.finding import Finding, in_bytes
from milbench.errors import MilbenchError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.records import Dataset
    from milbench.registry import Registry


def examine(registry: Registry, data: Path, *, verify: bool) -> Iterator[Finding]:
    """Yield each data set: built in, absent, incomplete, damaged, or found.

    The first bag of each that is found is read: what is complete is known to its reader alone.

    Parameters
    ----------
    verify
        Compare downloaded files with their checksums too.
    """
    for offer in registry.offers("dataset"):
        yield _examine(cast("Dataset", offer.record), data, verify=verify)


def _examine(dataset: Dataset, data: Path, *, verify: bool) -> Finding:
    if not dataset.files:
        return Finding("data set", dataset.name, "ok", "built in")
    found = {path for pattern in dataset.files for path in data.glob(pattern) if path.is_file()}
    if not found:
        return Finding("data set", dataset.name, "note", f"absent from {data}", _get(dataset, data))
    try:
        next(iter(dataset.load()(data)))
    except MissingDataError as error:
        text = f"incomplete: {str(error).removeprefix(f'{dataset.name}: ')}"
        return Finding("data set", dataset.name, "note", text, _get(dataset, data))
    except (MilbenchError, StopIteration) as error:
        text = str(error) or "no bag in its files"
        return Finding("data set", dataset.name, "broken", text, _get(dataset, data))
    wrong = _wrong(dataset, data) if verify else []
    if wrong:
        text = f"{', '.join(wrong)}: not as published"
        return Finding("data set", dataset.name, "broken", text, _get(dataset, data))
    size = in_bytes(sum(path.stat().st_size for path in found))
    return Finding("data set", dataset.name, "ok", f"{len(found)} files, {size}")


def _wrong(dataset: Dataset, data: Path) -> list[str]:
    """Return the downloaded files that have another checksum."""
    wrong = []
    for download in dataset.downloads:
        algorithm, _, digest = download.checksum.partition(":")
        path = data / download.path
        if path.is_file():
            with path.open("rb") as file:
                if hashlib.file_digest(file, algorithm).hexdigest() != digest:
                    wrong.append(download.path)
    return wrong


def _get(dataset: Dataset, data: Path) -> str:
    if dataset.downloads:
        return f"milbench fetch {dataset.name} --data {data}"
    return dataset.how_to_get or f"see: milbench info {dataset.name}"
