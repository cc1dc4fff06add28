"""A folder of features in some program's layout: which file is which slide, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import DatasetError, FeatureFileError
from milbench.interchange.feature_files import FeatureFile, read_features
from milbench.interchange.labels import Labels
from milbench.interchange.slide_names import slide_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


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
        coords = beside(slide.coords, found, (2,))
    labels = None if slide.labels is None else beside(slide.labels, found, ())
    known = found.coords_unit or unit
    return Instances(found.x, coords, "" if coords is None else known, labels, attrs)


def beside(path: Path, found: FeatureFile, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of ``shape`` for each instance that a file beside the features holds.

    Raises
    ------
    FeatureFileError
        If the array has another shape.
    """
    array = _only_array(path)
    if array.shape == (*shape, len(found.x)) and len(shape) == 0:
        return array
    if array.shape != (len(found.x), *shape):
        raise FeatureFileError(
            f"{path}: shape {array.shape} for {len(found.x)} instances in {found.path.name}; "
            f"expected {(len(found.x), *shape)}"
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
    """Return a slide for each file, by the file's name.

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
    return tuple(Slide(name, path) for name, path in found.items())
