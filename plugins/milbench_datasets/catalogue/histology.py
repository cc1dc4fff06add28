"""Pictures of tissue.

The two colon sets show the same nuclei.
"""

from __future__ import annotations

from dataclasses import replace

from milbench import Dataset
from milbench_datasets import trees

BREAKHIS_SITE = (
    "https://web.inf.ufpr.br/vri/databases/breast-cancer-histopathological-database-breakhis"
)
COLON_SITE = "https://warwick.ac.uk/fac/cross_fac/tia/data/crchistolabelednucleihe"
BREAKHIS_LICENCE = "offered for research; CC BY 4.0 as often stated, not confirmed by its authors"
COLON_LICENCE = "offered for research by its authors; no licence text known: no commercial use"
SIRINUKUNWATTANA = (
    "Sirinukunwattana et al. 2016, Locality sensitive deep learning for detection and "
    "classification of nuclei in routine colon cancer histology images, IEEE TMI 35, "
    "https://doi.org/10.1109/TMI.2016.2525803"
)
ARESTA = (
    "Aresta et al. 2019, BACH: grand challenge on breast cancer histology images, Medical Image "
    "Analysis 56, https://doi.org/10.1016/j.media.2019.05.010"
)
SPANHOL = (
    "Spanhol, Oliveira, Petitjean, Heutte 2016, A dataset for breast cancer histopathological "
    "image classification, IEEE TBME 63, https://doi.org/10.1109/TBME.2015.2496264"
)


def breakhis(zoom: int, pictures: int) -> Dataset:
    """Return the record of the pictures of one magnification."""
    return Dataset(
        name=f"breakhis-{zoom}x",
        target=f"milbench_datasets.breakhis:ZOOM{zoom}.bags",
        summary=f"breast tumours at {zoom}x, is it malignant?: {pictures} pictures of 700x460 from "
        "82 patients",
        paper=SPANHOL,
        classes=("benign", "malignant"),
        encoder="pixels",
        tiler="whole",
        tiler_args={"size": [700, 460]},  # a few pictures have 456 rows
        cohort="breakhis",
        notes=f"milbench_datasets.breakhis:ZOOM{zoom}.notes",
        files=("BreaKHis_v1/**/*.png", "breakhis/**/*.png"),
        how_to_get="unpack BreaKHis_v1.tar.gz in the data folder, or put pictures with their "
        "official names anywhere below breakhis",
        licence=BREAKHIS_LICENCE,
        url=BREAKHIS_SITE,
    )


BACH = Dataset(
    name="bach",
    target="milbench_datasets.bach:bags",
    summary="breast tissue, which of four kinds?: 400 pictures of 2048x1536, in parts that "
    "share no patient (268 and 132)",
    paper=ARESTA,
    classes=trees.BACH.classes,
    levels=trees.BACH.levels,
    task="hierarchical",
    primary_metric="accuracy",
    encoder="colour-texture",
    tiler="grid",
    tiler_args={"px": 512},  # 12 squares fill a picture
    cohort="bach",
    group_known=False,  # several pictures come from one patient; the files do not say which
    files=("ICIAR2018_BACH_Challenge/Photos/*/*.tif",),
    how_to_get="unpack ICIAR2018_BACH_Challenge.zip in the data folder",
    licence="CC BY-NC-ND 4.0",
    url="https://zenodo.org/records/3632035",
)

RECORDS = (
    Dataset(
        name="colon",
        target="milbench_datasets.colon:bags",
        summary="colon images, is a nucleus epithelial?: 100 bags (51 positive), 22444 nuclei of "
        "27x27 pixels; bag size alone gives AUC 0.77",
        paper=SIRINUKUNWATTANA,
        classes=("no epithelium", "epithelium"),
        encoder="pixels",
        cohort="colon",
        group_known=False,  # several images come from one patient; the files do not say which
        files=(
            "CRCHistoPhenotypes_2016_04_28/Classification/*/*",
            "colon_crchistophenotypes/images/*.png",
            "colon_crchistophenotypes/detection_mats.zip",
        ),
        how_to_get="ask for CRCHistoPhenotypes at the address and unpack it in the data folder; "
        "docs/datasets.md names the layouts that are read",
        licence=COLON_LICENCE,
        url=COLON_SITE,
    ),
    Dataset(
        name="colon-features",
        target="milbench_datasets.colon_features:bags",
        summary="the nuclei of colon as hand-made features of their colours and texture: 100 bags "
        "(51 positive), 22444 instances",
        paper=SIRINUKUNWATTANA,
        classes=("no epithelium", "epithelium"),
        cohort="colon",
        group_known=False,
        files=("colon_crchistophenotypes/bags_handcrafted.npz",),
        how_to_get="the file is not published; write one of your features as docs/datasets.md says",
        licence=COLON_LICENCE,
        url=COLON_SITE,
    ),
    breakhis(40, 1995),
    breakhis(100, 2081),
    breakhis(200, 2013),
    breakhis(400, 1820),
    replace(
        breakhis(40, 7909),
        name="breakhis",
        target="milbench_datasets.breakhis:ALL.bags",
        notes="milbench_datasets.breakhis:ALL.notes",
        summary="breast tumours at all four magnifications, is it malignant?: 7909 pictures of "
        "700x460 from 82 patients, each on one side of a split",
    ),
    replace(
        breakhis(40, 7909),
        name="breakhis-types",
        target="milbench_datasets.breakhis:TYPES.bags",
        notes="milbench_datasets.breakhis:TYPES.notes",
        summary="breast tumours at all four magnifications, which of eight types?: 7909 pictures "
        "of 700x460 from 82 patients, few of a rare type",
        classes=trees.BREAKHIS.classes,
        levels=trees.BREAKHIS.levels,
        task="hierarchical",
        primary_metric="balanced-accuracy",
    ),
    BACH,
    replace(
        BACH,
        name="bach-patients",
        target="milbench_datasets.bach:with_patients",
        summary="the pictures of bach with the patients that a list of yours names, so that folds "
        "keep a patient together",
        group_known=True,
        files=(*BACH.files, "ICIAR2018_BACH_Challenge/patients.csv"),
        how_to_get="as bach, and beside Photos a table patients.csv (image, patient); the page of "
        "the challenge links to the list; docs/official-sets.md shows the layout",
    ),
)
