"""CCC: cervical cytology, six findings, of which one is negative; features that the user brings.

The slides of the HMIL paper (https://github.com/ChengJin-git/HMIL, commit af6f85a) are not public;
its splits show the classes, about 33,500 slides and their hospitals. So this reads what a user has
of them, or of slides of his own with these findings: ``ccc/labels.csv`` and one file of features a
slide in ``ccc/features``, in any form that :func:`milbench.read_features` reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import LabelledBag, read_features
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.trees import CCC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "ccc"
ENDINGS = ("pt", "h5", "npy", "npz", "csv", "safetensors")
COLUMNS = Columns(
    {"id": ("slide_id",), "label": ("label",)},
    optional={"patient": ("patient_id", "case_id"), "site": ("site",)},
)


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the slides in the order of ``labels.csv``.

    Returns
    -------
    Iterator of LabelledBag
        ``x`` of shape (N, D).

    Raises
    ------
    MissingDataError
        If the table or all features are absent.
    DatasetError
        If the table says something impossible, a slide of it has no file, or a file holds no
        features.
    """
    folder = data / FOLDER
    table, features = folder / "labels.csv", folder / "features"
    if not table.is_file() or not features.is_dir():
        raise absent("ccc", data, f"labels.csv and features/<slide_id>.pt in {folder}")
    classes = {name: number for number, name in enumerate(CCC.classes)}
    rows = unique(read_table(table, COLUMNS))
    paths = {name: _file(features, name) for name in rows}
    if gaps := [name for name, path in paths.items() if path is None]:
        first = rows[gaps[0]]
        raise DatasetError(
            f"{table}, line {first.line}: no file of features for slide {gaps[0]!r} in {features} "
            f"({len(gaps)} such); add them, or take the lines out"
        )
    for name, path in paths.items():
        row = rows[name]
        if path is not None:
            yield LabelledBag(
                id=name,
                label=row.choice("label", classes),
                x=read_features(path).x,
                patient=row["patient"],
                site=row["site"],
            )


def _file(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}.{ending}" for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)
