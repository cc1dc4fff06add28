"""Open the containers that features come in, without running what they may hold.

Each reader returns the arrays of a file by name; which of them are the features is decided by
:mod:`milbench.interchange.feature_files`.
"""

from __future__ import annotations

import csv
import json
import math
import pickle
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import h5py
import numpy as np

from milbench.errors import FeatureFileError
from milbench.interchange.slide_names import check_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NPY_START = b"\x93NUMPY"
ZIP_START = b"PK"
PICKLE_START = b"\x80"  # of protocol 2 and later
PLAIN = ""  # the name of the one array of a file without names
DELIMITERS = ",;\t"

# Header and types after the format's own description, https://github.com/huggingface/safetensors
SAFETENSORS_HEAD = 8  # bytes, the length of the header as a little-endian number
SAFETENSORS_MOST = 100_000_000  # bytes of header
SAFETENSORS_TYPES: Mapping[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
}


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Parameters
    ----------
    arrays
        By name; the name is empty where the file has none.
    attrs
        What the file says beside its arrays.
    is_single
        Whether an array of any name is the features where there is no other.
    """

    arrays: Mapping[str, np.ndarray]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    is_single: bool = False


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a library raises at a damaged file into one line that names the file."""
    try:
        yield
    except FeatureFileError:
        raise
    except FileNotFoundError:
        raise FeatureFileError(f"{path}: no such file") from None
    except Exception as error:  # parsers raise anything at damaged bytes, SyntaxError among it
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise FeatureFileError(
            f"{path}: truncated, or no {path.suffix} file ({first}); write it again"
        ) from error


def torch_file(path: Path) -> Found:
    """Read a tensor, or a dict of tensors, that torch saved; objects of other kinds are refused.

    Raises
    ------
    FeatureFileError
        If the file is damaged, or holds a pickled object.
    """
    with _reading(path):
        content = _loaded(path)
        named = content if isinstance(content, dict) else {PLAIN: content}
        arrays = {str(k): _of_tensor(v) for k, v in named.items() if hasattr(v, "numpy")}
        rest = {str(k): v for k, v in named.items() if isinstance(v, str | int | float)}
    if not arrays:
        raise FeatureFileError(f"{path}: holds {type(content).__name__}; expected a tensor")
    return Found(arrays, rest, is_single=PLAIN in arrays)


def hdf5_file(path: Path) -> Found:
    """Read the arrays at the top of an HDF5 file, with the attributes of the file and of each.

    Raises
    ------
    FeatureFileError
        If the file is damaged.
    """
    with _reading(path), h5py.File(path, "r", locking=False) as file:
        stored = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        attrs = dict(file.attrs)
        for item in stored.values():
            attrs |= {key: value for key, value in item.attrs.items() if key not in attrs}
        return Found({name: _of_hdf5(item) for name, item in stored.items()}, attrs)


def npy_file(path: Path) -> Found:
    """Map the array of an ``.npy`` file.

    Raises
    ------
    FeatureFileError
        If the file is damaged, or holds pickled objects.
    """
    with _reading(path):
        _refuse_pickle(path)
        return Found({PLAIN: _of_npy(path)}, is_single=True)


def npz_file(path: Path) -> Found:
    """Read the arrays of an ``.npz`` archive; nothing is unpacked to the disk.

    Raises
    ------
    FeatureFileError
        If the archive is damaged, holds pickled objects, or names that lead out of it.
    """
    with _reading(path):
        _check_names(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: _of_npz(path, archive, name) for name in archive.files}
    return Found(arrays, is_single=True)


def csv_file(path: Path) -> Found:
    """Read a table of numbers, one instance a row.

    A heading is left out, the numbers 0, 1, 2, ... that pandas and DSMIL write too, and so is a
    first column without a name, which is pandas' index.

    Raises
    ------
    FeatureFileError
        If the table is damaged or holds text.
    """
    with _reading(path), path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        if not first.strip():
            raise ValueError("it is empty")
        delimiter = max(DELIMITERS, key=first.count)
        cells = next(csv.reader([first], delimiter=delimiter), [])
        is_heading = _is_heading(cells)
        if not is_heading:
            file.seek(0)
        columns = range(1 if is_heading and cells[0] == "" else 0, len(cells))
        values = _numbers(file, delimiter, columns)
    return Found({PLAIN: values}, is_single=True)


def safetensors_file(path: Path) -> Found:
    """Map the arrays of a ``.safetensors`` file.

    Raises
    ------
    FeatureFileError
        If the header does not fit the file.
    """
    with _reading(path), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(SAFETENSORS_HEAD), "little")
        start = SAFETENSORS_HEAD + length
        if not 0 < length <= min(SAFETENSORS_MOST, size - SAFETENSORS_HEAD):
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        head = json.loads(file.read(length))
        attrs = head.pop("__metadata__", {})
        arrays = {name: _of_safetensors(path, entry, start) for name, entry in head.items()}
    return Found(arrays, attrs, is_single=True)


def _loaded(path: Path) -> Any:
    """Return what torch saved at ``path``, without running anything that it may hold."""
    import torch  # noqa: PLC0415  # seconds, which a folder of other files does without

    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _check_names(path)
    else:
        with path.open("rb") as file:
            if file.read(2) in (ZIP_START, b""):
                raise ValueError("its end is missing")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles by other protocols, which are refused
            # Mapped, a file costs no memory until its values are used; old files cannot be.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError:
        raise FeatureFileError(_pickled(path, "torch.save(features.cpu(), path)")) from None


def _pickled(path: Path, cure: str) -> str:
    return (
        f"{path}: holds pickled Python objects, which can run any code when they are opened; "
        f"refused. Save plain numbers: {cure}"
    )


def _check_names(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("/"):
                raise FeatureFileError(f"{path}: holds the absolute name {name!r}; refused")
            try:
                check_inside(name)
            except FeatureFileError as error:
                raise FeatureFileError(f"{path}: {error}") from None


def _of_tensor(tensor: Any) -> np.ndarray:
    """Return a tensor's values; numpy has no bfloat16, whose every value is a float32."""
    plain = tensor.detach()
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return np.asarray(plain.numpy())


def _of_hdf5(item: h5py.Dataset) -> np.ndarray:
    """Return an array, mapped where it lies in one piece."""
    offset = item.id.get_offset()
    if offset is not None and item.size and item.dtype.kind in "fiu":
        return np.memmap(item.file.filename, item.dtype, "r", offset=offset, shape=item.shape)
    if item.dtype.kind == "V" and item.dtype.itemsize == 2:  # noqa: PLR2004  # bytes of bfloat16
        return _of_bfloat16(np.asarray(item[()]).view("<u2"))
    return np.asarray(item[()])


def _of_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Return bfloat16 values, given as uint16, as float32: they are its upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _of_npy(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError as error:
        if "Python objects" in str(error):
            raise FeatureFileError(_pickled(path, "np.save(path, features)")) from None
        raise


def _of_npz(path: Path, archive: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(archive[name])
    except ValueError as error:
        if "pickle" in str(error):
            raise FeatureFileError(_pickled(path, "np.savez(path, features=features)")) from None
        raise


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(NPY_START))
    if start[:1] == PICKLE_START:
        raise FeatureFileError(_pickled(path, "np.save(path, features)"))
    if start != NPY_START:
        raise ValueError("no array of numpy")


def _is_heading(cells: list[str]) -> bool:
    if cells in ([str(n) for n in range(len(cells))], ["", *map(str, range(len(cells) - 1))]):
        return True
    try:
        return not [float(cell) for cell in cells]
    except ValueError:
        return True


def _numbers(file: IO[str], delimiter: str, columns: range) -> np.ndarray:
    place = file.tell()
    if not file.readline().strip():
        return np.empty((0, len(columns)), np.float32)  # a heading without rows
    file.seek(place)
    return np.loadtxt(file, delimiter=delimiter, usecols=columns, ndmin=2)  # (N, D) float64


def _of_safetensors(path: Path, entry: dict[str, Any], start: int) -> np.ndarray:
    kind, shape = entry["dtype"], tuple(entry["shape"])
    if kind not in SAFETENSORS_TYPES:
        raise ValueError(f"numbers of type {kind}; expected one of {', '.join(SAFETENSORS_TYPES)}")
    dtype, (begin, end) = SAFETENSORS_TYPES[kind], entry["data_offsets"]
    if end - begin != math.prod(shape) * dtype.itemsize or begin < 0:
        raise ValueError(f"{end - begin} bytes for {shape} numbers of type {kind}")
    if begin == end:
        return np.empty(shape, np.float32)
    stored = np.memmap(path, dtype, "r", offset=start + begin, shape=shape)
    return _of_bfloat16(stored) if kind == "BF16" else stored
