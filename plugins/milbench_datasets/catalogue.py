"""The records of all built-in data sets: names, facts and sources; nothing heavy is imported.

The classical sets name no patient, so ``group_known`` is False and every bag is its own unit;
only bags with identical instances share one. Sets that may show the same object share a
``cohort``: MUSK1 and MUSK2 have molecules in common (UCI description), and of the 200 bags each,
elephant and fox have 47 in common, elephant and tiger 58, fox and tiger 114, instance by instance.
corel-african comes from the same photo collection and the newsgroups sets from the same corpus, in
other features, so that shared photos and posts cannot be ruled out. The digits-witness sets and
digits-bags show the same 1797 images, the two colon sets the same nuclei.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Dataset
from milbench_datasets import downloads

if TYPE_CHECKING:
    from milbench import Download

BINARY = ("negative", "positive")
BY_HAND = "docs/datasets.md names the folders and layouts that are read"
MILPY_SITE = "https://github.com/jmarrietar/MILpy"
MIPROBLEMS_SITE = "https://github.com/pevnak/MIProblems"
MNIST_SITE = "https://ossci-datasets.s3.amazonaws.com/mnist"
DIGITS_SITE = "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits"
BREAKHIS_SITE = (
    "https://web.inf.ufpr.br/vri/databases/breast-cancer-histopathological-database-breakhis"
)
COLON_SITE = "https://warwick.ac.uk/fac/cross_fac/tia/data/crchistolabelednucleihe"

DIGITS_LICENCE = "BSD-3-Clause as part of scikit-learn; CC BY 4.0 at the UCI repository"
UCI_LICENCE = "CC BY 4.0 as the UCI repository states in general; none in the carrier"
NO_LICENCE = "none stated with the data"
BREAKHIS_LICENCE = "offered for research; CC BY 4.0 as often stated, not confirmed by its authors"
COLON_LICENCE = "offered for research by its authors; no licence text known: no commercial use"
MNIST_LICENCE = "CC BY-SA 3.0 as generally stated; none in the files"

DIETTERICH = (
    "Dietterich, Lathrop, Lozano-Perez 1997, Solving the multiple instance problem with "
    "axis-parallel rectangles, Artificial Intelligence 89, "
    "https://doi.org/10.1016/S0004-3702(96)00034-3"
)
ANDREWS = (
    "Andrews, Tsochantaridis, Hofmann 2002, Support vector machines for multiple-instance "
    "learning, NIPS 15, https://papers.nips.cc/paper/2232"
)
MILES = (
    "Chen, Bi, Wang 2006, MILES: multiple-instance learning via embedded instance selection, "
    "IEEE TPAMI 28, https://doi.org/10.1109/TPAMI.2006.248"
)
BRIGGS = (
    "Briggs, Fern, Raich 2012, Rank-loss support instance machines for MIML instance "
    "annotation, KDD, https://doi.org/10.1145/2339530.2339616"
)
SRINIVASAN = "Srinivasan, Muggleton, King, Sternberg 1994, Mutagenesis: ILP experiments, ILP-94"
ZHOU = (
    "Zhou, Sun, Li 2009, Multi-instance learning by treating instances as non-i.i.d. samples, "
    "ICML, https://arxiv.org/abs/0807.1997"
)
ILSE = (
    "Ilse, Tomczak, Welling 2018, Attention-based deep multiple instance learning, ICML, "
    "https://arxiv.org/abs/1802.04712"
)
SIRINUKUNWATTANA = (
    "Sirinukunwattana et al. 2016, Locality sensitive deep learning for detection and "
    "classification of nuclei in routine colon cancer histology images, IEEE TMI 35, "
    "https://doi.org/10.1109/TMI.2016.2525803"
)
SPANHOL = (
    "Spanhol, Oliveira, Petitjean, Heutte 2016, A dataset for breast cancer histopathological "
    "image classification, IEEE TBME 63, https://doi.org/10.1109/TBME.2015.2496264"
)
ALPAYDIN = (
    "Alpaydin, Kaynak 1998, Optical recognition of handwritten digits, UCI Machine Learning "
    "Repository, https://doi.org/10.24432/C50P49"
)
WITNESS_RATES = (
    "witness rates after https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-"
    "using-clear-cell-renal-cell-carcinoma-dataset, 2022"
)

READERS = "milbench_datasets.classical"
LAYOUT_FILES = (
    ("miproblems", "data.csv*"),
    ("miproblems", "bagids.csv*"),
    ("miproblems", "labels.csv*"),
    ("milpy", "*.mat"),
    ("uci_c45", "*.data*"),
    ("prtools", "*.mat"),
)
MNIST_FOLDERS = ("mnist", "MNIST/raw", "mnist_t10k")


def files(folder: str, inner: str = "") -> tuple[str, ...]:
    """Return the patterns of all layouts in the folder of one classical set."""
    return tuple(f"{folder}/{layout}/{inner}{pattern}" for layout, pattern in LAYOUT_FILES)


def newsgroups(number: int, instances: int, sources: tuple[Download, ...]) -> Dataset:
    """Return the record of one of the three newsgroups sets."""
    return Dataset(
        name=f"newsgroups{number}",
        target=f"{READERS}:NEWSGROUPS{number}.bags",
        published_splits=f"{READERS}:NEWSGROUPS{number}.folds",
        summary=f"posts about one topic or none: 100 bags (50 positive), {instances} instances, "
        "200 tf-idf features, about 3 % witnesses",
        paper=ZHOU,
        classes=BINARY,
        cohort="newsgroups",
        group_known=False,
        files=files("newsgroups", f"Newsgroups{number}/"),
        downloads=sources,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MIPROBLEMS_SITE,
    )


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
        files=("BreaKHis_v1/**/*.png", "breakhis/**/*.png"),
        how_to_get="unpack BreaKHis_v1.tar.gz in the data folder, or put pictures with their "
        "official names anywhere below breakhis",
        licence=BREAKHIS_LICENCE,
        url=BREAKHIS_SITE,
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
        name="mnist-bags",
        target="milbench_datasets.mnist:bags",
        summary="MNIST digits, is there a 9?: 200 training bags, 50 test bags",
        paper=ILSE,
        classes=BINARY,
        encoder="flat-pixels",
        version="mnist-bags-ilse-1",
        cohort="mnist",
        files=tuple(f"{folder}/*-ubyte*" for folder in MNIST_FOLDERS),
        downloads=downloads.MNIST_ALL,
        how_to_get=BY_HAND,
        licence=MNIST_LICENCE,
        url=MNIST_SITE,
    ),
    Dataset(
        name="mnist-t10k-bags",
        target="milbench_datasets.mnist:t10k_bags",
        summary="the same from the MNIST test files alone, in disjoint halves",
        paper=ILSE,
        classes=BINARY,
        encoder="flat-pixels",
        version="mnist-t10k-bags-ilse-1",
        cohort="mnist",
        files=tuple(f"{folder}/t10k-*-ubyte*" for folder in MNIST_FOLDERS),
        downloads=downloads.MNIST_TEST,
        how_to_get=BY_HAND,
        licence=MNIST_LICENCE,
        url=MNIST_SITE,
    ),
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
    Dataset(
        name="musk1",
        target=f"{READERS}:MUSK1.bags",
        published_splits=f"{READERS}:MUSK1.folds",
        summary="molecules and their shapes: 92 bags (47 positive), 476 instances, 166 features",
        paper=DIETTERICH,
        classes=BINARY,
        cohort="musk",
        group_known=False,
        files=files("musk1"),
        downloads=downloads.MUSK1,
        how_to_get=BY_HAND,
        licence=UCI_LICENCE,
        url="https://archive.ics.uci.edu/dataset/74/musk+version+1",
    ),
    Dataset(
        name="musk2",
        target=f"{READERS}:MUSK2.bags",
        published_splits=f"{READERS}:MUSK2.folds",
        summary="molecules and their shapes: 102 bags (39 positive), 6598 instances, 166 features",
        paper=DIETTERICH,
        classes=BINARY,
        cohort="musk",
        group_known=False,
        files=files("musk2"),
        downloads=downloads.MUSK2,
        how_to_get=BY_HAND,
        licence=UCI_LICENCE,
        url="https://archive.ics.uci.edu/dataset/75/musk+version+2",
    ),
    Dataset(
        name="elephant",
        target=f"{READERS}:ELEPHANT.bags",
        published_splits=f"{READERS}:ELEPHANT.folds",
        summary="segments of photos: 200 bags (100 positive), 1391 instances, 230 features",
        paper=ANDREWS,
        classes=BINARY,
        cohort="corel",
        group_known=False,
        files=files("elephant"),
        downloads=downloads.ELEPHANT,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MILPY_SITE,
    ),
    Dataset(
        name="fox",
        target=f"{READERS}:FOX.bags",
        published_splits=f"{READERS}:FOX.folds",
        summary="segments of photos: 200 bags (100 positive), 1320 instances, 230 features",
        paper=ANDREWS,
        classes=BINARY,
        cohort="corel",
        group_known=False,
        files=files("fox"),
        downloads=downloads.FOX,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MILPY_SITE,
    ),
    Dataset(
        name="tiger",
        target=f"{READERS}:TIGER.bags",
        published_splits=f"{READERS}:TIGER.folds",
        summary="segments of photos: 200 bags (100 positive), 1220 instances, 230 features",
        paper=ANDREWS,
        classes=BINARY,
        cohort="corel",
        group_known=False,
        files=files("tiger"),
        downloads=downloads.TIGER,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MILPY_SITE,
    ),
    Dataset(
        name="corel-african",
        target=f"{READERS}:COREL_AFRICAN.bags",
        published_splits=f"{READERS}:COREL_AFRICAN.folds",
        summary="segments of photos: 2000 bags (100 positive), 7947 instances, 9 features",
        paper=MILES,
        classes=BINARY,
        cohort="corel",
        group_known=False,
        files=files("corel_african"),
        downloads=downloads.COREL_AFRICAN,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MILPY_SITE,
    ),
    Dataset(
        name="birds-brown-creeper",
        target=f"{READERS}:BIRDS_BROWN_CREEPER.bags",
        published_splits=f"{READERS}:BIRDS_BROWN_CREEPER.folds",
        summary="bird song: 548 bags (197 positive), 10232 instances, 38 features; bag size alone "
        "gives AUC 0.88",
        paper=BRIGGS,
        classes=BINARY,
        group_known=False,
        files=files("birds_brown_creeper"),
        downloads=downloads.BIRDS_BROWN_CREEPER,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MIPROBLEMS_SITE,
    ),
    Dataset(
        name="mutagenesis1",
        target=f"{READERS}:MUTAGENESIS1.bags",
        published_splits=f"{READERS}:MUTAGENESIS1.folds",
        summary="molecules and their atoms: 188 bags (125 positive), 10486 instances, 7 features; "
        "identical bags are one group; bag size alone gives AUC 0.89",
        paper=SRINIVASAN,
        classes=BINARY,
        group_known=False,
        files=files("mutagenesis1"),
        downloads=downloads.MUTAGENESIS1,
        how_to_get=BY_HAND,
        licence=NO_LICENCE,
        url=MIPROBLEMS_SITE,
    ),
    newsgroups(1, 5443, downloads.NEWSGROUPS1),
    newsgroups(2, 3094, downloads.NEWSGROUPS2),
    newsgroups(3, 5175, downloads.NEWSGROUPS3),
)
