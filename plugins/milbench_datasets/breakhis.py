"""BreakHis: microscope pictures of breast tumours, one a bag, at four magnifications.

Source: F. Spanhol et al., "A Dataset for Breast Cancer Histopathological Image Classification",
IEEE TBME 63 (2016), 1455-1462, https://doi.org/10.1109/TBME.2015.2496264.

A picture's name says everything: ``SOB_M_DC-14-17614-400-014.png`` is malignant (M), of the kind
ductal carcinoma, from 2014, slide 17614, at 400x. Pictures are found by their names, anywhere below
the folder: in the official tree, in one folder, or in somebody's folders of training and test
pictures, which are not used as parts. A name that is met again is the same picture.

Departure: a patient is the number of the slide without the letters behind it. The official count
of 82 patients takes 14-22549AB and 14-22549CD for two; they share the number of the case, and
until somebody says otherwise they are kept on one side of a split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench import LabelledBag
from milbench_datasets.absent import absent
from milbench_datasets.layouts.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("BreaKHis_v1", "breakhis")  # as the archive unpacks, and ours
NAME = re.compile(
    r"SOB_(?P<label>[BM])_(?P<kind>[A-Z]+)-(?P<year>\d+)-(?P<case>\d+)(?P<slide>[A-Z]*)"
    r"-(?P<zoom>\d+)-(?P<number>\d+)\.png"
)
LABELS = {"B": 0, "M": 1}


@dataclass(frozen=True)
class BreakHis:
    """The pictures of one magnification: 40, 100, 200 or 400."""

    zoom: int

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
            If a file is no picture.
        """
        paths = self._paths(data)
        if not paths:
            folders = ", ".join(str(data / folder) for folder in FOLDERS)
            gaps = f"no picture at {self.zoom}x, such as SOB_M_DC-14-17614-{self.zoom}-014.png"
            raise absent(f"breakhis-{self.zoom}x", data, f"{gaps}, below {folders}")
        for name, (path, found) in sorted(paths.items()):
            yield LabelledBag(
                id=name.removesuffix(".png"),
                label=LABELS[found["label"]],
                picture=read_picture(path),
                patient=f"{found['year']}-{found['case']}",
                meta={"kind": found["kind"]},
            )

    def _paths(self, data: Path) -> dict[str, tuple[Path, re.Match[str]]]:
        """Return each picture's path, and its name taken apart, by its name."""
        found: dict[str, tuple[Path, re.Match[str]]] = {}
        for folder in FOLDERS:
            for path in (data / folder).rglob("SOB_*.png"):
                parts = NAME.fullmatch(path.name)
                if parts is not None and int(parts["zoom"]) == self.zoom:
                    found.setdefault(path.name, (path, parts))
        return found


ZOOM40, ZOOM100, ZOOM200, ZOOM400 = (BreakHis(zoom) for zoom in (40, 100, 200, 400))
