"""TRIDENT: ``20x_256px_0px_overlap/features_<encoder>/<slide>.h5``, in level-0 pixels.

Source: mahmoodlab/TRIDENT, ``trident/wsi_objects/WSI.py``. Patho-Bench reads the same features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.interchange.feature_files import LEVEL_0
from milbench.interchange.layout import Layout, slides_of

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "features_"
PATCHES = "*x_*px_*px_overlap"


def find_features(folder: Path) -> Layout | None:
    """Return the slides of one encoder, or None where no folder is called as TRIDENT calls them.

    ``folder`` is TRIDENT's job folder, one of its folders of patches, or the encoder's own.

    Raises
    ------
    DatasetError
        If there are features of several encoders or patch sizes: which ones are meant is unknown.
    """
    found = [place for place in _places(folder) if _files(place)]
    if not found:
        return None
    if len(found) > 1:
        names = " and ".join(str(place.relative_to(folder)) for place in found[:2])
        raise DatasetError(
            f"{folder}: features of {len(found)} kinds, {names}; mixed they mean nothing: name "
            "one of these folders"
        )
    place = found[0]
    return Layout(
        producer="trident",
        why=f"the folder {place.parent.name}/{place.name}",
        slides=slides_of(_files(place)),
        encoder=place.name.removeprefix(PREFIX),
        coords_unit=LEVEL_0,
    )


def _places(folder: Path) -> list[Path]:
    if _is_of_encoder(folder):
        return [folder]
    below = [folder, *folder.glob(PATCHES)]
    return sorted(
        place for one in below for place in one.glob(f"{PREFIX}*") if _is_of_encoder(place)
    )


def _files(place: Path) -> list[Path]:
    """Return the slides' files; TRIDENT saves tensors where it is asked to."""
    return list(place.glob("*.h5")) or list(place.glob("*.pt"))


def _is_of_encoder(place: Path) -> bool:
    return place.is_dir() and place.name.startswith(PREFIX) and place.parent.match(PATCHES)
