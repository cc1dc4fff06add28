"""BACH: microscope pictures of breast tissue of four kinds, which two kinds are carcinoma.

Source: G. Aresta et al., "BACH: Grand challenge on breast cancer histology images", Medical Image
Analysis 56 (2019), 122-139, https://doi.org/10.1016/j.media.2019.05.010; files of
https://zenodo.org/records/3632035: ``ICIAR2018_BACH_Challenge/Photos/<kind>/*.tif``, 100 of each
kind, 2048 x 1536 pixels, 0.42 micrometres each.

Several pictures come from one patient and the files do not say which. The one split in which no
patient is on both sides is that of kaiko-ai/eva (src/eva/vision/data/datasets/classification/
bach.py), made with a list of patients that lies elsewhere: its 132 validation pictures are the test
part here, the other 268 the training part. Folds drawn at random leak.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
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
NAME = re.compile(r"(n|b|is|iv)(\d{3})")
EACH = 100  # pictures of a kind
TEST: Final[Mapping[str, tuple[range, ...]]] = {  # numbers of eva's validation pictures
    "n": (range(46, 69),),
    "b": (range(42, 60), range(61, 91)),
    "is": (range(40, 70),),
    "iv": (range(41, 59), range(61, 74)),
}


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the 400 pictures, kind by kind.

    Returns
    -------
    Iterator of LabelledBag
        ``picture`` of shape (H, W, 3), uint8; ``part`` train or test.

    Raises
    ------
    MissingDataError
        If a picture is absent.
    DatasetError
        If a file is no picture, or lies in the folder of another kind.
    """
    paths = {path.stem: path for path in sorted((data / FOLDER).glob("*/*.tif"))}
    names = [f"{prefix}{number:03d}" for prefix in PREFIXES for number in range(1, EACH + 1)]
    if gaps := [name for name in names if name not in paths]:
        few = ", ".join(gaps[:3])
        raise absent("bach", data, f"{len(gaps)} of 400 pictures ({few}, ...) in {data / FOLDER}")
    for name in names:
        yield labelled(name, paths[name])


def labelled(name: str, path: Path) -> LabelledBag:
    """Return the bag of one picture.

    Parameters
    ----------
    name
        Of the picture: ``is042`` is the 42nd of carcinoma in situ.

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
        picture=read_picture(path),
        part="test" if is_test else "train",
    )


def _parts(path: Path, name: str) -> tuple[str, int]:
    found = NAME.fullmatch(name)
    if found is None:
        raise DatasetError(f"{path}: expected a name such as n001, b001, is001 or iv001")
    return found[1], int(found[2])
