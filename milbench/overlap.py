"""Whether an encoder has seen the slides that it is to be compared on.

An encoder that was trained on the slides of the benchmark, even without their labels, has an
advantage there that it has nowhere else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milbench.records import Dataset, Encoder


def seen_before(encoder: Encoder, dataset: Dataset) -> str:
    """Return what of the training of ``encoder`` holds the cohort of ``dataset``; or empty text.

    A cohort is held by a corpus of its name, and by one whose name it begins with: ``tcga-luad`` by
    ``TCGA``. Only the first word of a corpus counts, in any spelling. What a record does not name
    is not found.
    """
    if encoder.pretrain is not None and encoder.pretrained_on == "all":
        return "the tiles of this data set"
    cohort = _words(dataset.cohort or dataset.name)
    for corpus in encoder.pretraining_data:
        named = _words(corpus.partition(" ")[0])
        if named and cohort[: len(named)] == named:
            return corpus
    return ""


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())
