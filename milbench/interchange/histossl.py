"""HistoSSLscaling: ``<slide>/features.npy``, (N, 3 + D), level, x and y before the features.

Source: owkin/HistoSSLscaling, README. The first three columns are a tile's place in the pyramid of
tiles: x and y count tiles of the level, so they are kept without a unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import DatasetError, FeatureFileError
from milbench.interchange.feature_files import read_features
from milbench.interchange.identifiers import slide_of
from milbench.interchange.layout import Instances, Layout, Slide

if TYPE_CHECKING:
    from pathlib import Path

FILE = "features.npy"
PLACE = 3  # columns: level, x, y
UNIT = "tiles of a level"


def find_features(folder: Path) -> Layout | None:
    """Return the slides whose folders hold ``features.npy``, or None where there are none.

    Raises
    ------
    DatasetError
        If two folders are of the same slide.
    """
    files = sorted(folder.glob(f"**/{FILE}"))
    if not files:
        return None
    slides: dict[str, Slide] = {}
    for path in files:
        name = slide_of(path.parent.name)
        if name in slides:
            raise DatasetError(
                f"{path} and {slides[name].path} are both slide {name!r}; name the folder of one "
                "encoder"
            )
        slides[name] = Slide(name, path)
    return Layout(
        producer="histossl",
        why=f"{files[0].relative_to(folder).as_posix()}",
        slides=tuple(slides.values()),
        read=read_placed,
    )


def read_placed(slide: Slide, unit: str = "") -> Instances:
    """Return the instances of a slide, with the first three columns as their place.

    Raises
    ------
    FeatureFileError
        If there are no features behind the place, or the tiles are of several levels, whose x and
        y do not compare.
    """
    stored = read_features(slide.path).x  # (N, 3 + D)
    if stored.shape[1] <= PLACE:
        raise FeatureFileError(
            f"{slide.path}: shape {stored.shape}; expected level, x, y, features"
        )
    place = np.asarray(stored[:, :PLACE])  # (N, 3)
    levels = np.unique(place[:, 0])
    if len(levels) > 1:
        raise FeatureFileError(
            f"{slide.path}: tiles of the levels {', '.join(f'{one:g}' for one in levels)}; "
            "keep those of one"
        )
    attrs = {"level": float(levels[0])} if len(levels) else {}
    return Instances(stored[:, PLACE:], place[:, 1:], unit or UNIT, attrs=attrs)
