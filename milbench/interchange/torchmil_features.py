"""torchmil's features: ``features_<name>/<bag>.npy`` with ``labels``, ``coords``, ``patch_labels``.

Source: Franblueee/torchmil, ``torchmil/datasets/processed_mil_dataset.py``: one array a bag in each
folder. Coordinates are rows and columns or pixels, as the data set was made; no file says which.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError
from milbench.interchange.labels import Labels
from milbench.interchange.layout import Layout, slides_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from milbench.interchange.layout import Slide

PREFIX = "features_"


def find_features(folder: Path) -> Layout | None:
    """Return the bags below ``folder``, or None where no folder holds ``.npy`` features.

    Raises
    ------
    DatasetError
        If there are features of several encoders, or a bag lacks a label that others have.
    """
    below = (folder, folder / "features", *sorted(folder.glob("patches_*/features")))
    places = [
        place for one in below for place in sorted(one.glob(f"{PREFIX}*")) if _has_arrays(place)
    ]
    places = places or [folder / "features"] * _has_arrays(folder / "features")
    if not places or not (folder / "labels").is_dir():
        return None
    if len(places) > 1:
        names = " and ".join(str(place.relative_to(folder)) for place in places[:2])
        raise DatasetError(f"{folder}: features of {len(places)} kinds, {names}; keep one of them")
    place = places[0]
    slides = _with(folder, "coords", _with(folder, "patch_labels", slides_of(place.glob("*.npy"))))
    return Layout(
        producer="torchmil",
        why=f"the folders {place.relative_to(folder)} and labels",
        slides=tuple(slides),
        encoder=place.name.removeprefix(PREFIX) if place.name.startswith(PREFIX) else "",
        labels=_labels(folder / "labels", slides),
    )


def _has_arrays(place: Path) -> bool:
    return place.is_dir() and any(place.glob("*.npy"))


def _with(folder: Path, what: str, slides: Iterable[Slide]) -> list[Slide]:
    """Return the slides with their files in the folder ``what``; all have one or none."""
    place, given = folder / what, list(slides)
    if not place.is_dir():
        return given
    files = {slide: place / f"{slide.id}.npy" for slide in given}
    absent = next((path for path in files.values() if not path.is_file()), None)
    if absent is not None:
        raise DatasetError(f"{absent}: no such file, and other bags have one; make them again")
    if what == "coords":
        return [replace(slide, coords=path) for slide, path in files.items()]
    return [replace(slide, labels=path) for slide, path in files.items()]


def _labels(place: Path, slides: Iterable[Slide]) -> Labels:
    found = {}
    for slide in slides:
        path = place / f"{slide.id}.npy"
        try:
            value = np.load(path, allow_pickle=False).reshape(-1)
        except FileNotFoundError:
            found[slide.id] = ""
            continue
        except (OSError, ValueError, EOFError) as error:
            raise DatasetError(f"{path}: cannot be read as an array: {error}") from error
        if value.size != 1:
            raise DatasetError(f"{path}: {value.size} labels; expected one of the bag")
        found[slide.id] = f"{value[0]:g}" if value.dtype.kind in "fiub" else str(value[0])
    return Labels(found, where=str(place))
