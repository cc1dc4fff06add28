"""Find out whose features lie in a folder, with the labels and splits that go with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from milbench.errors import DatasetError, MissingDataError
from milbench.interchange import (
    clam_features,
    classical,
    flat,
    histossl,
    hmil_features,
    listed_paths,
    slideflow_features,
    stamp_features,
    torchmil_features,
    trident,
)
from milbench.interchange.hmil import REASON
from milbench.interchange.labels import LABEL, SLIDE, Columns, Labels, read_labels
from milbench.interchange.split_files import SplitFiles, place_of
from milbench.interchange.split_readers import find_splits, read_split_files
from milbench.sheets.names import plain

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.interchange.layout import Layout

FINDERS = {
    "clam": clam_features,
    "trident": trident,
    "stamp": stamp_features,
    "slideflow": slideflow_features,
    "torchmil": torchmil_features,
    "mil-baseline": listed_paths,
    "dsmil": listed_paths,
    "histossl": histossl,
    "hmil": hmil_features,
    "classical": classical,
    "flat": flat,  # asked where no other finds anything
}
PICKLES = (".pkl", ".pickle")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user says; what is None is looked for.

    Parameters
    ----------
    producer
        The program, where a folder fits several.
    labels, splits
        Paths of a table of labels, and of a file or folder of splits.
    columns
        Of the table of labels.
    """

    producer: str | None = None
    labels: Path | None = None
    splits: Path | None = None
    columns: Columns = Columns()  # noqa: RUF009  # frozen


@dataclass(frozen=True)
class Found:
    """Features, the labels of their slides, and splits where there are any."""

    layout: Layout
    labels: Labels
    splits: SplitFiles | None


def recognise(folder: Path, asked: Asked) -> Found:
    """Return what lies in ``folder``.

    Raises
    ------
    MissingDataError
        If there is no such folder, no features in it, or no labels.
    DatasetError
        If several programs may have written it, or a table is unclear.
    SplitError
        If its splits are unclear.
    """
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder")
    layout = _layout(folder, asked.producer)
    splits = _splits(folder, layout, asked.splits)
    labels = _labels(folder, layout, asked)
    if splits is not None:
        labels = labels.over(splits.inside)
    if not any(labels.label.values()):
        place_of(folder).check_readable()
        raise MissingDataError(
            f"{folder}: {layout.producer} features ({layout.why}), and no table of labels; name "
            "one with --labels: columns slide_id, label, and patient_id where known"
        )
    return Found(layout, labels, splits)


def _layout(folder: Path, producer: str | None) -> Layout:
    found = _found(folder, producer)
    if not found:
        raise _unrecognised(folder)
    if len(found) > 1:
        first, second = found[:2]
        raise DatasetError(
            f"{folder}: may be {first.producer} ({first.why}) or {second.producer} "
            f"({second.why}); say which with --from {first.producer} or --from {second.producer}"
        )
    if not found[0].slides:
        raise MissingDataError(f"{folder}: {found[0].producer} ({found[0].why}), and no file")
    return found[0]


def _found(folder: Path, producer: str | None) -> list[Layout]:
    """Return what each program's finder finds, or only the one that is named."""
    if producer is not None and producer not in FINDERS:
        raise DatasetError(f"--from {producer!r}: expected one of {', '.join(FINDERS)}")
    asked = [FINDERS[producer]] if producer else list(dict.fromkeys(FINDERS.values()))
    if producer is None:
        asked.remove(flat)
    tried: list[Layout | None] = [one.find_features(folder) for one in asked]
    found = [layout for layout in tried if layout is not None]
    if producer is not None and not found:
        raise DatasetError(f"{folder}: nothing of {producer} is there; see docs/interchange.md")
    plain = None if found else flat.find_features(folder)
    return found if plain is None else [plain]


def _unrecognised(folder: Path) -> DatasetError:
    pickles = sorted(path for path in folder.rglob("*") if path.suffix in PICKLES)
    if pickles:
        return DatasetError(
            f"{pickles[0]}: {REASON}; in an environment that you trust, save each slide as an "
            "array: np.save(slide + '.npy', features)"
        )
    return MissingDataError(
        f"{folder}: no features recognised; docs/interchange.md lists the layouts, and a folder "
        "with one .h5, .pt or .npy file a slide always works"
    )


def _splits(folder: Path, layout: Layout, named: Path | None) -> SplitFiles | None:
    """Return the splits that are named, else those in ``folder`` or one that is called splits."""
    if named is not None:
        return read_split_files(named)
    places = [folder, *sorted(path for path in folder.glob("splits*") if path.is_dir())]
    places += sorted(path for path in folder.glob("splits*/*") if path.is_dir())
    found = {}
    for path in places:
        splits = find_splits(place_of(path))
        if splits is not None and splits.producer != "one-table":
            found[path] = splits
    if len(found) > 1:
        names = " and ".join(str(path) for path in list(found)[:2])
        raise DatasetError(
            f"{folder}: {layout.producer} features with splits in {names}; say which with --splits"
        )
    return next(iter(found.values()), None)


def _labels(folder: Path, layout: Layout, asked: Asked) -> Labels:
    if asked.labels is not None:
        return read_labels(asked.labels, asked.columns)
    if layout.labels.label:
        return layout.labels
    for place in (folder, folder / "dataset_csv"):
        if place.is_dir():
            joined = stamp_features.joined_labels(place, asked.columns)
            found = joined or _one_table(place, asked.columns)
            if found is not None:
                return found
    return Labels()


def _one_table(folder: Path, columns: Columns) -> Labels | None:
    place = place_of(folder)
    label = (plain(columns.label or ""), *LABEL)
    tables = []
    for path in place.tables:
        head = place.head(path)
        is_split = head.has("repeat", "fold") or head.has("train", "test")
        if head.first_of(SLIDE) and head.first_of(label) and not is_split:
            tables.append(path)
    if len(tables) > 1:
        raise DatasetError(
            f"{folder}: labels may be in {tables[0].name} or {tables[1].name}; say which with "
            "--labels"
        )
    return read_labels(tables[0], columns) if tables else None


def without_features(found: Found) -> tuple[list[str], list[str]]:
    """Return labelled slides without features, and slides with features without a label."""
    have = {slide.id for slide in found.layout.slides}
    labelled = {slide for slide, label in found.labels.label.items() if label}
    return sorted(labelled - have), sorted(have - labelled)


def usable(found: Found) -> Layout:
    """Return the layout with the slides that have a label."""
    slides = tuple(slide for slide in found.layout.slides if found.labels.label.get(slide.id))
    return replace(found.layout, slides=slides)
