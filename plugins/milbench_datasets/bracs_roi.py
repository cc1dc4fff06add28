"""BRACS, regions of interest: pictures cut from its slides, each of one of the seven types.

Source: N. Brancati et al., "BRACS: A dataset for breast carcinoma subtyping in H&E histology
images", Database 2022, baac093, https://doi.org/10.1093/database/baac093; files of
https://www.bracs.icar.cnr.it:
``BRACS_RoI/latest_version/<part>/<number>_<type>/BRACS_<slide>_<type>_<n>.png``, where the part is
train, val or test and the number that of the type, from ``0_N`` to ``6_IC``: 3657, 312 and 570
pictures (kaiko-ai/eva, src/eva/vision/data/datasets/classification/bracs.py), at 40x, 0.25
micrometres a pixel.

A region shows its slide's patient, whom the sheet ``WSI_Information`` of ``BRACS.xlsx`` names; see
:mod:`milbench_datasets.bracs`. So regions of a patient stay together, and the set shares its cohort
with ``bracs``. The types of a name and of its folder are compared. The sheet on regions is not
read: what it has is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.bracs import FOLDERS, TABLES, labels
from milbench_datasets.layouts.slide_files import LabelledSlide
from milbench_datasets.trees import BRACS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench import LabelledBag

INNER = "BRACS_RoI/latest_version"
PARTS = ("train", "val", "test")
MPP = 0.25
NAME = re.compile(r"(BRACS_\d+)_([A-Z]+)_\d+")


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the regions of each part, in the order of their names; pictures are read when cut.

    Raises
    ------
    MissingDataError
        If the spreadsheet, or every region, is absent.
    DatasetError
        If a file has another name than regions have, or lies in the folder of another type; if two
        have one name; or if the spreadsheet does not know the slide.
    """
    for folder in (data / name for name in FOLDERS):
        table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
        files = [p for part in PARTS for p in sorted((folder / INNER / part).glob("*/*.png"))]
        if table is not None and files:
            return _regions(files, table)
    places = f"{data / FOLDERS[0]} or {data / FOLDERS[1]}"
    raise absent("bracs-roi", data, f"BRACS.xlsx, or pictures below {INNER}, in {places}")


def _regions(files: list[Path], table: Path) -> Iterator[LabelledBag]:
    patients = {slide.id: slide.patient for slide in labels(table)}
    first: dict[str, Path] = {}
    for path in files:
        if first.setdefault(path.stem, path) is not path:
            raise DatasetError(
                f"region {path.stem!r} is there twice: {first[path.stem]} and {path}"
            )
        yield region(path, patients, table).bag(path)


def region(path: Path, patients: dict[str, str], table: Path) -> LabelledSlide:
    """Return what folder and name say of one region.

    Parameters
    ----------
    patients
        Of the slides, by id.

    Raises
    ------
    DatasetError
        Naming the file.
    """
    found, number = NAME.fullmatch(path.stem), path.parent.name
    kind = number.partition("_")[2]
    if found is None or found[2] not in BRACS.classes:
        raise DatasetError(f"{path}: expected a name such as BRACS_264_N_5.png")
    if number != f"{BRACS.classes.index(found[2])}_{found[2]}":
        raise DatasetError(
            f"{path}: a region of type {found[2]} among {kind or number}; get it again"
        )
    if found[1] not in patients:
        raise DatasetError(
            f"{path}: its slide {found[1]} is not in {table.name}, so its patient is unknown"
        )
    return LabelledSlide(
        id=path.stem,
        label=BRACS.classes.index(found[2]),
        patient=patients[found[1]],
        part=path.parents[1].name,
        mpp=MPP,
        meta={"slide": found[1]},
    )
