"""Bags that are built from tiles, or from features, that the user brings."""

from __future__ import annotations

from milbench import Dataset
from milbench_datasets import trees

KERAS = (
    "https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-using-clear-cell-"
    "renal-cell-carcinoma-dataset, 2022"
)
HMIL = "https://github.com/ChengJin-git/HMIL, 2024"


def ccrcc(count: int, attribute: str) -> Dataset:
    """Return the record of one of the four sets with the same training bags."""
    return Dataset(
        name=f"cptac-ccrcc-{count}",
        target=f"milbench_datasets.ccrcc:{attribute}.bags",
        summary="kidney, is there tumour?: bags of 40 tiles, trained on 20 with tumour, tested on "
        f"{count}; 500, 100 and 1000 bags of disjoint patients",
        paper=f"witness rates after {KERAS}; slides of CPTAC-CCRCC, The Cancer Imaging Archive "
        "2018, https://doi.org/10.7937/k9/tcia.2018.oblamn27",
        classes=("normal", "ccRCC"),
        encoder="colour-texture",
        version="ccrcc-1",
        cohort="cptac-ccrcc",
        trained_as="cptac-ccrcc",
        files=(
            "cptac-ccrcc/tiles.csv",
            f"cptac-ccrcc/bags-{count}.csv",
            "cptac-ccrcc/**/*.jpg",
            "cptac-ccrcc/**/*.jpeg",
            "cptac-ccrcc/**/*.png",
        ),
        how_to_get="get slides of CPTAC-CCRCC from the address, cut them into tiles of 256 pixels, "
        "and write cptac-ccrcc/tiles.csv (tile, slide, patient, tumour) in the data folder; "
        "docs/official-sets.md shows the layout",
        licence="slides CC BY 4.0",
        url="https://www.cancerimagingarchive.net/collection/cptac-ccrcc/",
    )


def ccrcc_zips(count: int, attribute: str) -> Dataset:
    """Return the record of one of the four sets in the archives of the Keras repository."""
    return Dataset(
        name=f"cptac-ccrcc-zips-{count}",
        target=f"milbench_datasets.ccrcc_zips:{attribute}.bags",
        summary="kidney, is there tumour?: the archives of a Keras repository, bags of 40 tiles, "
        f"trained on 20 with tumour, tested on {count}; 500, 100 and 1000 bags",
        paper=f"witness rates after {KERAS}",
        classes=("normal", "ccRCC"),
        encoder="colour-texture",
        cohort="cptac-ccrcc",
        trained_as="cptac-ccrcc-zips",
        group_known=False,  # the archives name neither slide nor patient
        files=tuple(
            f"cptac-ccrcc/{name}{ending}"
            for name in ("Train_500", "Validation_100", f"Test_40_{count}")
            for ending in (".zip", "/df.csv", "/**/*.jp*g")
        ),
        how_to_get="the archives are not published; ask the author of the repository at the "
        f"address for Train_500.zip, Validation_100.zip and Test_40_{count}.zip, and put them in "
        "cptac-ccrcc in the data folder, or build bags of your own: cptac-ccrcc-"
        f"{count}",
        licence="not stated; slides CC BY 4.0",
        url=KERAS.removesuffix(", 2022"),
    )


RECORDS = (
    ccrcc(20, "TWENTY"),
    ccrcc(10, "TEN"),
    ccrcc(5, "FIVE"),
    ccrcc(1, "ONE"),
    ccrcc_zips(20, "TWENTY"),
    ccrcc_zips(10, "TEN"),
    ccrcc_zips(5, "FIVE"),
    ccrcc_zips(1, "ONE"),
    Dataset(
        name="ccc",
        target="milbench_datasets.ccc:bags",
        summary="cervical cytology, which of six findings?: features that you bring",
        paper=HMIL,
        classes=trees.CCC.classes,
        levels=trees.CCC.levels,
        task="hierarchical",
        primary_metric="balanced-accuracy",
        cohort="ccc",
        group_known=False,  # the published lists name none
        files=("ccc/labels.csv", "ccc/features/*"),
        how_to_get="the slides of the paper are not public; bring slides of your own: "
        "ccc/labels.csv (slide_id, label) and ccc/features/<slide_id>.pt in the data folder",
        licence="yours",
        url="https://github.com/ChengJin-git/HMIL",
    ),
)
