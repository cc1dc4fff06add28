"""Offer the own data sets of a suite beside those of the plugins."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milbench.errors import DatasetError, MilbenchError, SuiteError
from milbench.interchange.split_readers import read_split_files
from milbench.interchange.stored_splits import Member, roles_of
from milbench.own_data import ENCODER, TILER, OwnData
from milbench.records import Dataset
from milbench.registry import Offer, Origin, Plugin
from milbench.suite import listing, read_suite, structural_faults
from milbench.tables.bags import OwnBags, OwnView, stamp
from milbench.tables.resolve import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.interchange.split_files import SplitFiles
    from milbench.registry import Registry
    from milbench.tables.lines import LeftOut

ORIGIN = Origin("suite", "-", "dataset")
SHOWN_CLASSES = 6  # in a summary


class OwnTarget:
    """What the record of an own data set names as its code."""

    def __init__(self, bags: OwnBags, encoder: str) -> None:
        self.bags = bags
        self.view: OwnView = bags.view(encoder)

    def __call__(self, data: Path) -> Any:
        """Yield the bags, as :class:`milbench.tables.bags.OwnView` does."""
        return self.view(data)

    def notes(self, data: Path) -> tuple[str, ...]:  # noqa: ARG002  # paths are its own
        """Return what a reader of results must know: the classes, and what was left out."""
        own = self.bags.own
        positive = f"; {own.classes[1]} is positive" if own.classes and own.task == "binary" else ""
        notes = [f"Own data: classes in the order {', '.join(own.classes or ())}{positive}."]
        mixed = self._patients_of_several_classes()
        if mixed:
            notes.append(
                f"Patients with slides of several classes: {mixed}; each slide has its own."
            )
        if own.fusion == "early":
            notes.append("A bag holds the instances of all slides of a patient.")
        left = Counter(one.kind for one in self.bags.left_out())
        if left:
            total = sum(left.values())
            kinds = ", ".join(f"{kind} {count}" for kind, count in left.most_common())
            lines = "line or file" if total == 1 else "lines or files"
            notes.append(f"Left out: {total} {lines} ({kinds}).")
        if own.splits:
            notes += self._given().notes
        return tuple(notes)

    def _patients_of_several_classes(self) -> int:
        """Return how many patients have slides of several classes; none where these are joined."""
        labels: dict[str, set[str]] = {}
        for group in self.bags.matched.groups:
            for line in group.lines:
                labels.setdefault(line.patient or line.slide, set()).add(line.label)
        return sum(len(found) > 1 for found in labels.values())

    def splits(self, data: Path) -> dict[tuple[int, int], dict[str, str]]:  # noqa: ARG002
        """Return the role of every bag in every fold, from the file or folder of splits."""
        groups = self.bags.matched.groups
        members = [
            Member(line.slide, line.patient, group.id) for group in groups for line in group.lines
        ]
        return roles_of(self._given(), members)

    def _given(self) -> SplitFiles:
        return read_split_files(self.bags.folder / self.bags.own.splits)


def with_own_data(registry: Registry, suite: Path, cache: Path | None) -> Registry:
    """Return ``registry`` with the own data sets of the suite file at ``suite``.

    The same registry where the file has none, or has faults that are to be listed first.

    Parameters
    ----------
    cache
        The folder for packed features; None where no features are wanted, as for a leaderboard.

    Raises
    ------
    DatasetError
        If a table is unclear; the faults of all data sets are in one message.
    SuiteError
        If a name is taken already.
    """
    given = _given(suite)
    faults = own_faults(suite, registry)
    if faults:
        raise SuiteError(listing(suite, faults))
    if not given:
        return registry
    records = [record_of(resolved(own, suite.parent), suite.parent, cache) for own in given]
    offers = tuple(Offer("dataset", record, ORIGIN) for record in records)
    return registry.beside(Plugin(ORIGIN, (), offers, ()))


def own_faults(suite: Path, registry: Registry) -> list[str]:
    """Return what is wrong with the own data sets of a suite file and with their tables."""
    found: list[str] = []
    for own in _given(suite):
        found += _taken(own, registry)
        try:
            resolved(own, suite.parent)
        except (DatasetError, SuiteError) as error:
            found.append(f"dataset {own.name!r}: {error}")
    return found


def splits_faults(suite: Path) -> list[str]:
    """Return what is wrong with the splits files of own data; a leaderboard does without them."""
    found: list[str] = []
    for own in _given(suite):
        try:
            if own.splits:
                read_split_files(suite.parent / own.splits)
        except MilbenchError as error:
            found.append(f"dataset {own.name!r}, splits: {error}")
    return found


def _given(suite: Path) -> list[OwnData]:
    """Return the own data sets of a suite file; none where its structure is wrong."""
    data = read_suite(suite)
    if not data.get("dataset") or structural_faults(data):
        return []
    return [OwnData.model_validate_json(json.dumps(entry)) for entry in data["dataset"]]


def record_of(own: OwnData, folder: Path, cache: Path | None) -> Dataset:
    """Return the record of a resolved data set; its files need not be there."""
    bags = OwnBags(own, folder.resolve(), cache or folder)
    views = {name: OwnTarget(bags, name) for name in own.folders}
    version, unit = ("unread", "") if cache is None else _version(bags)
    first = next(iter(views.values()))
    tiler, encoder = (TILER, ENCODER) if own.slides else ("", "precomputed")
    return Dataset(
        name=own.name,
        target=first,
        summary=f"own data of {own.bags}: {_shown(own.classes or ())}",
        classes=own.classes or (),
        task=own.task or "binary",
        primary_metric=own.metric,
        encoder=encoder,
        tiler=tiler,
        version=version,
        coords_unit=unit,
        group_known=bool(own.patient),
        patient_rule="mean" if own.fusion == "late" else "",
        views=views if "" not in views else {},
        notes=first.notes,
        given_splits=first.splits if own.splits else None,
    )


def left_out(registry: Registry, names: tuple[str, ...]) -> Iterator[tuple[str, LeftOut]]:
    """Yield the slides of the own data sets among ``names`` that are not used."""
    for name in names:
        for offer in registry.matching("dataset", name):
            target: Any = offer.record.target
            if isinstance(target, OwnTarget):
                yield from ((name, one) for one in target.bags.left_out())


def given_size(own: OwnData) -> tuple[int, int]:
    """Return how many repeats and folds the splits of ``own`` have.

    Raises
    ------
    SplitError
        If they cannot be read.
    """
    splits = read_split_files(Path(own.splits))
    return splits.repeats, len(splits.folds) // splits.repeats


def _taken(own: OwnData, registry: Registry) -> Iterator[str]:
    for offer in registry.matching("dataset", own.name):
        yield f"dataset {own.name!r}: the name is taken by {offer.full_name}; give another"


def _version(bags: OwnBags) -> tuple[str, str]:
    """Return what names the content of a data set, and the unit of its coordinates.

    The content is its lines and its files; late fusion, which only scores, changes nothing.
    """
    try:
        matched = bags.matched
        stamps = [stamp(matched, encoder) for encoder in bags.own.folders]
        unit = "" if bags.own.fusion == "early" else bags.coords_unit()
    except DatasetError:
        return "absent", ""  # said when the bags are read
    lines = [group.lines for group in matched.groups]
    content = json.dumps([bags.own.classes, bags.own.fusion == "early", lines, stamps])
    return sha256(content.encode()).hexdigest()[:16], unit


def _shown(classes: tuple[str, ...]) -> str:
    more = ", ..." if len(classes) > SHOWN_CLASSES else ""
    return ", ".join(classes[:SHOWN_CLASSES]) + more
