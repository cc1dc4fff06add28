"""PANDA: biopsies of the prostate, graded 0 to 5 (ISUP) at two hospitals.

Source: W. Bulten et al., "Artificial intelligence for diagnosis and Gleason grading of prostate
cancer: the PANDA challenge", Nature Medicine 28 (2022), 154-163,
https://doi.org/10.1038/s41591-021-01620-2; files of the Kaggle competition
prostate-cancer-grade-assessment: ``train.csv``, ``train_images/<image_id>.tiff`` and, for most
biopsies, ``train_label_masks/<image_id>_mask.tiff``.

The two providers graded by protocols of their own, so ``data_provider`` is the site. No patient is
published. The published table of grades is noisy; nothing is left out here.

**Masks.** They are as large as their slides, with a code in the red channel (data page of the
competition). Karolinska drew regions: 1 benign, 2 cancer. Radboud drew glands, by networks in part:
1 stroma, 2 benign epithelium, 3 to 5 cancer by its Gleason pattern. 0 is background or unknown of
both. What both say of a tile is whether it shows cancer, so that is its label, by the pixel in its
middle; 0 is unknown, and so is every tile of a biopsy without a mask. A tile in the stroma among
Radboud's glands of cancer is no cancer, and would be cancer in a region of Karolinska.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_mask import LabelMask, NoMask
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.slide_files import LabelledSlide, find_slides, slide_bags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from milbench import LabelledBag

FOLDERS = ("prostate-cancer-grade-assessment", "panda")  # Kaggle's name, and ours
GRADES = {str(grade): grade for grade in range(6)}
PROVIDERS = {"karolinska": 0, "radboud": 1}
CANCER: Final[Mapping[str, Mapping[int, int]]] = {  # the label of each code; -1 for unknown
    "karolinska": {0: -1, 1: 0, 2: 1},
    "radboud": {0: -1, 1: 0, 2: 0, 3: 1, 4: 1, 5: 1},
}
COLUMNS = Columns(  # the second names are those of gigapath's copy of the table
    needed={
        "id": ("image_id", "slide_id"),
        "provider": ("data_provider",),
        "grade": ("isup_grade", "label"),
    },
    optional={"gleason": ("gleason_score",)},
)


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the biopsies in the order of ``train.csv``; pictures are slides.

    Returns
    -------
    Iterator of LabelledBag
        ``annotations`` label its tiles where there are masks: 1 for cancer, 0, or -1.

    Raises
    ------
    MissingDataError
        If the table, or every slide, is absent.
    DatasetError
        If the table says something impossible, or a slide is there twice.
    """
    for folder in (data / name for name in FOLDERS):
        images = find_slides(folder / "train_images", "*")
        if images and (folder / "train.csv").is_file():
            slides = slide_bags(labels(folder / "train.csv"), images, folder / "train_images")
            return annotated(slides, find_slides(folder / "train_label_masks", "*"), images)
    gaps = f"train.csv and train_images/*.tiff in {data / FOLDERS[0]} or {data / FOLDERS[1]}"
    raise absent("panda", data, gaps)


def labels(path: Path) -> Iterator[LabelledSlide]:
    """Yield the biopsies of ``train.csv``.

    Raises
    ------
    DatasetError
        Naming the line of an unknown grade or provider, or of an id that is there twice.
    """
    for name, row in unique(read_table(path, COLUMNS)).items():
        row.choice("provider", PROVIDERS)
        yield LabelledSlide(
            id=name,
            label=row.choice("grade", GRADES),
            site=row["provider"],
            meta={"gleason": row["gleason"]},
        )


def annotated(
    bags: Iterator[LabelledBag], masks: Mapping[str, Path], images: Mapping[str, Path]
) -> Iterator[LabelledBag]:
    """Yield the biopsies with the masks of their tiles, where there is any mask at all.

    Parameters
    ----------
    masks, images
        By name: ``<image_id>_mask`` and ``<image_id>``.
    """
    for bag in bags:
        mask, image = masks.get(f"{bag.id}_mask"), images.get(bag.id)
        if not masks or image is None:
            yield bag
        elif mask is None:
            yield replace(bag, annotations=NoMask())
        else:
            yield replace(bag, annotations=LabelMask(mask, image, CANCER[bag.site]))
