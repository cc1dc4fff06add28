"""A folder of features in some program's layout: which file is which slide, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from milbench.errors import DatasetError, FeatureFileError
from milbench.interchange.feature_files import COORDS, READERS, read_features
from milbench.interchange.labels import Labels
from milbench.interchange.slide_names import slide_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import numpy as np


@dataclass(frozen=True, eq=False)
class Instances:
    """The instances of one slide.

    Parameters
    ----------
    x : (N, D)
        As stored.
    coords : (N, 2), optional
        As stored; never made up.
    coords_unit
        ``level-0 pixels``, ``micrometres``, or empty where nobody says.
    labels : (N,), optional
        Labels of the instances.
    attrs
        What the file says about itself.
    """

    x: np.ndarray
    coords: np.ndarray | None = None
    coords_unit: str = ""
    labels: np.ndarray | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Slide:
    """One slide and the files that hold it; ``coords`` and ``labels`` where they are apart."""

    id: str
    path: Path
    coords: Path | None = None
    labels: Path | None = None


def read_slide(slide: Slide, unit: str = "") -> Instances:
    """Return the instances of a slide.

    Parameters
    ----------
    unit
        Of coordinates, where the layout says it and the file does not.

    Raises
    ------
    FeatureFileError
        If a file is damaged, or the files of the slide differ in their count of instances.
    """
    found = read_features(slide.path)
    coords, attrs = found.coords, found.attrs
    if slide.coords is not None:
        coords = beside(slide.coords, len(found.x), 2)
    labels = None if slide.labels is None else beside(slide.labels, len(found.x), None)
    known = found.coords_unit or unit
    return Instances(found.x, coords, "" if coords is None else known, labels, attrs)


def beside(path: Path, count: int, width: int | None) -> np.ndarray:
    """Return the array for ``count`` instances in a file beside the features.

    Parameters
    ----------
    width
        Columns: the array is (N, ``width``), or (N,) where None.

    Raises
    ------
    FeatureFileError
        If the file is damaged, or holds no such array.
    """
    arrays = READERS[path.suffix.lower()](path).arrays
    array = arrays[COORDS] if COORDS in arrays else next(iter(arrays.values()))
    if width is None and array.ndim == 2 and 1 in array.shape:  # noqa: PLR2004  # (N, 1)
        array = array.reshape(-1)  # (N,)
    wanted = (count,) if width is None else (count, width)
    if array.shape != wanted or array.dtype.kind not in "fiub":
        raise FeatureFileError(
            f"{path}: {array.dtype} of shape {array.shape}; expected numbers of shape {wanted}, "
            "one an instance of the slide"
        )
    return array


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The slides of a folder, recognised as those of one program.

    Parameters
    ----------
    producer
        The program.
    why
        What it was recognised by.
    slides
        In the order of their names.
    encoder
        Where the layout names it.
    coords_unit
        Of coordinates, where the layout implies it.
    labels
        Labels that are part of the layout.
    read
        How a slide is read.
    notes
        What a user must know.
    """

    producer: str
    why: str
    slides: tuple[Slide, ...]
    encoder: str = ""
    coords_unit: str = ""
    labels: Labels = field(default_factory=Labels)
    read: Callable[[Slide, str], Instances] = read_slide
    notes: tuple[str, ...] = ()


def slides_of(paths: Iterable[Path]) -> tuple[Slide, ...]:
    """Return a slide for each file, in the order of their names.

    Raises
    ------
    DatasetError
        If two files are the same slide.
    """
    found: dict[str, Path] = {}
    for path in sorted(paths):
        name = slide_id(path.name)
        if name in found:
            raise DatasetError(
                f"{path.parent}: {found[name].name} and {path.name} are both slide {name!r}; keep "
                "one of them"
            )
        found[name] = path
    return tuple(Slide(name, found[name]) for name in sorted(found))
