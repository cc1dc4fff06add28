"""Label hierarchies of published data sets: their classes, and the coarse classes above them.

The data a tree is for need not be at hand: a data set of your own that has these classes takes
``classes`` and ``levels`` from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from milbench import Levels

if TYPE_CHECKING:
    from collections.abc import Mapping

HMIL = "https://github.com/ChengJin-git/HMIL, commit af6f85a"


class Tree(NamedTuple):
    """The classes of a data set, in the order of its labels, and what is above them."""

    classes: tuple[str, ...]
    levels: Levels


BRACS: Final = Tree(
    classes=("N", "PB", "UDH", "FEA", "ADH", "DCIS", "IC"),
    levels=Levels(
        name="bracs",
        names=("lesion group", "lesion type"),
        coarse=("benign", "atypical", "malignant"),
        parents=(0, 0, 0, 1, 1, 2, 2),
        source=f"folders of the data set, https://www.bracs.icar.cnr.it; {HMIL}",
    ),
)
BACH: Final = Tree(
    classes=("Normal", "Benign", "InSitu", "Invasive"),
    levels=Levels(
        name="bach",
        names=("carcinoma", "type"),
        coarse=("non-carcinoma", "carcinoma"),
        parents=(0, 0, 1, 1),
        source="Araujo et al. 2017, Classification of breast cancer histology images using "
        "convolutional neural networks, PLOS ONE, https://doi.org/10.1371/journal.pone.0177544",
    ),
)
BREAKHIS: Final = Tree(
    classes=("A", "F", "PT", "TA", "DC", "LC", "MC", "PC"),
    levels=Levels(
        name="breakhis",
        names=("malignancy", "tumour type"),
        coarse=("benign", "malignant"),
        parents=(0, 0, 0, 0, 1, 1, 1, 1),
        source="Spanhol et al. 2016, A dataset for breast cancer histopathological image "
        "classification, IEEE TBME, https://doi.org/10.1109/TBME.2015.2496264",
    ),
)
CCC: Final = Tree(
    classes=("NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC"),
    levels=Levels(
        name="ccc",
        names=("abnormality", "cytology"),
        coarse=("negative", "abnormal"),
        parents=(0, 1, 1, 1, 1, 1),
        source=f"coarse decision in src/test.py of {HMIL}",
    ),
)

# The HMIL paper groups PANDA's grades by risk and its code holds no map: neither of these is known
# to be its own. A result says by name which one was used.
ISUP: Final = tuple(f"ISUP {grade}" for grade in range(6))
PANDA3: Final = Tree(
    classes=ISUP,
    levels=Levels(
        name="panda3",
        names=("risk group", "grade"),
        coarse=("low", "intermediate", "high"),
        parents=(0, 0, 1, 1, 2, 2),
        source="our choice: pairs of neighbouring grades",
    ),
)
PANDA_BENIGN: Final = Tree(
    classes=ISUP,
    levels=Levels(
        name="panda_benign",
        names=("risk group", "grade"),
        coarse=("benign", "low to intermediate", "high"),
        parents=(0, 1, 1, 1, 2, 2),
        source="our choice: no cancer apart, then grades 1 to 3 and 4 to 5",
    ),
)

DIGITS: Final = Tree(  # the shape of BRACS; digits that look alike share a coarse class
    classes=("three", "eight", "nine", "zero", "six", "four", "seven"),
    levels=Levels(
        name="digits-tree",
        names=("shape", "digit"),
        coarse=("curly", "round", "angular"),
        parents=(0, 0, 0, 1, 1, 2, 2),
        source="our choice",
    ),
)

TREES: Final[Mapping[str, Tree]] = {
    tree.levels.name: tree for tree in (BRACS, BACH, BREAKHIS, CCC, PANDA3, PANDA_BENIGN, DIGITS)
}
