"""BreakHis: microscope pictures of breast tumours, one a bag, at four magnifications or at all.

Source: F. Spanhol et al., "A Dataset for Breast Cancer Histopathological Image Classification",
IEEE TBME 63 (2016), 1455-1462, https://doi.org/10.1109/TBME.2015.2496264.

A picture's name says everything: ``SOB_M_DC-14-17614-400-014.png`` is malignant (M), of the kind
ductal carcinoma, from 2014, slide 17614, at 400x. Pictures are found by their names, anywhere below
the folder: in the official tree, in one folder, or in somebody's folders of training and test
pictures, which are not used as parts. A name that is met again is the same picture.

Departure: a patient is the number of the slide without the letters behind it. The official count
of 82 patients takes 14-22549AB and 14-22549CD for two; they share the number of the case, and
until somebody says otherwise they are kept on one side of a split. Where all magnifications are
one data set, all pictures of a patient are on that side. A slide may be known under two types; it
is of one patient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.picture import read_picture
from milbench_datasets.trees import BREAKHIS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDERS = ("BreaKHis_v1", "breakhis")  # as the archive unpacks, and ours
NAME = re.compile(
    r"SOB_(?P<label>[BM])_(?P<kind>[A-Z]+)-(?P<year>\d+)-(?P<case>\d+)(?P<slide>[A-Z]*)"
    r"-(?P<zoom>\d+)-(?P<number>\d+)\.png"
)
LABELS = {"B": 0, "M": 1}
PUBLISHED: Final[Mapping[int, int]] = {40: 1995, 100: 2081, 200: 2013, 400: 1820}  # its web page


@dataclass(frozen=True)
class BreakHis:
    """The pictures of one magnification, or of all.

    Parameters
    ----------
    zoom
        40, 100, 200 or 400; 0 for all of them.
    has_types
        Whether the eight types are the classes, and not benign and malignant.
    """

    zoom: int
    has_types: bool = False

    @property
    def name(self) -> str:
        """Return the name of the data set."""
        return f"breakhis-{self.zoom}x" if self.zoom else "breakhis" + "-types" * self.has_types

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield the pictures in the order of their names.

        Returns
        -------
        Iterator of LabelledBag
            ``picture`` of shape (H, W, 3), uint8; ``meta`` holds the kind of tumour.

        Raises
        ------
        MissingDataError
            If no picture of the magnification is there.
        DatasetError
            If a file is no picture, or a name has a type that its letter before contradicts.
        """
        paths = self._paths(data)
        if not paths:
            folders = ", ".join(str(data / folder) for folder in FOLDERS)
            zoom = self.zoom or 40
            gaps = f"no picture at {zoom}x, such as SOB_M_DC-14-17614-{zoom}-014.png"
            raise absent(self.name, data, f"{gaps}, below {folders}")
        for name, (path, found) in sorted(paths.items()):
            yield LabelledBag(
                id=name.removesuffix(".png"),
                label=self._label(path, found),
                picture=read_picture(path),
                patient=f"{found['year']}-{found['case']}",
                meta={"kind": found["kind"]},
            )

    def notes(self, data: Path) -> tuple[str, ...]:
        """Return that there are fewer or more pictures here than were published, if so."""
        found, expected = len(self._paths(data)), sum(self._published.values())
        if found == expected:
            return ()
        return (f"BreakHis has {expected} pictures of this kind, and {found} are here.",)

    @property
    def _published(self) -> Mapping[int, int]:
        return {zoom: count for zoom, count in PUBLISHED.items() if self.zoom in (0, zoom)}

    def _label(self, path: Path, found: re.Match[str]) -> int:
        malignant, kind = LABELS[found["label"]], found["kind"]
        if kind not in BREAKHIS.classes:
            raise DatasetError(f"{path}: type {kind!r}; expected {', '.join(BREAKHIS.classes)}")
        number = BREAKHIS.classes.index(kind)
        if BREAKHIS.levels.parents[number] != malignant:
            raise DatasetError(f"{path}: type {kind} is not {BREAKHIS.levels.coarse[malignant]}")
        return number if self.has_types else malignant

    def _paths(self, data: Path) -> dict[str, tuple[Path, re.Match[str]]]:
        """Return each picture's path, and its name taken apart, by its name."""
        found: dict[str, tuple[Path, re.Match[str]]] = {}
        for folder in FOLDERS:
            for path in (data / folder).rglob("SOB_*.png"):
                parts = NAME.fullmatch(path.name)
                if parts is not None and self.zoom in (0, int(parts["zoom"])):
                    found.setdefault(path.name, (path, parts))
        return found


ZOOM40, ZOOM100, ZOOM200, ZOOM400 = (BreakHis(zoom) for zoom in (40, 100, 200, 400))
ALL, TYPES = BreakHis(0), BreakHis(0, has_types=True)
