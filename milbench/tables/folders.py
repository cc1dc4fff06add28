"""Find the file of each slide in a folder of features, or of slides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from milbench.errors import DatasetError, MissingDataError
from milbench.interchange.feature_files import READERS
from milbench.interchange.slide_names import SLIDE_ENDINGS, slide_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


# By what a file is: the endings of its name. A DICOM slide is a folder of files.
ENDINGS = {
    "features": tuple(READERS),
    "slide": tuple(ending for ending in SLIDE_ENDINGS if ending != ".dcm"),
}
Kind = Literal["features", "slide"]


def files_of(folder: Path, but: Collection[Path] = (), kind: Kind = "features") -> dict[str, Path]:
    """Return the file of each slide below ``folder``, by the slide's id.

    Parameters
    ----------
    but
        Files and folders that are something else, such as the table of labels.
    kind
        Whether files of features are looked for, or slides and plain images.

    Raises
    ------
    MissingDataError
        If there is no such folder.
    DatasetError
        If it holds no such file, or two of one slide.
    """
    named = "features" if kind == "features" else "slides"
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder of {named}")
    others = {path.name: path.resolve() for one in but for path in _files(one, folder)}
    found: dict[str, list[Path]] = {}
    for path in sorted(_below(folder, ENDINGS[kind])):
        if path.name not in others or path.resolve() != others[path.name]:
            found.setdefault(slide_id(path.name), []).append(path)
    if not found:
        known = ", ".join(ENDINGS[kind])
        raise DatasetError(f"{folder}: no file of {named}; expected files such as {known}")
    twice = {slide: paths for slide, paths in found.items() if len(paths) > 1}
    if twice:
        slide, paths = next(iter(twice.items()))
        names = " and ".join(str(path.relative_to(folder)) for path in paths[:3])
        one = "the folder of one kind and one encoder" if kind == "features" else "one a slide"
        raise DatasetError(
            f"{folder}: {len(twice)} slides have several files, such as {slide!r}: {names}; give "
            f"{one}"
        )
    return {slide: paths[0] for slide, paths in found.items()}


def _files(path: Path, folder: Path) -> Iterable[Path]:
    """Return a file, or the files of a folder that ``folder`` is no part of."""
    if not path.is_dir():
        return (path,)
    return () if folder.resolve().is_relative_to(path.resolve()) else path.rglob("*")


def _below(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        real = os.path.realpath(place)
        if real in seen:  # a link back to a folder above it
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in endings and not name.startswith("."):
                yield path
