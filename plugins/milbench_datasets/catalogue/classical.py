"""The classical sets of feature vectors.

They name no patient, so ``group_known`` is False and every bag is its own unit;
only bags with identical instances share one. Sets that may show the same object share a
``cohort``: MUSK1 and MUSK2 have molecules in common (UCI description), and of the 200 bags each,
elephant and fox have 47 in common, elephant and tiger 58, fox and tiger 114, instance by instance.
corel-african comes from the same photo collection and the newsgroups sets from the same corpus, in
other features, so that shared photos and posts cannot be ruled out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Dataset
from milbench_datasets import downloads
from milbench_datasets.catalogue.classes import BINARY

if TYPE_CHECKING:
    from milbench import Download

BY_HAND = "docs/datasets.md names the folders and layouts that are read"
MILPY_SITE = "https://github.com/jmarrietar/MILpy"
MIPROBLEMS_SITE = "https://github.com/pevnak/MIProblems"
UCI_LICENCE = "CC BY 4.0 as the UCI repository states in general; none in the carrier"
NO_LICENCE = "none stated with the data"
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
READERS = "milbench_datasets.classical"
LAYOUT_FILES = (
    ("miproblems", "data.csv*"),
    ("miproblems", "bagids.csv*"),
    ("miproblems", "labels.csv*"),
    ("milpy", "*.mat"),
    ("uci_c45", "*.data*"),
    ("prtools", "*.mat"),
)


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


RECORDS = (
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
