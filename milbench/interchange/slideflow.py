"""slideflow: ``splits.json``, a list of plans, each with the slides of its parts or folds.

Source: jamesdolezal/slideflow, ``slideflow/dataset.py``: a plan has ``strategy``, ``patients`` and
``tfrecords``, the last with ``training`` and ``validation``, or with ``k-fold-1``, ``k-fold-2``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from milbench.errors import SplitError
from milbench.interchange.separate_parts import HELD_OUT
from milbench.interchange.split_files import Fold, SplitFiles, natural, read_json

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of ``splits.json``, or None where there is none of slideflow's.

    Raises
    ------
    SplitError
        If the file is no JSON, or holds several plans: which one is meant is then unknown.
    """
    for path, _ in place.matching(r".*splits.*\.json"):
        content = read_json(path)
        if not isinstance(content, list) or not all(_is_plan(plan) for plan in content):
            continue
        if len(content) != 1:
            raise SplitError(
                f"{path}: {len(content)} plans; keep the one that is meant in a file of its own"
            )
        return SplitFiles(
            producer="slideflow",
            why=f"{path.name} with strategy and tfrecords",
            folds=tuple(_folds(path.name, content[0]["tfrecords"])),
            notes=(HELD_OUT,),
        )
    return None


def _is_plan(plan: Any) -> bool:
    return isinstance(plan, dict) and {"strategy", "tfrecords"} <= set(plan)


def _folds(name: str, parts: dict[str, list[str]]) -> list[Fold]:
    numbered = sorted((key for key in parts if re.fullmatch(r"k-fold-\d+", key)), key=natural)
    if not numbered:
        return [Fold(name, tuple(parts["training"]), (), tuple(parts["validation"]))]
    return [
        Fold(
            f"{name}, {held}",
            tuple(slide for other in numbered if other != held for slide in parts[other]),
            (),
            tuple(parts[held]),
        )
        for held in numbered
    ]
