"""Write a feature store: bags in, one file out, whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import h5py
import numpy as np

from milbench.features.build import Build
from milbench.features.content import array_digest, content_hash, described_digest
from milbench.features.enclose import copied_into, enclosed, reserved
from milbench.features.journal import START, disk, open_journal
from milbench.features.linked import Linked, forget_rows, linked_rows
from milbench.features.pack import Packer
from milbench.features.store import LINKED, SCHEMA, TEXTS, Features, open_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from milbench.bags import LabelledBag
    from milbench.features.encode import Encode
    from milbench.features.journal import Journal
    from milbench.features.packed import Packed

NOTHING_KEPT = Build()


@dataclass(frozen=True, kw_only=True)
class About:
    """What a feature store says about itself.

    Parameters
    ----------
    classes
        Names of the classes; a label is a position in it.
    is_multi_label
        Whether a bag may have several of them.
    fingerprint
        Of the sources, so that stale features are noticed.
    tiler, coords_unit
        The tiler with its settings, and the unit of coordinates; empty without a tiler.
    weights
        SHA-256 of the encoder's weights; empty where it has none.
    precision
        What the encoder computed in.
    """

    dataset: str
    classes: tuple[str, ...]
    encoder: str = "precomputed"
    dataset_version: str = "1"
    encoder_version: str = "1"
    fingerprint: str = ""
    tiler: str = ""
    coords_unit: str = ""
    weights: str = ""
    precision: str = "float32"
    is_multi_label: bool = False


def write_features(
    path: Path,
    bags: Iterable[LabelledBag],
    *,
    encode: Callable[..., Any] | Encode | None,
    about: About,
    build: Build = NOTHING_KEPT,
) -> Features:
    """Check ``bags``, cut and encode them, and store everything at ``path``.

    Parameters
    ----------
    path
        The file; it appears or is replaced in one step, when everything is on the disk.
    bags
        Bags that give ``x`` are stored as they are.
    encode
        Maps uint8 tiles (N, C, H, W) to (N, D) float32 or float16, or returns uint8 images;
        None where the bags give ``x``.
    build
        What cuts pictures, where finished bags are kept meanwhile, and who is told.

    Raises
    ------
    DatasetError
        If a bag is impossible; the message names it.
    FeatureError
        If the encoder does not fit the bags, or gives values that cannot be stored.
    """
    with open_journal(path, build.journal, json.dumps(asdict(about))) as journal:
        journal.is_hashed = build.shared is not None
        packed = Packer(about, encode, build, journal).pack(bags)
        with disk(path), _temporary(path) as frame:
            rows = linked_rows(path, packed.finished)
            whole = _written(frame, packed, _Rows(about, journal, rows))
            with whole.open("rb+") as file:
                os.fsync(file.fileno())
            whole.replace(path)
    forget_rows(path, except_for=rows)
    return open_features(path, verify=False)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a temporary name in the folder of ``path``; what has it at the end is removed."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


class _Rows(NamedTuple):
    """What a store is written from: its name, where rows are, and the file that it may share."""

    about: About
    journal: Journal
    linked: Linked | None


def _written(frame: Path, packed: Packed, given: _Rows) -> Path:
    """Write the store at ``frame`` or around the rows of its journal; return where it is."""
    journal = given.journal
    is_ready = journal.is_exactly(packed.finished)
    values = journal.values.hexdigest() if is_ready else _values(packed, journal)
    start = _describe(frame, packed, given, values)
    if start is None:
        return frame
    if is_ready and start == START:
        return enclosed(journal, frame)
    return copied_into(frame, start, packed.finished, journal)


def _describe(path: Path, packed: Packed, given: _Rows, values: str) -> int | None:
    """Write everything but the features; return where there is room for them, None if linked."""
    table, arrays = packed.table(given.about.classes), packed.arrays()
    dtype = np.dtype(packed.finished[0].dtype)
    shape = (int(table.sizes.sum()), *packed.finished[0].shape)
    digests = {name: array_digest(array) for name, array in arrays.items()}
    digests["features"] = described_digest(dtype.str, shape, values)
    # Values on a multiple of 64 bytes: a cache line, and what a vector unit loads at once.
    with h5py.File(path, "x", alignment_threshold=1, alignment_interval=64) as file:
        start = None
        if given.linked is None:
            start = reserved(file, "features", shape, dtype)
        else:
            file.attrs[LINKED] = given.linked.said(shape, dtype)
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        texts = {name: list(getattr(table, name)) for name in TEXTS} | packed.keys()
        for name, lines in texts.items():
            file.create_dataset(name, data=lines, dtype=h5py.string_dtype())
        file.create_dataset("labels", data=table.labels)
        if packed.left_out:  # text of any length, which an attribute has no room for
            left_out = json.dumps(list(packed.left_out.items()))
            file.create_dataset("left_out", data=left_out, dtype=h5py.string_dtype())
        hashed = {"content_hash": content_hash(table, digests)}
        file.attrs.update(_attributes(given.about) | hashed)
    return start


def _values(packed: Packed, journal: Journal) -> str:
    """Return the SHA-256 of all rows in the order of the bags."""
    values = sha256()
    for finished in packed.finished:
        for block in journal.read(finished):
            values.update(block)
    return values.hexdigest()


def _attributes(about: About) -> dict[str, Any]:
    beside = {
        "tiler": about.tiler,
        "coords_unit": about.coords_unit,
        "weights": about.weights,
        "precision": about.precision if about.precision != "float32" else "",
    }
    return {name: text for name, text in beside.items() if text} | {
        "schema": SCHEMA,
        "dataset": about.dataset,
        "dataset_version": about.dataset_version,
        "encoder": about.encoder,
        "encoder_version": about.encoder_version,
        "classes": json.dumps(about.classes),
        "fingerprint": about.fingerprint,
    }
