"""ACMIL: ``split_1.json`` with the lists ``train_names``, ``val_names`` and ``test_names``.

Source: dazhangyu123/ACMIL, ``splits/camelyon/split_1.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.split_files import PARTS, Fold, SplitFiles, read_json

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place

LISTS = tuple(f"{part}_names" for part in PARTS)


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of ACMIL's files, or None where there are none.

    Raises
    ------
    SplitError
        If a file is no JSON.
    """
    folds = []
    for path, _ in place.matching(r".*split.*\.json"):
        content = read_json(path)
        if isinstance(content, dict) and set(LISTS) <= set(content):
            members = (tuple(str(slide) for slide in content[name]) for name in LISTS)
            folds.append(Fold(path.name, *members))
    if not folds:
        return None
    return SplitFiles(
        producer="acmil", why=f"JSON with the lists {', '.join(LISTS)}", folds=tuple(folds)
    )
