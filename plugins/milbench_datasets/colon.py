"""Nuclei of colon images: CRCHistoPhenotypes, with a bag for each image.

Source: K. Sirinukunwattana et al., "Locality Sensitive Deep Learning for Detection and
Classification of Nuclei in Routine Colon Cancer Histology Images", IEEE TMI 35 (2016), 1196-1206,
https://doi.org/10.1109/TMI.2016.2525803. As a MIL problem: M. Ilse et al., "Attention-based Deep
Multiple Instance Learning", ICML 2018, section 4.3, https://arxiv.org/abs/1802.04712.

A bag is one of 100 H&E images of 500 x 500 pixels, an instance the 27 x 27 pixels around one of its
22,444 nuclei. A bag is positive if one nucleus or more is epithelial: 51 are. Images and nuclei are
read from the official files.

Choices: a nucleus lies in the pixel that holds its position (positions in the files run from 0.15
to 500, so the first pixel spans 0 to 1); images are mirrored at their borders, the border pixel not
repeated; nuclei are in the order of their rows, then columns, since the order of the files tells
their class. Ilse et al. used 99 of the images, without saying which one they left out.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.matlab import finite_matrix, load_variable
from milbench_datasets.layouts.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES = 100
SIDE = 27  # pixels of a crop
KINDS = ("epithelial", "fibroblast", "inflammatory", "others")  # the files' names
OFFICIAL = "CRCHistoPhenotypes_2016_04_28/Classification"  # as the archive unpacks
FLAT = "colon_crchistophenotypes"  # images/imgN.png and detection_mats.zip


class Nuclei(NamedTuple):
    """Positions (N, 2), x to the right and y down in pixels, and kinds (N,) as in ``KINDS``."""

    positions: NDArray[np.float64]
    kinds: NDArray[np.int64]


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the 100 images in their order.

    Returns
    -------
    Iterator of LabelledBag
        ``images`` of shape (N, 3, 27, 27), uint8; ``coords`` (N, 2): x to the right, y down, in
        pixels; ``instance_labels`` 1 where a nucleus is epithelial.

    Raises
    ------
    MissingDataError
        If the files are not there.
    DatasetError
        If a file holds something else.
    """
    picture_of, positions_of = _layout(data)
    for number in range(1, IMAGES + 1):
        nuclei = _in_reading_order([positions_of(number, kind) for kind in KINDS])
        is_epithelial = (nuclei.kinds == KINDS.index("epithelial")).astype(np.int64)
        yield LabelledBag(
            id=f"img{number}",
            label=int(is_epithelial.any()),
            images=crops(read_picture(picture_of(number)), nuclei.positions),
            instance_labels=is_epithelial,
            coords=nuclei.positions,
        )


def _layout(
    data: Path,
) -> tuple[Callable[[int], Path], Callable[[int, str], NDArray[np.float64]]]:
    """Return where a picture is, and what reads the positions of one kind of its nuclei."""
    official, flat = data / OFFICIAL, data / FLAT
    if (official / f"img{IMAGES}" / f"img{IMAGES}.bmp").is_file():
        return (
            lambda n: official / f"img{n}" / f"img{n}.bmp",
            lambda n, kind: _positions(official / f"img{n}" / f"img{n}_{kind}.mat"),
        )
    archive = flat / "detection_mats.zip"
    if archive.is_file() and (flat / "images" / f"img{IMAGES}.png").is_file():
        return (
            lambda n: flat / "images" / f"img{n}.png",
            lambda n, kind: _zipped(archive, f"img{n}/img{n}_{kind}.mat"),
        )
    gaps = f"img1.bmp to img{IMAGES}.bmp and their .mat files below {official}"
    raise absent("colon", data, f"{gaps}, or images and detection_mats.zip in {flat}")


def _positions(path: Path) -> NDArray[np.float64]:
    return _pairs(path, load_variable(path, "detection"))


def _zipped(archive: Path, name: str) -> NDArray[np.float64]:
    with zipfile.ZipFile(archive) as opened:
        file = io.BytesIO(opened.read(name))
    return _pairs(archive / name, load_variable(archive / name, "detection", file))


def _pairs(path: Path, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions (N, 2); an image may have no nucleus of a kind."""
    if np.size(found) == 0:
        return np.zeros((0, 2))
    matrix = finite_matrix(path, "detection", found)
    if matrix.shape[1] != 2:  # noqa: PLR2004  # x and y
        raise DatasetError(f"{path}: 'detection' has shape {matrix.shape}; expected (N, 2)")
    return matrix


def _in_reading_order(positions: list[NDArray[np.float64]]) -> Nuclei:
    kinds = np.repeat(np.arange(len(KINDS)), [len(each) for each in positions])  # (N,)
    joined = np.concatenate(positions)  # (N, 2)
    order = np.lexsort((joined[:, 0], joined[:, 1]))
    return Nuclei(joined[order], kinds[order])


def crops(picture: NDArray[np.uint8], positions: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the pixels around each position.

    Parameters
    ----------
    picture : (H, W, 3)
        Colours.
    positions : (N, 2)
        x and y in pixels, from 0 to W and to H.

    Returns
    -------
    (N, 3, 27, 27)
        The pixel at the position is in the middle; the picture is mirrored at its borders.
    """
    half = SIDE // 2
    mirrored = np.pad(picture, ((half, half), (half, half), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, (SIDE, SIDE), axis=(0, 1))
    limits = np.array(picture.shape[1::-1]) - 1  # the last column and row
    columns, rows = np.clip(np.floor(positions).astype(np.int64), 0, limits).T
    return np.ascontiguousarray(windows[rows, columns])  # (N, 3, 27, 27)
