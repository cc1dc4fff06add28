"""UBC-OCEAN, in three forms of the same images: their bags differ, so they are data sets."""

from __future__ import annotations

from dataclasses import replace

from milbench import Dataset

KAGGLE = "https://www.kaggle.com/competitions/UBC-OCEAN"
FOLDERS = ("UBC-OCEAN", "ubc-ocean")
TABLES = tuple(f"{folder}/train.csv" for folder in FOLDERS)
IMAGES = tuple(f"{folder}/train_images/*" for folder in FOLDERS)
THUMBNAILS = tuple(f"{folder}/train_thumbnails/*.png" for folder in FOLDERS)
MASKS = "ubc-ovarian-cancer-competition-supplemental-masks"
GET = (
    "accept the rules at the address, download UBC-OCEAN and unpack it in a folder of this name in "
    "the data folder; docs/official-sets.md shows the layout"
)

ALL = Dataset(
    name="ubc-ocean",
    target="milbench_datasets.ubc_ocean:bags",
    summary="ovarian cancer, which of five subtypes?: 538 images, 513 slides and 25 cores of "
    "tissue microarrays",
    paper=f"UBC Ovarian Cancer Subtype Classification and Outlier Detection, Kaggle 2023, {KAGGLE}",
    classes=("CC", "EC", "HGSC", "LGSC", "MC"),
    task="multi-class",
    primary_metric="balanced-accuracy",
    encoder="colour-texture",
    tiler="tissue",
    tiler_args={"tile_px": 256, "mpp": 0.5},
    cohort="ubc-ocean",
    group_known=False,  # no patient is published
    files=(*TABLES, *IMAGES),
    how_to_get=GET,
    licence="rules of the competition; no redistribution",
    url=KAGGLE,
)
RECORDS = (
    ALL,
    replace(
        ALL,
        name="ubc-ocean-unmasked",
        target="milbench_datasets.ubc_ocean:unmasked",
        masks="milbench_datasets.ubc_ocean:masks",
        summary="the images of ubc-ocean without a mask: 361 slides and 25 cores; the 152 masked "
        "slides train a tiler",
        tiler="crops9",
        tiler_args={},
        files=(
            *(*TABLES, *IMAGES, *THUMBNAILS, f"{MASKS}/*"),
            *(f"{folder}/{inner}/*" for folder in FOLDERS for inner in (MASKS, "masks")),
        ),
        how_to_get=f"{GET}; the masks are https://www.kaggle.com/datasets/sohier/{MASKS}, in a "
        "folder of this name beside it",
    ),
    replace(
        ALL,
        name="ubc-ocean-thumbnails",
        target="milbench_datasets.ubc_ocean:thumbnails",
        summary="the 513 slides of ubc-ocean as their thumbnails; cores have none",
        tiler="grid",
        tiler_args={"px": 256},
        files=(*TABLES, *THUMBNAILS),
    ),
)
