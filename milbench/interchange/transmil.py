"""TransMIL: ``fold0.csv`` with the columns ``train,train_label,val,val_label,test,test_label``.

Source: szc19990412/TransMIL, ``dataset_csv/camelyon16/fold0.csv``. Shorter columns are filled with
empty cells, which is why labels of whole numbers are written ``1.0``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.identifiers import slide_of
from milbench.interchange.labels import Labels
from milbench.interchange.split_files import PARTS, Fold, SplitFiles

if TYPE_CHECKING:
    from milbench.interchange.split_files import Place
    from milbench.sheets.sheet import Sheet


def read_splits(place: Place) -> SplitFiles | None:
    """Return the folds of TransMIL's tables, or None where there are none."""
    return labelled_parts(place, "transmil", "{}", "{}_label")


def labelled_parts(place: Place, producer: str, slides: str, label: str) -> SplitFiles | None:
    """Return a fold for each table that has columns of slides and of labels for every part.

    Parameters
    ----------
    slides, label
        What the columns are called, with ``{}`` for the part.
    """
    columns = [form.format(part) for part in PARTS for form in (slides, label)]
    tables = [path for path in place.tables if place.head(path).has(*columns)]
    if not tables:
        return None
    labels, folds = Labels(), []
    for path in tables:
        sheet = place.sheet(path)
        names = sheet.by_plain_name
        parts = (sheet[names[slides.format(part)]] for part in PARTS)
        folds.append(Fold(path.name, *(tuple(filter(None, cells)) for cells in parts)))
        labels = labels.joined(_labels(sheet, slides, label))
    return SplitFiles(
        producer=producer,
        why=f"{tables[0].name} with the columns {', '.join(columns)}",
        folds=tuple(folds),
        inside=labels,
    )


def _labels(sheet: Sheet, slides: str, label: str) -> Labels:
    names = sheet.by_plain_name
    found: dict[str, str] = {}
    for part in PARTS:
        pair = sheet[names[slides.format(part)]], sheet[names[label.format(part)]]
        found |= {slide_of(one): cell.removesuffix(".0") for one, cell in zip(*pair, strict=True)}
    found.pop("", None)
    return Labels(found, where=str(sheet.path))
