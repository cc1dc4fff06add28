"""Open a feature store: check it, map it into memory, and move it to a device.

The file is HDF5. Its ``features`` are one contiguous array without compression, so that they are
used where they lie: mapped into memory and shared by all processes, never loaded twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from milbench.bags import BagTable
from milbench.errors import FeatureError
from milbench.features.content import array_digest, content_hash, described_digest
from milbench.features.journal import Finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

# Raised by hand when the layout of the file changes; files of another number are built again.
SCHEMA = 1

TEXTS = ("ids", "patients", "sites", "parts")
ATTRIBUTES = ("schema", "dataset", "encoder", "classes", "fingerprint", "content_hash")
ENDING = ".rows"  # of a file that holds the rows of several stores
LINKED = "rows"  # attribute of a store whose rows are in a file that other stores have too
BLOCK_BYTES = 2**20
NEXT_STEP = "; delete the file and run again"


@dataclass(frozen=True, eq=False)
class Features:
    """The instances of all bags of a data set, one bag after the other.

    Parameters
    ----------
    path
        The file that holds them.
    table
        The bags without their instances.
    array : (N_total, D) float32 or float16, or (N_total, C, H, W) uint8
        Read-only memory map.
    offsets : (B + 1,) int64
        Bag ``b`` holds the rows ``offsets[b]`` to ``offsets[b + 1]``.
    coords : (N_total, 2) float32, optional
        Positions of the instances.
    coords_unit
        Of ``coords``: ``level-0 pixels`` after a tiler; empty where only the data set knows.
    grids : (B, 2) int64, optional
        Rows and columns that the instances of each bag fill row by row; 0 and 0 where they do not.
    instance_labels : (N_total,) int64, optional
        Labels of the instances; -1 where unknown.
    tiler
        The tiler that cut the pictures, with its settings; empty for none.
    weights
        SHA-256 of the weights of the encoder; empty where it has none.
    precision
        What the encoder computed in.
    content_hash
        Of everything a result can depend on; independent of path, time and versions.
    fingerprint
        Of the sources the features were built from.
    left_out
        Bags whose slide could not be read, each with the reason.
    """

    path: Path
    table: BagTable
    array: np.ndarray
    offsets: np.ndarray
    coords: np.ndarray | None
    instance_labels: np.ndarray | None
    content_hash: str
    dataset: str
    encoder: str
    fingerprint: str = ""
    tiler: str = ""
    coords_unit: str = ""
    weights: str = ""
    precision: str = "float32"
    grids: np.ndarray | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Return B, the number of bags."""
        return len(self.table)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the path, not as a copy of the array."""
        return _reopen, (self.path, self.content_hash)

    def bag(self, index: int) -> np.ndarray:
        """Return the instances of bag ``index``: a read-only view, (N, D) or (N, C, H, W)."""
        rows = self.array[self.offsets[index] : self.offsets[index + 1]]
        return rows.view(np.ndarray)  # slicing a plain array is several times faster

    @property
    def is_linked(self) -> bool:
        """Return whether the rows lie in a file that other stores have too."""
        stored: Any = self.array  # a memory map knows its file
        return Path(stored.filename).name != self.path.name

    @property
    def instance_shape(self) -> tuple[int, ...]:
        """Return the shape of one instance: (D,) or (C, H, W)."""
        return self.array.shape[1:]

    @property
    def dim(self) -> int:
        """Return D; for images C * H * W."""
        return prod(self.instance_shape)

    @property
    def is_image(self) -> bool:
        """Return whether the instances are images."""
        return self.array.ndim == 4  # (N_total, C, H, W)  # noqa: PLR2004  # said by the shape


def open_features(path: Path, *, verify: bool = True) -> Features:
    """Open the feature store at ``path``.

    Parameters
    ----------
    path
        A file written by :func:`milbench.features.write_features`.
    verify
        Read everything once and compare the content hash. Without it, only schema, sizes and
        order are checked, which is enough for a file that was verified earlier in a run.

    Raises
    ------
    FeatureError
        If the file is absent, truncated, not HDF5, of another schema, or inconsistent.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:  # never changed once it has its name
            features = _read(path, file)
    except FileNotFoundError:
        raise FeatureError(f"{path}: no such feature store; build it by running again") from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, f"truncated, or not a feature store ({error})") from error
    fault = next(_faults(features), None)
    if fault is not None:
        raise _damaged(path, fault)
    if verify and _hash_of(features) != features.content_hash:
        raise _damaged(path, "its content does not match the hash it was written with")
    return features


def kept_rows(path: Path) -> list[tuple[Path, Finished]]:
    """Return the file that holds the rows of each bag with a key, and where in it they are.

    A store that is damaged, or from before keys, has none.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            if file.attrs["schema"] != SCHEMA or "keys" not in file:
                return []
            array: Any = _rows(path, file)  # a memory map knows its file and offset
            offsets = file["offsets"][()].tolist()
            keys, values = (file[name].asstr()[()].tolist() for name in ("keys", "values"))
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return []
    width = prod(array.shape[1:]) * array.dtype.itemsize
    found = []
    for (start, stop), key, digest in zip(pairwise(offsets), keys, values, strict=False):
        bag = Finished(
            id="",
            shape=array.shape[1:],
            dtype=array.dtype.str,
            given_shape=(),
            given_dtype="",
            start=array.offset + start * width,
            rows=stop - start,
            values=digest,
            key=key,
        )
        found += [(Path(array.filename), bag)] * bool(key)
    return found


def on_device(features: Features, device: str, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return the whole packed array as a tensor on ``device``, (N_total, D) or (N_total, C, H, W).

    On the CPU the tensor shares the memory map where ``dtype`` is the stored one (the default):
    nothing is copied until someone writes, and what is written never reaches the file.

    Parameters
    ----------
    device
        As torch names it: ``cpu``, ``cuda:0``.
    dtype
        Type of the tensor; the stored one when None.
    """
    import torch  # noqa: PLC0415  # the store is also used where nothing is trained

    stored: Any = features.array  # a memory map knows its file and offset
    # torch wants writable memory; copy-on-write gives it that without a copy.
    mapped = np.memmap(
        stored.filename, stored.dtype, mode="c", offset=stored.offset, shape=stored.shape
    )
    return torch.from_numpy(mapped).to(device=device, dtype=dtype)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the store at ``path``, and the file beside it that has its rows where there is one."""
    return path, *sorted(path.parent.glob(f"{path.stem}-*{ENDING}"))


def _reopen(path: Path, expected: str) -> Features:
    features = open_features(path, verify=False)
    if features.content_hash != expected:
        raise FeatureError(f"{path}: replaced by other features during the run; run again")
    return features


def _damaged(path: Path, fault: str) -> FeatureError:
    return FeatureError(f"{path}: {fault}{NEXT_STEP}")


def _read(path: Path, file: h5py.File) -> Features:
    missing = [name for name in ATTRIBUTES if name not in file.attrs]
    if missing or file.attrs["schema"] != SCHEMA:
        found = f"without {', '.join(missing)}" if missing else f"{file.attrs['schema']}"
        raise ValueError(f"schema {found}, expected {SCHEMA}")
    offsets = file["offsets"][()]
    return Features(
        path=path,
        table=_read_table(file, np.diff(offsets)),
        array=_rows(path, file),
        offsets=offsets,
        coords=file["coords"][()] if "coords" in file else None,
        instance_labels=file["instance_labels"][()] if "instance_labels" in file else None,
        content_hash=str(file.attrs["content_hash"]),
        dataset=str(file.attrs["dataset"]),
        encoder=str(file.attrs["encoder"]),
        fingerprint=str(file.attrs["fingerprint"]),
        tiler=str(file.attrs.get("tiler", "")),
        coords_unit=str(file.attrs.get("coords_unit", "")),
        weights=str(file.attrs.get("weights", "")),
        precision=str(file.attrs.get("precision", "float32")),
        grids=file["grids"][()] if "grids" in file else None,
        left_out=_read_left_out(file),
    )


def _read_left_out(file: h5py.File) -> tuple[tuple[str, str], ...]:
    if "left_out" not in file:
        return ()
    return tuple((bag, reason) for bag, reason in json.loads(file["left_out"].asstr()[()]))


def _read_table(file: h5py.File, sizes: np.ndarray) -> BagTable:
    ids, patients, sites, parts = (tuple(file[name].asstr()[()].tolist()) for name in TEXTS)
    return BagTable(
        ids=ids,
        labels=file["labels"][()],
        patients=patients,
        sites=sites,
        parts=parts,
        sizes=sizes,
        classes=tuple(json.loads(file.attrs["classes"])),
    )


def _rows(path: Path, file: h5py.File) -> np.ndarray:
    """Return the memory map of all rows, which lie in the store or in a file beside it."""
    if LINKED in file.attrs:
        said = json.loads(file.attrs[LINKED])
        beside = path.with_name(Path(said["file"]).name)
        if not beside.is_file():
            raise ValueError(f"its rows, {beside.name}, are not beside it")
        place = beside, np.dtype(said["dtype"]), said["offset"], tuple(said["shape"])
    else:
        stored = file["features"]
        if stored.id.get_offset() is None:
            raise ValueError("features are not one contiguous array")
        place = path, stored.dtype, stored.id.get_offset(), stored.shape
    name, dtype, offset, shape = place
    return np.memmap(name, dtype, mode="r", offset=offset, shape=shape)


def _faults(features: Features) -> Iterator[str]:
    """Yield what contradicts what, before anything is used as an index."""
    table, offsets, total = features.table, features.offsets, len(features.array)
    wanted = {2: ("float32", "float16"), 4: ("uint8",)}.get(features.array.ndim, ())
    if features.array.dtype.name not in wanted:
        yield f"features of shape {features.array.shape} and type {features.array.dtype}"
    columns = (table.ids, table.patients, table.sites, table.parts, table.labels)
    if {len(column) for column in columns} != {len(offsets) - 1}:
        yield f"columns of lengths {[len(c) for c in columns]} for {len(offsets) - 1} bags"
    if offsets[0] != 0 or offsets[-1] != total or any(b <= a for a, b in pairwise(offsets)):
        yield f"offsets that do not divide {total} instances into bags"
    yield from _label_faults(table)
    if features.coords is not None and features.coords.shape != (total, 2):
        yield f"coords of shape {features.coords.shape} for {total} instances"
    if features.instance_labels is not None and features.instance_labels.shape != (total,):
        yield f"instance_labels of shape {features.instance_labels.shape} for {total} instances"
    if features.grids is not None and features.grids.shape != (len(table), 2):
        yield f"grids of shape {features.grids.shape} for {len(table)} bags"


def _label_faults(table: BagTable) -> Iterator[str]:
    largest = 1 if table.is_multi_label else len(table.classes) - 1
    if table.is_multi_label and table.labels.shape[1:] != (len(table.classes),):
        yield f"labels of shape {table.labels.shape} for {len(table.classes)} labels"
    elif not bool(((table.labels >= 0) & (table.labels <= largest)).all()):
        yield f"labels outside 0..{largest}"


def _hash_of(features: Features) -> str:
    array = features.array
    beside = {
        "offsets": features.offsets,
        "coords": features.coords,
        "instance_labels": features.instance_labels,
        "grids": features.grids,
    }
    digests = {name: array_digest(a) for name, a in beside.items() if a is not None}
    digests["features"] = described_digest(array.dtype.str, array.shape, _stream_digest(array))
    return content_hash(features.table, digests)


def _stream_digest(array: np.ndarray) -> str:
    """Return the digest of a memory map's values, read from the file block by block."""
    mapped: Any = array  # a memory map knows its file and offset
    digest, left = sha256(), array.nbytes
    with open(mapped.filename, "rb") as file:  # noqa: PTH123  # the map gives text or a path
        file.seek(mapped.offset)
        while block := file.read(min(BLOCK_BYTES, left)):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()
