"""STAMP: ``splits.json`` with the patients of each fold's training and test part.

Source: KatherLab/STAMP, ``src/stamp/modeling/crossval.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.split_files import Fold, SplitFiles, read_json

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place

LISTS = ("train_patients", "test_patients")


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of ``splits.json``, or None where there is none of STAMP's.

    Raises
    ------
    SplitError
        If the file is no JSON.
    """
    for path, _ in place.matching(r".*splits.*\.json"):
        content = read_json(path)
        splits = content.get("splits") if isinstance(content, dict) else None
        if isinstance(splits, list) and all(set(LISTS) <= set(split) for split in splits):
            folds = [
                Fold(
                    f"{path.name}, split {number}",
                    tuple(map(str, split["train_patients"])),
                    (),
                    tuple(map(str, split["test_patients"])),
                )
                for number, split in enumerate(splits)
            ]
            return SplitFiles(
                producer="stamp",
                why=f"{path.name} with the lists {', '.join(LISTS)}",
                folds=tuple(folds),
                unit="patient",
            )
    return None
