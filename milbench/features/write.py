"""Write a feature store: bags in, one file out, whole or not at all.

A contiguous HDF5 array needs its length beforehand, and a data set yields its bags one by one.
So the instances go to a nameless temporary file first: at no time does the memory hold more than
one bag.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import prod
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

import h5py
import numpy as np

from milbench.bags import BagTable
from milbench.errors import FeatureError
from milbench.features.check import BagChecker, stored_features
from milbench.features.content import array_digest, content_hash, described_digest
from milbench.features.store import BLOCK_BYTES, SCHEMA, TEXTS, Features, open_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from milbench.bags import LabelledBag

ENCODE_BLOCK = 1024  # tiles at once: 616 MB of float32 for 224 x 224 RGB, which fits any device


@dataclass(frozen=True, kw_only=True)
class About:
    """What a feature store says about itself.

    Parameters
    ----------
    classes
        Names of the classes; a label is a position in it.
    fingerprint
        Of the sources, so that stale features are noticed.
    tiler, coords_unit
        The tiler with its settings, and the unit of coordinates; empty without a tiler.
    """

    dataset: str
    classes: tuple[str, ...]
    encoder: str = "precomputed"
    dataset_version: str = "1"
    encoder_version: str = "1"
    fingerprint: str = ""
    tiler: str = ""
    coords_unit: str = ""


def write_features(
    path: Path, bags: Iterable[LabelledBag], *, encode: Callable[..., Any] | None, about: About
) -> Features:
    """Check ``bags``, encode their images, and store everything at ``path``.

    Parameters
    ----------
    path
        The file; it appears or is replaced in one step, when everything is on the disk.
    bags
        Bags that give ``x`` are stored as they are.
    encode
        Maps uint8 tiles (N, C, H, W) to (N, D) float32 or float16, or returns uint8 images;
        None where the bags give ``x``.

    Raises
    ------
    DatasetError
        If a bag is impossible; the message names it.
    FeatureError
        If the encoder does not fit the bags, or gives values that cannot be stored.
    """
    with _spill(path) as spill:
        packed = _pack(bags, encode, about, spill)
        with _disk(path), _replacing(path) as temporary:
            _write(temporary, packed, about, spill)
    return open_features(path, verify=False)


@dataclass
class _Packed:
    """Everything but the instances themselves, collected bag by bag."""

    bags: list[LabelledBag] = field(default_factory=list)  # without their arrays
    sizes: list[int] = field(default_factory=list)
    coords: list[np.ndarray] = field(default_factory=list)
    instance_labels: list[np.ndarray] = field(default_factory=list)
    is_annotated: bool = False

    def add(self, bag: LabelledBag, size: int) -> None:
        """Keep what belongs to ``bag`` of ``size`` instances."""
        self.sizes.append(size)
        if bag.coords is not None:
            self.coords.append(np.asarray(bag.coords, dtype=np.float32))
        given = bag.instance_labels
        self.is_annotated |= given is not None
        unknown = np.full(size, -1, dtype=np.int64)
        self.instance_labels.append(unknown if given is None else np.asarray(given, dtype=np.int64))
        self.bags.append(replace(bag, x=None, images=None, coords=None, instance_labels=None))

    def table(self, classes: tuple[str, ...]) -> BagTable:
        """Return the bags as a table; a bag without a patient is its own."""
        return BagTable(
            ids=tuple(bag.id for bag in self.bags),
            labels=np.array([bag.label for bag in self.bags], dtype=np.int64),
            patients=tuple(bag.patient or bag.id for bag in self.bags),
            sites=tuple(bag.site for bag in self.bags),
            parts=tuple(bag.part for bag in self.bags),
            sizes=np.array(self.sizes, dtype=np.int64),
            classes=classes,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays beside the features."""
        arrays = {"offsets": np.cumsum([0, *self.sizes], dtype=np.int64)}
        if self.coords:
            arrays["coords"] = np.concatenate(self.coords)
        if self.is_annotated:
            arrays["instance_labels"] = np.concatenate(self.instance_labels)
        if any(bag.grid is not None for bag in self.bags):
            arrays["grids"] = np.array([bag.grid or (0, 0) for bag in self.bags], dtype=np.int64)
        return arrays


@dataclass
class _Spill:
    """The instances written so far, in a file without a name, and their running digest."""

    path: Path
    file: IO[bytes]
    values: Any = field(default_factory=sha256)
    shape: tuple[int, ...] = ()  # of one instance
    dtype: np.dtype[Any] | None = None

    def add(self, instances: np.ndarray) -> None:
        """Append the instances of one bag."""
        self.shape, self.dtype = instances.shape[1:], instances.dtype
        self.values.update(instances.data)
        with _disk(self.path):
            self.file.write(instances.data)


@contextmanager
def _spill(path: Path) -> Iterator[_Spill]:
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115  # closed below
    with file:
        yield _Spill(path, file)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Say which file could not be written, when the disk is full or the folder is closed."""
    try:
        yield
    except OSError as error:
        raise FeatureError(
            f"{path}: cannot be written: {error}; free some space, or set MILBENCH_CACHE to a "
            "folder that can be written"
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name in the same folder, which takes the name ``path`` on success."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _pack(
    bags: Iterable[LabelledBag], encode: Callable[..., Any] | None, about: About, spill: _Spill
) -> _Packed:
    checker, packed = BagChecker(about.dataset, about.classes), _Packed()
    for bag in bags:
        instances = checker.instances(bag)
        if (encode is None) != (bag.images is None):
            raise FeatureError(_unfit(about, bag))
        if encode is not None:
            instances = _encode(encode, instances, f"encoder {about.encoder!r}, bag {bag.id!r}")
            if spill.shape not in ((), instances.shape[1:]):
                raise FeatureError(
                    f"encoder {about.encoder!r}, bag {bag.id!r}: features of shape "
                    f"{instances.shape[1:]}, but {spill.shape} for the bags before it"
                )
        spill.add(instances)
        packed.add(bag, len(instances))
    checker.finish()
    return packed


def _unfit(about: About, bag: LabelledBag) -> str:
    place = f"{about.dataset}, bag {bag.id!r}"
    if bag.images is None:
        return (
            f"{place}: gives features, which encoder {about.encoder!r} cannot read; use the "
            "encoder 'precomputed', or leave the encoder out of the suite"
        )
    return (
        f"{place}: gives images, and encoder {about.encoder!r} only takes features as they are; "
        "choose another: milbench list encoders"
    )


def _encode(encode: Callable[..., Any], images: np.ndarray, place: str) -> np.ndarray:
    """Return the features of ``images`` (N, C, H, W): (N, D), or images of another size."""
    blocks = []
    for start in range(0, len(images), ENCODE_BLOCK):
        tiles = images[start : start + ENCODE_BLOCK]
        encoded = np.asarray(encode(tiles))
        if len(encoded) != len(tiles):
            raise FeatureError(f"{place}: {len(encoded)} rows for {len(tiles)} tiles")
        blocks.append(_storable(encoded, place))
    return np.concatenate(blocks)


def _storable(encoded: np.ndarray, place: str) -> np.ndarray:
    if encoded.dtype == np.uint8 and encoded.ndim == 4:  # noqa: PLR2004  # (N, C, H, W)
        return encoded
    try:
        return stored_features(encoded)
    except ValueError as error:
        raise FeatureError(f"{place}: {error}") from error


def _write(path: Path, packed: _Packed, about: About, spill: _Spill) -> None:
    table, arrays = packed.table(about.classes), packed.arrays()
    dtype = np.dtype(spill.dtype)
    shape = (sum(packed.sizes), *spill.shape)
    digests = {name: array_digest(array) for name, array in arrays.items()}
    digests["features"] = described_digest(dtype.str, shape, spill.values.hexdigest())
    # Values on a multiple of 64 bytes: a cache line, and what a vector unit loads at once.
    with h5py.File(path, "x", alignment_threshold=1, alignment_interval=64) as file:
        _copy(spill.file, file.create_dataset("features", shape, dtype))
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for name in TEXTS:
            file.create_dataset(name, data=list(getattr(table, name)), dtype=h5py.string_dtype())
        file.create_dataset("labels", data=table.labels)
        file.attrs.update(_attributes(about) | {"content_hash": content_hash(table, digests)})


def _copy(file: IO[bytes], stored: h5py.Dataset) -> None:
    file.seek(0)
    width = stored.dtype.itemsize * prod(stored.shape[1:])
    rows = max(1, BLOCK_BYTES // width)
    for start in range(0, len(stored), rows):
        block = np.frombuffer(file.read(rows * width), stored.dtype)
        stored[start : start + rows] = block.reshape(-1, *stored.shape[1:])


def _attributes(about: About) -> dict[str, Any]:
    beside = {"tiler": about.tiler, "coords_unit": about.coords_unit}
    return {name: text for name, text in beside.items() if text} | {
        "schema": SCHEMA,
        "dataset": about.dataset,
        "dataset_version": about.dataset_version,
        "encoder": about.encoder,
        "encoder_version": about.encoder_version,
        "classes": json.dumps(about.classes),
        "fingerprint": about.fingerprint,
    }
