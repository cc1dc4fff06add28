"""The nuclei of the data set ``colon`` as features that were computed before, in one file.

The file is an NPZ archive: ``features`` (N_total, D), and for each row ``bag``, the number of its
image from 0, and ``instance_class``, 0 where the nucleus is epithelial; ``bag_label`` has one label
an image. Any features of the nuclei may be written so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "colon_crchistophenotypes/bags_handcrafted.npz"
KEYS = ("features", "bag", "instance_class", "bag_label")


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the bags of a file of features, one row a nucleus.

    The nuclei of a bag are put in a random order that its number decides: those of the file tell
    their class by it.

    Returns
    -------
    Iterator of LabelledBag
        ``x`` of shape (N, D); ids and ``instance_labels`` as in ``colon``.

    Raises
    ------
    MissingDataError
        If the file is not there.
    DatasetError
        If an array is missing or has another length.
    """
    path = data / FILE
    if not path.is_file():
        raise absent("colon-features", data, str(path))
    with np.load(path, allow_pickle=False) as file:
        if missing := [key for key in KEYS if key not in file]:
            raise DatasetError(f"{path}: no arrays {', '.join(missing)}; found {list(file)}")
        features, bag, kind, labels = (file[key] for key in KEYS)
    if not len(features) == len(bag) == len(kind):
        raise DatasetError(
            f"{path}: {len(features)} rows of features, {len(bag)} of bag and {len(kind)} of "
            "instance_class; expected one of each for every nucleus"
        )
    for number, label in enumerate(labels):
        rows = np.random.default_rng(number).permutation(np.flatnonzero(bag == number))
        yield LabelledBag(
            id=f"img{number + 1}",
            label=int(label),
            x=features[rows],
            instance_labels=(kind[rows] == 0).astype(np.int64),
        )
