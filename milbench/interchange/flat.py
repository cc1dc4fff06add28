"""A plain folder with one file of features a slide, which many programs write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.interchange.layout import Layout, slides_of

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".pt", ".h5", ".hdf5", ".npy", ".npz", ".safetensors")


def find_features(folder: Path) -> Layout | None:
    """Return the slides whose files lie in ``folder`` or in its folder ``features``.

    Raises
    ------
    DatasetError
        If there are files of several kinds.
    """
    for place in (folder, folder / "features"):
        files = [path for path in place.glob("*") if path.suffix.lower() in ENDINGS]
        kinds = sorted({path.suffix for path in files})
        if len(kinds) > 1:
            raise DatasetError(
                f"{place}: files of the kinds {' and '.join(kinds)}; which are the features is "
                "not clear: name a folder with one kind"
            )
        if files:
            why = f"a folder of {kinds[0]} files, and nothing of any program"
            return Layout(producer="flat", why=why, slides=slides_of(files))
    return None
