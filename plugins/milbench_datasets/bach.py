"""BACH: microscope pictures of breast tissue of four kinds, which two kinds are carcinoma.

Source: G. Aresta et al., "BACH: Grand challenge on breast cancer histology images", Medical Image
Analysis 56 (2019), 122-139, https://doi.org/10.1016/j.media.2019.05.010; files of
https://zenodo.org/records/3632035: ``ICIAR2018_BACH_Challenge/Photos/<kind>/*.tif``, 100 of each
kind, 2048 x 1536 pixels, 0.42 micrometres each.

Several pictures come from one patient and the files do not say which. The one split in which no
patient is on both sides is that of kaiko-ai/eva (src/eva/vision/data/datasets/classification/
bach.py), made with a list of patients that lies elsewhere: its 132 validation pictures are the test
part here, the other 268 the training part. Folds drawn at random leak.

The page of the challenge links to that list; how it is laid out is not known here. Who has it
writes ``patients.csv`` (image, patient) beside ``Photos`` and takes ``bach-patients``: the same
pictures, whose folds keep a patient together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from milbench import LabelledBag, Slide
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.picture import read_picture
from milbench_datasets.trees import BACH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = "ICIAR2018_BACH_Challenge/Photos"  # as the archive unpacks
PREFIXES: Final[Mapping[str, str]] = {
    "n": "Normal",
    "b": "Benign",
    "is": "InSitu",
    "iv": "Invasive",
}
PATIENTS = "ICIAR2018_BACH_Challenge/patients.csv"  # a user's own
COLUMNS = Columns(
    {"id": ("image", "image_id", "filename", "picture"), "patient": ("patient", "patient_id")}
)
NAME = re.compile(r"(n|b|is|iv)(\d{3})")
EACH = 100  # pictures of a kind
TEST: Final[Mapping[str, tuple[range, ...]]] = {  # numbers of eva's validation pictures
    "n": (range(46, 69),),
    "b": (range(42, 60), range(61, 91)),
    "is": (range(40, 70),),
    "iv": (range(41, 59), range(61, 74)),
}
NAMES = tuple(f"{prefix}{number:03d}" for prefix in PREFIXES for number in range(1, EACH + 1))


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the 400 pictures, kind by kind; one that is absent is found out when it is read.

    Returns
    -------
    Iterator of LabelledBag
        ``picture`` of shape (H, W, 3), uint8; ``part`` train or test.

    Raises
    ------
    MissingDataError
        If every picture is absent.
    DatasetError
        If a file is no picture, or lies in the folder of another kind.
    """
    return _pictures("bach", data, {})


def with_patients(data: Path) -> Iterator[LabelledBag]:
    """Yield the same pictures, each with its patient; see :func:`bags`.

    Raises
    ------
    MissingDataError
        If every picture, or the list of patients, is absent.
    DatasetError
        If the list names no picture, one twice, or not every one.
    """
    path = data / PATIENTS
    if not path.is_file():
        raise absent("bach-patients", data, f"{path} with the columns image and patient")
    rows = unique(read_table(path, COLUMNS)).items()
    patients = {name.removesuffix(".tif"): row["patient"] for name, row in rows}
    if wrong := sorted(set(NAMES) ^ patients.keys()):
        fault = "is none of n001 to iv100" if wrong[0] in patients else "has no line"
        raise DatasetError(
            f"{path}: picture {wrong[0]!r} {fault} ({len(wrong)} such); expected each of 400 once"
        )
    return _pictures("bach-patients", data, patients)


def _pictures(name: str, data: Path, patients: Mapping[str, str]) -> Iterator[LabelledBag]:
    folder = data / FOLDER
    paths = {path.stem: path for path in sorted(folder.glob("*/*.tif"))}
    if not paths.keys() & set(NAMES):
        raise absent(name, data, f"400 pictures (n001, n002, n003, ...) in {folder}")
    for one in NAMES:
        kind = PREFIXES[one.rstrip("0123456789")]
        yield labelled(one, paths.get(one, folder / kind / f"{one}.tif"), patients.get(one, ""))


def labelled(name: str, path: Path, patient: str = "") -> LabelledBag:
    """Return the bag of one picture; one whose file is absent is left out when it is read.

    Parameters
    ----------
    name
        Of the picture: ``is042`` is the 42nd of carcinoma in situ.
    patient
        Empty where unknown.

    Raises
    ------
    DatasetError
        If the folder is not that of the name's kind, or the file is no picture.
    """
    prefix, number = _parts(path, name)
    kind = PREFIXES[prefix]
    if path.parent.name != kind:
        raise DatasetError(f"{path}: lies in the folder {path.parent.name!r}; expected {kind!r}")
    is_test = any(number in numbers for numbers in TEST[prefix])
    return LabelledBag(
        id=name,
        label=BACH.classes.index(kind),
        picture=read_picture(path) if path.is_file() else Slide(path),
        patient=patient,
        part="test" if is_test else "train",
    )


def _parts(path: Path, name: str) -> tuple[str, int]:
    found = NAME.fullmatch(name)
    if found is None:
        raise DatasetError(f"{path}: expected a name such as n001, b001, is001 or iv001")
    return found[1], int(found[2])
