"""Data sets that are part of milbench: drawn, or made from images that scikit-learn brings.

All digits sets show the same 1797 images, so they are one cohort.
"""

from __future__ import annotations

from milbench import Dataset
from milbench_datasets import trees
from milbench_datasets.catalogue.classes import BINARY

DIGITS_SITE = "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits"
DIGITS_LICENCE = "BSD-3-Clause as part of scikit-learn; CC BY 4.0 at the UCI repository"
ALPAYDIN = (
    "Alpaydin, Kaynak 1998, Optical recognition of handwritten digits, UCI Machine Learning "
    "Repository, https://doi.org/10.24432/C50P49"
)
WITNESS_RATES = (
    "witness rates after https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-"
    "using-clear-cell-renal-cell-carcinoma-dataset, 2022"
)
OCEAN = (
    "ours; after the task of UBC-OCEAN, Kaggle 2023, https://www.kaggle.com/competitions/UBC-OCEAN"
)
OCEAN_CROPS = {
    "sides": (64, 48, 56),
    "size": 64,
    "whole_below": 128,
    "unet": {
        "width": 8,
        "thumbnail": 160,
        "scale": 1.0,
        "epochs": 10,
        "lr": 1e-3,
        "momentum": 0.9,
    },
}


def digits_witness(count: int, attribute: str) -> Dataset:
    """Return the record of one of the four sets with the same training bags."""
    return Dataset(
        name=f"digits-witness-{count}",
        target=f"milbench_datasets.digits_witness:{attribute}.bags",
        summary="real 8x8 digits, is there a 7, 8 or 9?: bags of 40, trained on 20 positive "
        f"instances, tested on {count}; 256 bags (128 positive) from 26 disjoint pools",
        paper=f"{ALPAYDIN}; {WITNESS_RATES}",
        classes=BINARY,
        encoder="flat-pixels",
        version="digits-witness-1",
        cohort="digits-bags",
        trained_as="digits-witness",
        licence=DIGITS_LICENCE,
        url=DIGITS_SITE,
        how_to_get="nothing to do: scikit-learn brings the images",
    )


RECORDS = (
    Dataset(
        name="digits-bags",
        target="milbench_datasets.digits:bags",
        summary="real 8x8 digits, is there a 9?: 240 bags (120 positive) from 60 disjoint pools",
        paper=ALPAYDIN,
        classes=BINARY,
        encoder="flat-pixels",
        version="digits-bags-1",
        licence=DIGITS_LICENCE,
        url=DIGITS_SITE,
        how_to_get="nothing to do: scikit-learn brings the images",
    ),
    digits_witness(20, "TWENTY"),
    digits_witness(10, "TEN"),
    digits_witness(5, "FIVE"),
    digits_witness(1, "ONE"),
    Dataset(
        name="digits-tree",
        target="milbench_datasets.digits_tree:bags",
        summary="real 8x8 digits, which of seven is there?, three coarse classes above them: 350 "
        "bags (50 of each) from 50 disjoint pools",
        paper=ALPAYDIN,
        classes=trees.DIGITS.classes,
        levels=trees.DIGITS.levels,
        task="hierarchical",
        encoder="flat-pixels",
        version="digits-tree-1",
        cohort="digits-bags",
        licence=DIGITS_LICENCE,
        url=DIGITS_SITE,
        how_to_get="nothing to do: scikit-learn brings the images",
    ),
    Dataset(
        name="ocean-toy",
        target="milbench_datasets.ocean_toy:bags",
        masks="milbench_datasets.ocean_toy:masks",
        summary="drawn slides, five textures of tumour: 120 pictures of 60 patients, and 16 masked "
        "ones of others",
        paper=OCEAN,
        classes=("CC", "EC", "HGSC", "LGSC", "MC"),
        task="multi-class",
        primary_metric="balanced-accuracy",
        encoder="random-tokens",
        tiler="crops9",
        tiler_args=OCEAN_CROPS,
        version="ocean-toy-1",
        licence="Apache-2.0, as milbench",
        how_to_get="nothing to do: the slides are drawn",
    ),
)
