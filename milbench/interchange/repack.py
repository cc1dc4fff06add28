"""Write a recognised folder once more, in the one layout that a run reads.

::

    <out>/features/<slide>.h5   features, and coords and labels of the instances where there are any
    <out>/bags.csv              slide_id, patient_id, label, site
    <out>/splits.csv            bag_id, group_id, repeat, fold, role; where the folder has splits

Each slide is one contiguous array, so that reading it later is bound by the disk. One slide is in
the memory at a time. Nothing appears at ``out`` before everything is there.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import numpy as np

from milbench.errors import DatasetError, FeatureFileError, SplitError
from milbench.interchange.feature_layouts import usable, without_features
from milbench.interchange.stored_splits import stored_form
from milbench.interchange.whole_folder import whole_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from milbench.interchange.feature_layouts import Found
    from milbench.interchange.labels import Labels
    from milbench.interchange.layout import Instances, Layout
    from milbench.splits import Splits

FEATURES, BAGS, SPLITS = "features", "bags.csv", "splits.csv"
ENCODER_MARKS = ("encoder", "extractor", "encoder_name")
MOST_SHOWN = 3


class Kind(NamedTuple):
    """What all slides of a folder must agree about."""

    dim: int
    dtype: str
    has_coords: bool
    unit: str
    encoder: str


@dataclass(frozen=True)
class Packed:
    """What was written.

    Parameters
    ----------
    slides
        Of those that were written, in order.
    kind
        What they agree about.
    left_out
        One line for each group of slides that was left out, for each damaged file, and for splits
        that put a bag into two parts or use none of the slides.
    splits
        As stored; None where the folder has none.
    """

    slides: tuple[str, ...]
    kind: Kind
    left_out: tuple[str, ...]
    splits: Splits | None


def repack(found: Found, out: Path, advance: Callable[[str], None] = lambda _: None) -> Packed:
    """Write the slides of ``found`` that have a label and an instance to the folder ``out``.

    Parameters
    ----------
    advance
        Called with the name of each slide once it is written.

    Raises
    ------
    DatasetError
        If ``out`` is there already, slides differ in dimension, type or encoder, or none is left.
    """
    with whole_folder(out) as place:
        return _written(found, place, advance)


def _written(found: Found, place: Path, advance: Callable[[str], None]) -> Packed:
    layout = usable(found)
    (place / FEATURES).mkdir()
    kind: tuple[str, Kind] | None = None
    kept, empty, damaged = [], [], []
    for slide in layout.slides:
        try:
            instances = layout.read(slide, layout.coords_unit)
        except FeatureFileError as error:
            damaged.append(str(error))
            continue
        if len(instances.x) == 0:
            empty.append(slide.id)
            continue
        kind = _agreed(kind, (slide.id, _kind(instances, layout.encoder)), layout)
        write_slide(place / FEATURES / f"{slide.id}.h5", instances, layout)
        kept.append(slide.id)
        advance(slide.id)
    if kind is None and damaged:
        raise DatasetError(f"no slide could be read. {damaged[0]}")
    if kind is None:
        raise DatasetError(
            f"{found.labels.where}: no labelled slide has features; do the names agree? Labelled: "
            f"{', '.join(list(found.labels.label)[:MOST_SHOWN])}; features: "
            f"{', '.join(slide.id for slide in found.layout.slides[:MOST_SHOWN])}"
        )
    patients = patients_of(found.labels, kept)
    (place / BAGS).write_text(bags_table(found.labels, kept), encoding="utf-8")
    splits, fault = _splits(found, patients)
    if splits is not None:
        splits.save(place / SPLITS)
    return Packed(tuple(kept), kind[1], (*left_out(found, empty), *damaged, *fault), splits)


def _splits(found: Found, patients: Mapping[str, str]) -> tuple[Splits | None, list[str]]:
    """Return the splits as stored, and why there are none where they cannot be."""
    if found.splits is None:
        return None, []
    try:
        return stored_form(found.splits, patients), []
    except SplitError as error:
        return None, [f"the splits: {error}"]


def left_out(found: Found, empty: list[str]) -> list[str]:
    """Return one line for each reason for which slides are left out."""
    absent, unlabelled = without_features(found)
    groups = {
        "labelled slides have no features": absent,
        "slides with features have no label": unlabelled,
        "slides have no instance": empty,
    }
    return [f"{len(slides)} {why}: {_some(slides)}" for why, slides in groups.items() if slides]


def _some(slides: list[str]) -> str:
    return ", ".join(slides[:MOST_SHOWN]) + ", ..." * (len(slides) > MOST_SHOWN)


def write_slide(path: Path, instances: Instances, layout: Layout) -> None:
    """Write one slide as contiguous arrays; coordinates keep their type and their unit."""
    with h5py.File(path, "w") as file:
        stored = file.create_dataset(FEATURES, data=np.ascontiguousarray(instances.x))
        file.attrs.update(_attributes(instances, layout))
        if instances.coords is not None:
            file.create_dataset("coords", data=np.ascontiguousarray(instances.coords))
            if instances.coords_unit:
                file.attrs["unit"] = instances.coords_unit
        if instances.labels is not None:
            file.create_dataset("instance_labels", data=np.asarray(instances.labels))
        stored.attrs["producer"] = layout.producer


def patients_of(labels: Labels, slides: list[str]) -> dict[str, str]:
    """Return the patient of each slide, the slide itself where nobody knows it."""
    return {slide: labels.patient_of(slide) or slide for slide in slides}


def bags_table(labels: Labels, slides: list[str]) -> str:
    """Return the table of labels as CSV; patient and site are there where any is known."""
    patients = patients_of(labels, slides)
    columns: dict[str, Mapping[str, str]] = {"label": labels.label}
    if any(labels.patient_of(slide) for slide in slides):
        columns = {"patient_id": patients, **columns}
    if any(labels.site_of(slide) for slide in slides):
        columns["site"] = {slide: labels.site_of(slide) for slide in slides}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("slide_id", *columns))
    writer.writerows((slide, *(cells[slide] for cells in columns.values())) for slide in slides)
    return text.getvalue()


def _kind(instances: Instances, encoder: str) -> Kind:
    named = (str(instances.attrs[mark]) for mark in ENCODER_MARKS if mark in instances.attrs)
    return Kind(
        dim=instances.x.shape[1],
        dtype=instances.x.dtype.name,
        has_coords=instances.coords is not None,
        unit=instances.coords_unit,
        encoder=next(named, encoder),
    )


def _agreed(
    first: tuple[str, Kind] | None, this: tuple[str, Kind], layout: Layout
) -> tuple[str, Kind]:
    """Return the first slide's kind, once this slide's is found to be the same."""
    if first is None or first[1] == this[1]:
        return first or this
    differing = [name for name in Kind._fields if getattr(first[1], name) != getattr(this[1], name)]
    what = differing[0]
    raise DatasetError(
        f"{layout.producer} features: {what} is {getattr(first[1], what)!r} in slide {first[0]!r} "
        f"and {getattr(this[1], what)!r} in {this[0]!r}; features of different kinds do not "
        "compare: extract them again, or import each kind apart"
    )


def _attributes(instances: Instances, layout: Layout) -> dict[str, Any]:
    """Return what the file says about itself; what HDF5 cannot hold becomes text."""
    kept = {
        name: value if isinstance(value, str | int | float | np.generic) else _text(value)
        for name, value in instances.attrs.items()
        if name != "unit"
    }
    encoder = layout.encoder
    return kept | ({"encoder": encoder} if encoder and "encoder" not in kept else {})


def _text(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
