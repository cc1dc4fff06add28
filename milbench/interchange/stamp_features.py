"""STAMP's features: ``<slide>.h5`` with ``feats`` and coordinates in micrometres.

Source: KatherLab/STAMP, ``src/stamp/preprocessing``. Labels are in two tables: ``PATIENT`` and the
target in one, ``PATIENT`` and ``FILENAME`` in the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py

from milbench.errors import DatasetError
from milbench.interchange.feature_files import MICROMETRES
from milbench.interchange.identifiers import slide_of
from milbench.interchange.labels import Columns, Labels, chosen
from milbench.interchange.layout import Layout, slides_of
from milbench.interchange.split_files import place_of

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.sheets.sheet import Sheet

MARKS = ("stamp_version", "feat_type")


def find_features(folder: Path) -> Layout | None:
    """Return the slides of STAMP's files, or None where the first ``.h5`` file is none of them.

    Raises
    ------
    DatasetError
        If the files hold one vector a slide or patient: these are no bags.
    """
    files = sorted(folder.glob("*.h5"))
    if not files:
        return None
    try:
        with h5py.File(files[0], "r", locking=False) as file:
            attrs, names = dict(file.attrs), set(file)
    except OSError:  # damaged: whoever reads it says so
        return None
    if not (set(MARKS) & set(attrs) or "feats" in names):
        return None
    kind = str(attrs.get("feat_type", "tile"))
    if kind != "tile":
        raise DatasetError(
            f"{files[0]}: feat_type is {kind!r}, one vector each; bags need the features of tiles"
        )
    return Layout(
        producer="stamp",
        why=f"{files[0].name} with {'feats' if 'feats' in names else ', '.join(attrs)}",
        slides=slides_of(files),
        encoder=str(attrs.get("extractor", "")),
        coords_unit=MICROMETRES if "unit" not in attrs else "",
    )


def joined_labels(folder: Path, columns: Columns) -> Labels | None:
    """Return the labels of STAMP's two tables in ``folder``, or None where they are not there.

    Raises
    ------
    DatasetError
        If the target is not clear, or a slide's patient is in no line of the clinical table.
    """
    place = place_of(folder)
    sheets = [place.sheet(path) for path in place.tables if place.head(path).has("patient")]
    slides = [sheet for sheet in sheets if sheet.has("filename")]
    clinical = [sheet for sheet in sheets if not sheet.has("filename")]
    if len(slides) != 1 or len(clinical) != 1:
        return None
    return _joined(slides[0], clinical[0], columns)


def _joined(slides: Sheet, clinical: Sheet, columns: Columns) -> Labels:
    patient = clinical.by_plain_name["patient"]
    target = dict(zip(clinical[patient], clinical[_target(clinical, columns)], strict=True))
    names = slides.by_plain_name
    pairs = zip(slides[names["filename"]], slides[names["patient"]], strict=True)
    patients = {slide_of(name): one for name, one in pairs}
    label = {slide: target.get(one, "") for slide, one in patients.items()}
    return Labels(label, patients, where=f"{clinical.path.name} and {slides.path.name}")


def _target(clinical: Sheet, columns: Columns) -> str:
    named = chosen(clinical, "label", columns.label, ())
    others = [name for name in clinical.columns if name.lower() != "patient"]
    if named is None and len(others) != 1:
        raise DatasetError(
            f"{clinical.path}: the label may be in {' or '.join(map(repr, others)) or 'nothing'}; "
            "say which with --label-column"
        )
    return named or others[0]
