"""Read the features of one slide from the file that another tool wrote.

Tensors, arrays and tables are read as data: a file that could run code when it is opened, as a
pickle can, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import FeatureFileError
from milbench.interchange import containers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from milbench.interchange.containers import Found

# In this order in messages; a file with two of them is ambiguous.
KEYS = ("features", "feats", "patch_embeddings", "embeddings")
COORDS = "coords"

LEVEL_0 = "level-0 pixels"
MICROMETRES = "micrometres"

READERS: Mapping[str, Callable[[Path], Found]] = {
    ".pt": containers.torch_file,
    ".pth": containers.torch_file,
    ".h5": containers.hdf5_file,
    ".hdf5": containers.hdf5_file,
    ".npy": containers.npy_file,
    ".npz": containers.npz_file,
    ".csv": containers.csv_file,
    ".safetensors": containers.safetensors_file,
}


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """The instances of one slide as a file holds them.

    Parameters
    ----------
    path
        The file.
    x : (N, D)
        Features as stored: float16, float32 or float64; bfloat16, which numpy lacks, as float32,
        and whole numbers as float32. N is 0 for a slide without tissue.
    coords : (N, 2), optional
        Positions as stored; None where the file has none.
    coords_unit
        ``level-0 pixels``, ``micrometres``, or empty where the file does not say.
    key
        What the features are called in the file; empty where it holds nothing else.
    attrs
        What the file says about itself: encoder, patch size, version of the tool.
    """

    path: Path
    x: np.ndarray
    coords: np.ndarray | None = None
    coords_unit: str = ""
    key: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether the slide has no instance, stored as (0, D) or as (0,)."""
        return len(self.x) == 0


def read_features(path: Path) -> FeatureFile:
    """Read the features of one slide.

    ``.pt`` (a tensor, or a dict), ``.h5``, ``.npy``, ``.npz``, ``.csv`` (one instance a row) and
    ``.safetensors``; in files of several arrays under one of the names ``features``, ``feats``,
    ``patch_embeddings`` and ``embeddings``. Shape (1, N, D) is taken for (N, D). Arrays that the
    format allows to map stay on the disk until they are used.

    Raises
    ------
    FeatureFileError
        If the file is absent, truncated, of another kind, holds no features or none of these
        shapes, or could run code.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise FeatureFileError(f"{path}: no file of features; expected one of {known}")
    found = reader(path)
    key = _key(path, found)
    x = _matrix(path, found.arrays[key])
    coords = _coords(path, found.arrays.get(COORDS), len(x))
    unit = "" if coords is None else _unit(found.attrs)
    return FeatureFile(path, x, coords, unit, key, found.attrs)


def _key(path: Path, found: Found) -> str:
    """Return which of the arrays are the features."""
    present = [key for key in KEYS if key in found.arrays]
    if len(present) == 1:
        return present[0]
    if present:
        raise FeatureFileError(
            f"{path}: holds {' and '.join(map(repr, present))}; keep one of them, so that it is "
            "clear which are the features"
        )
    others = [key for key in found.arrays if key != COORDS]
    if found.is_single and len(others) == 1:
        return others[0]
    raise FeatureFileError(
        f"{path}: holds {', '.join(map(repr, found.arrays)) or 'nothing'}; expected the features "
        f"as one of {', '.join(map(repr, KEYS))}"
    )


def _matrix(path: Path, stored: np.ndarray) -> np.ndarray:
    """Return the features (N, D), floats."""
    x, shape = stored, stored.shape
    if x.ndim == 3 and shape[0] == 1:  # noqa: PLR2004  # (1, N, D)
        x = x[0]  # (N, D)
    if shape == (0,):
        x = x.reshape(0, 0)  # (0, D), D unknown
    if x.ndim != 2:  # noqa: PLR2004  # (N, D)
        hint = "; one vector is no bag of instances" if x.ndim == 1 else ""
        raise FeatureFileError(f"{path}: features of shape {shape}; expected (N, D){hint}")
    if x.dtype.kind not in "fiub":
        raise FeatureFileError(f"{path}: features of type {x.dtype}; expected numbers")
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def _coords(path: Path, stored: np.ndarray | None, size: int) -> np.ndarray | None:
    if stored is None:
        return None
    coords = stored[0] if stored.ndim == 3 and stored.shape[0] == 1 else stored  # noqa: PLR2004  # (1, N, 2)
    if size == 0 and coords.size == 0:
        return coords.reshape(0, 2)
    if coords.shape != (size, 2) or coords.dtype.kind not in "fiu":
        raise FeatureFileError(
            f"{path}: coords of shape {stored.shape}, {stored.dtype}, for {size} instances; "
            f"expected numbers of shape ({size}, 2)"
        )
    return coords


def _unit(attrs: Mapping[str, Any]) -> str:
    """Return the unit that the file states; STAMP writes ``unit``, TRIDENT level-0 sizes."""
    stated = str(attrs.get("unit", "")).lower()
    if stated:
        return MICROMETRES if stated in ("um", "µm", "micrometer", "micrometre") else stated
    return LEVEL_0 if "patch_size_level0" in attrs else ""
