"""Write bags as STAMP has them: ``<slide>.h5``, ``clini.csv``, ``slide.csv``, ``splits.json``.

STAMP's own version and the size of tiles are attributes of its files; milbench is not STAMP and
does not know the size, so neither is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import numpy as np

from milbench.atomic import write_atomic
from milbench.errors import FeatureError
from milbench.interchange.feature_files import MICROMETRES
from milbench.interchange.outgoing import MICRONS, coords_in, folds_of, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.interchange.outgoing import Member, OutBag, Target
    from milbench.splits import Splits

TARGET = "label"


def write_bag(bag: OutBag, target: Target) -> None:
    """Write one HDF5 file with ``feats``, and coordinates in micrometres.

    Raises
    ------
    FeatureError
        If coordinates are in another unit and cannot be converted.
    """
    coords = coords_in(bag, target, MICROMETRES)
    target.folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(target.folder / f"{bag.id}.h5", "w") as file:
        file.create_dataset("feats", data=bag.instances.x)
        if coords is not None:
            file.create_dataset("coords", data=np.asarray(coords))
            file.attrs["unit"] = MICRONS
        file.attrs.update({"extractor": target.encoder, "feat_type": "tile"})


def write_tables(
    members: Sequence[Member], splits: Splits | None, target: Target
) -> tuple[str, ...]:
    """Write the two tables, and the patients of each fold.

    Raises
    ------
    FeatureError
        If a patient has bags of two classes, or a fold divides or leaves out a patient: STAMP's
        tables have one class a patient, and its splits list patients.
    """
    clinical: dict[str, str] = {}
    for one in members:
        if clinical.setdefault(one.patient, one.label) != one.label:
            raise FeatureError(
                f"{target.name}: patient {one.patient!r} has bags of the classes "
                f"{clinical[one.patient]!r} and {one.label!r}; STAMP has one class a patient"
            )
    write_table(target.folder / "clini.csv", ("PATIENT", TARGET), list(clinical.items()))
    slides = [(one.patient, f"{one.id}.h5") for one in members]
    write_table(target.folder / "slide.csv", ("PATIENT", "FILENAME"), slides)
    if splits is None:
        return ()
    folds = [_patients(members, roles, target) for _, roles in folds_of(splits)]
    document = {
        "splits": [
            {"train_patients": [*fold["train"], *fold["val"]], "test_patients": fold["test"]}
            for fold in folds
        ]
    }
    write_atomic(target.folder / "splits.json", json.dumps(document, indent=1) + "\n")
    if any(fold["val"] for fold in folds):
        return ("STAMP draws its own validation patients: those of the splits are among train",)
    return ()


def _patients(members: Sequence[Member], roles: list[str], target: Target) -> dict[str, list[str]]:
    """Return the patients of each part of one fold, sorted."""
    parts: dict[str, str] = {}
    for one, role in zip(members, roles, strict=True):
        if parts.setdefault(one.patient, role) != role:
            raise FeatureError(
                f"{target.name}: a fold divides patient {one.patient!r}; STAMP's splits list "
                "patients and cannot say it"
            )
    named = ("train", "val", "test")
    return {part: sorted(p for p, role in parts.items() if role == part) for part in named}
