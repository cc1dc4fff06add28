"""CLAM's features: ``pt_files/<slide>.pt``, and ``h5_files/<slide>.h5`` with coordinates.

Source: mahmoodlab/CLAM, ``extract_features_fp.py``. Coordinates are those that a slide is read at,
level-0 pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.interchange.feature_files import LEVEL_0
from milbench.interchange.layout import Layout, slides_of

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.interchange.layout import Slide


def find_features(folder: Path) -> Layout | None:
    """Return the slides of CLAM's two folders, or of the one that is there; None without both.

    Features are read from ``h5_files`` where it is there, because these have coordinates too.

    Raises
    ------
    DatasetError
        If both folders are there and hold different slides.
    """
    tensors = _slides(folder / "pt_files", "*.pt")
    arrays = _slides(folder / "h5_files", "*.h5")
    if not tensors and not arrays:
        return None
    differ = sorted(set(tensors) ^ set(arrays)) if tensors and arrays else []
    if differ:
        raise DatasetError(
            f"{folder}: slide {differ[0]!r} is in one of pt_files and h5_files only ({len(differ)} "
            "such); extract it again, or move one of the folders away"
        )
    both = tuple(
        replace(slide, path=arrays.get(name, slide).path) for name, slide in tensors.items()
    )
    named = " and ".join(n for n, found in (("pt_files", tensors), ("h5_files", arrays)) if found)
    return Layout(
        producer="clam",
        why=f"the folder {named}",
        slides=both or tuple(arrays.values()),
        coords_unit=LEVEL_0,
    )


def _slides(folder: Path, pattern: str) -> dict[str, Slide]:
    return {slide.id: slide for slide in slides_of(folder.glob(pattern))}
