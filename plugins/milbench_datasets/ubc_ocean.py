"""UBC-OCEAN: five subtypes of ovarian cancer, on whole slides and on cores of tissue microarrays.

Source: the Kaggle competition UBC-OCEAN, https://www.kaggle.com/competitions/UBC-OCEAN (2023):
``train.csv`` (image_id, label, image_width, image_height, is_tma), ``train_images/<id>.png``,
``train_thumbnails/<id>_thumbnail.png`` of the slides; and its supplemental masks,
https://www.kaggle.com/datasets/sohier/ubc-ovarian-cancer-competition-supplemental-masks, of 152
slides: red is tumour, green stroma, blue necrosis, black was not looked at.

No patient is published. Slides were scanned at 20x and cores at 40x and the files state no
resolution; 0.5 and 0.25 micrometres a pixel are taken, the usual ones of these magnifications.
PNG is read as a whole, so large slides and masks want a tiled TIFF beside or instead of it, under
the same name, which is preferred.

There are three data sets, because their bags differ: all images; the slides as their thumbnails;
and the images without a mask, with the masked slides to train a tiler on. A mask teaches the tiler
its slide, so that slide may not be a bag (docs/decisions/0015-tilers.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench import DatasetError, LabelledBag, MaskedPicture, Slide, SlideError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.picture import read_picture
from milbench_datasets.layouts.slide_files import LabelledSlide, slide_bags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FOLDERS = ("UBC-OCEAN", "ubc-ocean")  # Kaggle's name, and ours
MASKS = "ubc-ovarian-cancer-competition-supplemental-masks"
ENDINGS = ("tif", "tiff", "svs", "png")  # a tiled file is preferred
CLASSES = ("CC", "EC", "HGSC", "LGSC", "MC")
MPP = {"false": 0.5, "true": 0.25}  # of slides and of cores
MASK_SIDE = 1024  # pixels of a mask's longer side: a U-Net sees a thumbnail
COLUMNS = Columns({"id": ("image_id",), "label": ("label",), "is_tma": ("is_tma",)})


class Place(NamedTuple):
    """Where the competition's files are, and the masks by the id of their slide."""

    folder: Path
    masks: Mapping[str, Path]

    def image(self, name: str) -> Path | None:
        """Return the file of an image."""
        paths = (self.folder / "train_images" / f"{name}.{ending}" for ending in ENDINGS)
        return next((path for path in paths if path.is_file()), None)

    def thumbnail(self, name: str) -> Path:
        """Return where the thumbnail of a slide is or should be."""
        return self.folder / "train_thumbnails" / f"{name}_thumbnail.png"


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield all images of the training part, in the order of ``train.csv``; pictures are slides.

    Raises
    ------
    MissingDataError
        If the table, or every image, is absent.
    DatasetError
        If the table says something impossible.
    """
    place = _place("ubc-ocean", data)
    return _images("ubc-ocean", place, list(labels(place.folder / "train.csv")))


def unmasked(data: Path) -> Iterator[LabelledBag]:
    """Yield the images that have no mask; see :func:`bags`.

    Raises
    ------
    MissingDataError
        If the table, every image or every mask is absent.
    DatasetError
        If the table says something impossible.
    """
    place = _masked_place(data)
    slides = labels(place.folder / "train.csv")
    kept = [slide for slide in slides if slide.id not in place.masks]
    return _images("ubc-ocean-unmasked", place, kept)


def thumbnails(data: Path) -> Iterator[LabelledBag]:
    """Yield the thumbnails of the slides as pictures (H, W, 3); cores have none.

    One that is absent is found out when it is read.

    Raises
    ------
    MissingDataError
        If the table or every thumbnail is absent.
    DatasetError
        If the table says something impossible, or a file is no picture.
    """
    name = "ubc-ocean-thumbnails"
    place = _place(name, data)
    slides = [one for one in labels(place.folder / "train.csv") if one.meta["is_tma"] == "false"]
    paths = [place.thumbnail(one.id) for one in slides]
    if not any(path.is_file() for path in paths):
        raise absent(name, data, f"thumbnails such as {paths[0]}")
    for one, path in zip(slides, paths, strict=True):
        picture = read_picture(path) if path.is_file() else Slide(path)
        yield LabelledBag(id=one.id, label=one.label, picture=picture, meta=one.meta)


def masks(data: Path) -> Iterator[MaskedPicture]:
    """Yield the thumbnails of the masked slides, each with where its mask is red: the tumour.

    Masks are as large as their slides, and kept at a longer side of 1024 pixels.

    Raises
    ------
    MissingDataError
        If the table or every mask is absent.
    DatasetError
        If a thumbnail or a mask cannot be read.
    """
    place = _masked_place(data)
    for name, path in place.masks.items():
        picture = read_picture(place.thumbnail(name))
        yield MaskedPicture(id=name, picture=picture, mask=read_mask(path))


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return where a mask is red, (h, w), at a longer side of 1024 pixels.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    try:
        colours = Slide(path).thumbnail(MASK_SIDE)  # (h, w, 3)
    except SlideError as error:  # it spoils all bags, not one slide
        raise DatasetError(str(error)) from error
    red, green, blue = np.moveaxis(colours, 2, 0)
    is_tumour: NDArray[np.bool_] = (red > green) & (red > blue)  # borders are blends
    return is_tumour


def labels(path: Path) -> Iterator[LabelledSlide]:
    """Yield the images of ``train.csv``.

    Raises
    ------
    DatasetError
        Naming the line of an unknown class, or of an id that is there twice.
    """
    classes = {name: number for number, name in enumerate(CLASSES)}
    for name, row in unique(read_table(path, COLUMNS)).items():
        is_tma = row["is_tma"].lower()
        if is_tma not in MPP:
            row.fail(f"is_tma is {row['is_tma']!r}; expected True or False")
        yield LabelledSlide(
            id=name, label=row.choice("label", classes), mpp=MPP[is_tma], meta={"is_tma": is_tma}
        )


def _place(name: str, data: Path) -> Place:
    for folder in (data / one for one in FOLDERS):
        if (folder / "train.csv").is_file():
            return Place(folder, _masks(data / MASKS, folder / MASKS, folder / "masks"))
    raise absent(name, data, f"train.csv in {data / FOLDERS[0]} or {data / FOLDERS[1]}")


def _masks(*folders: Path) -> dict[str, Path]:
    """Return the masks in the first of the folders that has any, by the id of their slide."""
    for folder in folders:
        paths = [p for ending in reversed(ENDINGS) for p in sorted(folder.glob(f"*.{ending}"))]
        if paths:
            return {path.stem: path for path in paths}  # the last of a name is the preferred one
    return {}


def _masked_place(data: Path) -> Place:
    place = _place("ubc-ocean-unmasked", data)
    if not place.masks:
        raise absent("ubc-ocean-unmasked", data, f"*.png in {data / MASKS}")
    return place


def _images(name: str, place: Place, slides: list[LabelledSlide]) -> Iterator[LabelledBag]:
    files = {one.id: path for one in slides if (path := place.image(one.id)) is not None}
    folder = place.folder / "train_images"
    if not files:
        raise absent(name, place.folder.parent, f"images such as {folder / slides[0].id}.png")
    return slide_bags(slides, files, folder)
