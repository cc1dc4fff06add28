"""PANDA: biopsies of the prostate, graded 0 to 5 (ISUP) at two hospitals.

Source: W. Bulten et al., "Artificial intelligence for diagnosis and Gleason grading of prostate
cancer: the PANDA challenge", Nature Medicine 28 (2022), 154-163,
https://doi.org/10.1038/s41591-021-01620-2; files of the Kaggle competition
prostate-cancer-grade-assessment: ``train.csv`` and ``train_images/<image_id>.tiff``.

The two providers graded by protocols of their own, so ``data_provider`` is the site. No patient is
published. The published table of grades is noisy; nothing is left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.slide_files import LabelledSlide, find_slides, slide_bags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench import LabelledBag

FOLDERS = ("prostate-cancer-grade-assessment", "panda")  # Kaggle's name, and ours
GRADES = {str(grade): grade for grade in range(6)}
PROVIDERS = {"karolinska": 0, "radboud": 1}
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
            return slide_bags(labels(folder / "train.csv"), images, folder / "train_images")
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
