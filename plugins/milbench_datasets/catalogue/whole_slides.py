"""Whole-slide images, in the layouts that their owners publish, and what is built from them.

Slides are cut where they show tissue, in squares of 256 pixels of 0.5 micrometres, unless a suite
says otherwise. Sets with the same slides share a cohort.
"""

from __future__ import annotations

from milbench import Dataset
from milbench_datasets import trees

TISSUE = {"tile_px": 256, "mpp": 0.5}
LAYOUT = "docs/official-sets.md shows the layout"
EHTESHAMI = (
    "Ehteshami Bejnordi et al. 2017, Diagnostic assessment of deep learning algorithms for "
    "detection of lymph node metastases in women with breast cancer, JAMA 318, "
    "https://doi.org/10.1001/jama.2017.14585"
)
BULTEN = (
    "Bulten et al. 2022, Artificial intelligence for diagnosis and Gleason grading of prostate "
    "cancer: the PANDA challenge, Nature Medicine 28, https://doi.org/10.1038/s41591-021-01620-2"
)
BRANCATI = (
    "Brancati et al. 2022, BRACS: a dataset for breast carcinoma subtyping in H&E histology "
    "images, Database, https://doi.org/10.1093/database/baac093"
)
COUDRAY = (
    "Coudray et al. 2018, Classification and mutation prediction from non-small cell lung cancer "
    "histopathology images using deep learning, Nature Medicine 24, "
    "https://doi.org/10.1038/s41591-018-0177-5"
)


def camelyon16(name: str, attribute: str, parts: str, lists: tuple[str, ...] = ()) -> Dataset:
    """Return the record of the slides in one division into parts."""
    beside = "".join(f", and {path}" for path in lists)
    return Dataset(
        name=name,
        target=f"milbench_datasets.camelyon16:{attribute}.bags",
        summary="lymph nodes, is there a metastasis?: 399 slides (160 positive), "
        f"parts {parts}; tiles have labels where the annotations are there",
        paper=EHTESHAMI,
        classes=("normal", "tumour"),
        encoder="colour-texture",
        tiler="tissue",
        tiler_args=TISSUE,
        cohort="camelyon16",
        files=tuple(
            f"{folder}/{pattern}"
            for folder in ("CAMELYON16", "camelyon16")
            for pattern in (
                "training/*/*.tif",
                "training/lesion_annotations.zip",
                "training/lesion_annotations/**/*.xml",
                "testing/images/*.tif",
                "testing/reference.csv",
                "testing/lesion_annotations.zip",
                "testing/lesion_annotations/**/*.xml",
                *lists,
            )
        ),
        how_to_get="get training and testing from the address and put them below "
        f"CAMELYON16 in the data folder{beside}; {LAYOUT}",
        licence="CC0",
        url="https://camelyon17.grand-challenge.org/Data",
    )


def panda(name: str, tree: trees.Tree) -> Dataset:
    """Return the record of the biopsies with one tree above the grades."""
    return Dataset(
        name=name,
        target="milbench_datasets.panda:bags",
        summary="biopsies of the prostate, which grade (ISUP 0 to 5)?: 10616 slides of two "
        f"providers; coarse classes {', '.join(tree.levels.coarse)}",
        paper=BULTEN,
        classes=tree.classes,
        levels=tree.levels,
        task="ordinal",
        primary_metric="quadratic-kappa",
        encoder="colour-texture",
        tiler="tissue",
        tiler_args=TISSUE,
        cohort="panda",
        trained_as="panda",
        group_known=False,  # no patient is published
        files=tuple(
            f"{folder}/{pattern}"
            for folder in ("prostate-cancer-grade-assessment", "panda")
            for pattern in ("train.csv", "train_images/*", "train_label_masks/*")
        ),
        how_to_get="accept the rules at the address, download prostate-cancer-grade-assessment and "
        f"unpack it in a folder of this name in the data folder; {LAYOUT}",
        licence="CC BY-NC-SA 4.0",
        url="https://www.kaggle.com/competitions/prostate-cancer-grade-assessment",
    )


def tcga_luad(gene: str) -> Dataset:
    """Return the record of the task of one gene."""
    return Dataset(
        name=f"tcga-luad-mutation-{gene.lower()}",
        target=f"milbench_datasets.tcga_luad:{gene}.bags",
        summary=f"adenocarcinoma of the lung, is {gene} mutated?: diagnostic slides of TCGA-LUAD",
        paper=COUDRAY,
        classes=("wild type", "mutated"),
        encoder="colour-texture",
        tiler="tissue",
        tiler_args={"tile_px": 512, "mpp": 0.5},  # 512 pixels at 20x, as the paper
        cohort="tcga-luad",
        files=("tcga-luad/**/*.svs", "tcga-luad/labels_r3.txt*", "tcga-luad/LUAD-5-gene_TCGA.csv*"),
        how_to_get="download the diagnostic slides from the address to tcga-luad in the data "
        "folder, and beside them labels_r3.txt (DeepPATH_code/example_TCGA_lung of "
        "https://github.com/ncoudray/DeepPATH) or LUAD-5-gene_TCGA.csv (dataset_csv/mutation of "
        f"https://github.com/prov-gigapath/prov-gigapath); {LAYOUT}",
        licence="slides: NIH open access; mutations: open access",
        url="https://portal.gdc.cancer.gov/projects/TCGA-LUAD",
    )


RECORDS = (
    camelyon16("camelyon16", "OFFICIAL", "270 and 129 (official)"),
    camelyon16(
        "camelyon16-hnm",
        "HNM",
        "216, 54 and 129 (lists of HNM-WSI and ItS2CLR)",
        tuple(f"lists/hnm/{part}_bags.txt" for part in ("train", "val", "test")),
    ),
    camelyon16(
        "camelyon16-transmil",
        "TRANSMIL",
        "216, 54 and 129 (list of TransMIL)",
        ("lists/transmil/fold0.csv",),
    ),
    Dataset(
        name="bracs",
        target="milbench_datasets.bracs:bags",
        summary="breast lesions of seven types in three groups: 547 slides of 189 patients",
        paper=BRANCATI,
        classes=trees.BRACS.classes,
        levels=trees.BRACS.levels,
        task="hierarchical",
        primary_metric="balanced-accuracy",
        encoder="colour-texture",
        tiler="tissue",
        tiler_args=TISSUE,
        cohort="bracs",
        files=tuple(
            f"{folder}/{pattern}"
            for folder in ("BRACS", "bracs")
            for pattern in ("BRACS.xlsx", "BRACS.csv", "**/Type_*/*")
        ),
        how_to_get="register at the address; put BRACS_WSI and BRACS.xlsx below BRACS in the data "
        f"folder; {LAYOUT}",
        licence="CC BY-NC 4.0",
        url="https://www.bracs.icar.cnr.it",
    ),
    Dataset(
        name="bracs-roi",
        target="milbench_datasets.bracs_roi:bags",
        summary="regions that were cut from the slides of bracs, of seven types in three groups: "
        "4539 pictures, grouped by the patient of their slide",
        paper=BRANCATI,
        classes=trees.BRACS.classes,
        levels=trees.BRACS.levels,
        task="hierarchical",
        primary_metric="balanced-accuracy",
        encoder="colour-texture",
        tiler="grid",
        tiler_args={"px": 128},  # 32 micrometres at 40x; regions are small, some of 127 pixels
        cohort="bracs",
        files=tuple(
            f"{folder}/{pattern}"
            for folder in ("BRACS", "bracs")
            for pattern in ("BRACS.xlsx", "BRACS.csv", "BRACS_RoI/latest_version/*/*/*.png")
        ),
        how_to_get="register at the address; put BRACS_RoI and BRACS.xlsx below BRACS in the data "
        f"folder; {LAYOUT}",
        licence="CC BY-NC 4.0",
        url="https://www.bracs.icar.cnr.it",
    ),
    panda("panda", trees.PANDA3),
    panda("panda-benign", trees.PANDA_BENIGN),
    *(tcga_luad(gene) for gene in ("EGFR", "KRAS", "STK11", "TP53")),
)
