"""Stream the bags of a user's own data: one slide in the memory at a time."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.ahead import read_ahead
from milbench.atomic import write_atomic
from milbench.bags import LabelledBag
from milbench.errors import DatasetError, FeatureFileError
from milbench.features.check import first_not_finite
from milbench.interchange.feature_files import LEVEL_0, MICROMETRES, FeatureFile, read_features
from milbench.slides import Slide
from milbench.tables.lines import LeftOut
from milbench.tables.match import Matched, match

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from milbench.own_data import OwnData
    from milbench.tables.match import Group

SAMPLE = 9  # slides that decide which dimension and precision the folder has
FEW = 0.05  # of the slides may differ from them and be left out; more are a mixture
ENCODER_ATTRS = ("encoder", "extractor")  # what TRIDENT and STAMP call it in their files


@dataclass(frozen=True)
class OwnBags:
    """The bags of one data set in all of its views.

    Parameters
    ----------
    own
        Resolved: nothing is left to be found in the table.
    folder
        What its paths are relative to.
    cache
        Where it is kept which files could not be used, so that they need not be read again.
    """

    own: OwnData
    folder: Path
    cache: Path

    @cached_property
    def matched(self) -> Matched:
        """Return the bags that have a label and files, as they were when first asked for."""
        return match(self.own, self.folder)

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return every slide that is not used, once the features were read."""
        matched = self.matched
        return (*matched.left_out, *self._unusable(matched).values())

    def view(self, encoder: str) -> OwnView:
        """Return the reader of one folder."""
        return OwnView(self, encoder)

    def excluded(self, matched: Matched, encoder: str) -> dict[str, LeftOut]:
        """Return the slides that cannot be read in another view than ``encoder``.

        Views have the same bags, so what is missing in one is missing in all.
        """
        found: dict[str, LeftOut] = {}
        for other in self.own.folders:
            if other != encoder:
                if self._kept(matched, other) is None:
                    for _ in OwnView(self, other).slides(matched, {}):
                        pass  # reading to the end keeps what cannot be used
                found |= self._kept(matched, other) or {}
        return found

    def coords_unit(self) -> str:
        """Return the unit of coordinates that the files of all views state; empty for none."""
        if self.own.slides:
            return ""  # a tiler says its own
        groups = self.matched.groups
        stated = {
            _sample([paths[encoder] for group in groups for paths in group.files]).get(
                "coordinates", ""
            )
            for encoder in self.own.folders
        }
        return next(iter(stated)) if len(stated) == 1 and stated <= {LEVEL_0, MICROMETRES} else ""

    def keep(self, matched: Matched, encoder: str, found: Mapping[str, LeftOut]) -> None:
        """Keep which slides could not be used in one view."""
        text = json.dumps([list(one) for one in found.values()], indent=0)
        write_atomic(self._path(matched, encoder), text + "\n")

    def _unusable(self, matched: Matched) -> dict[str, LeftOut]:
        found: dict[str, LeftOut] = {}
        for encoder in self.own.folders:
            found |= self._kept(matched, encoder) or {}
        return found

    def _kept(self, matched: Matched, encoder: str) -> dict[str, LeftOut] | None:
        path = self._path(matched, encoder)
        if not path.exists():
            return None
        entries = (LeftOut(*entry) for entry in json.loads(path.read_text(encoding="utf-8")))
        return {entry.slide: entry for entry in entries}

    def _path(self, matched: Matched, encoder: str) -> Path:
        name = f"left-out-{encoder or 'features'}-{stamp(matched, encoder)[:12]}.json"
        return self.cache / self.own.name / name


@dataclass(frozen=True)
class OwnView:
    """The bags with the features of one folder; called as the target of a data set is."""

    bags: OwnBags
    encoder: str

    def __call__(self, data: Path) -> Iterator[LabelledBag]:  # noqa: ARG002  # paths are its own
        """Yield the bags; slides that cannot be used are left out and kept in mind.

        Raises
        ------
        DatasetError
            If so many files differ from the others that two encoders are mixed, or none is left.
        """
        matched = self.bags.matched
        if self.bags.own.slides:
            yield from self._unopened(matched)
            return
        excluded = self.bags.excluded(matched, self.encoder)
        members: list[FeatureFile] = []
        for group, file, is_last in self.slides(matched, excluded):
            if file is not None:
                members.append(file)
            if is_last and members:
                yield self._bag(group, members)
                members = []

    def _unopened(self, matched: Matched) -> Iterator[LabelledBag]:
        """Yield the slides as pictures; one that cannot be read is left out when it is cut."""
        for group in matched.groups:
            (line,), (paths,) = group.lines, group.files
            yield LabelledBag(
                id=group.id,
                label=(self.bags.own.classes or ()).index(line.label),
                picture=Slide(paths[self.encoder]),
                patient=line.patient,
                site=line.site,
                part=line.part,
            )

    def slides(
        self, matched: Matched, excluded: Mapping[str, LeftOut]
    ) -> Iterator[tuple[Group, FeatureFile | None, bool]]:
        """Yield each slide of each bag with its features, and whether it is the bag's last.

        The features are None where they cannot be used; which these are is kept at the end.
        """
        files = [paths[self.encoder] for group in matched.groups for paths in group.files]
        check, coming = _Check(_sample(files)), read_ahead(files)
        for group in matched.groups:
            last = len(group.lines) - 1
            for position, line in enumerate(group.lines):
                path, is_used = next(coming), line.slide not in excluded
                file = check.usable(line.slide, path) if is_used else None
                yield group, file, position == last
        check.finish(len(files), self.bags.folder / self.bags.own.folders[self.encoder])
        self.bags.keep(matched, self.encoder, check.left_out)

    def _bag(self, group: Group, members: list[FeatureFile]) -> LabelledBag:
        own, first = self.bags.own, group.lines[0]
        sites = {line.site for line in group.lines}
        is_one = len(members) == 1 and own.fusion != "early"
        return LabelledBag(
            id=group.id,
            label=(own.classes or ()).index(first.label),
            x=members[0].x if len(members) == 1 else np.concatenate([m.x for m in members]),
            coords=members[0].coords if is_one else None,  # slides have no common coordinates
            patient=first.patient,
            site=first.site if len(sites) == 1 else "",
            part=first.part,
        )


@dataclass
class _Check:
    """What every file of a folder must be like, and which are not."""

    expected: Mapping[str, Any]
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    differ: list[LeftOut] = field(default_factory=list)
    has_coords: bool | None = None

    def usable(self, slide: str, path: Path) -> FeatureFile | None:
        """Return the features of a slide; None where they cannot be used, which is noted."""
        try:
            file = read_features(path)
        except FeatureFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            return self._left(slide, path, "file unreadable", reason)
        if file.is_empty:
            return self._left(slide, path, "no instances", f"no instances: {file.x.shape}")
        found = _traits(file)
        self.expected = self.expected or found
        for name, value in found.items():
            if value != self.expected.get(name, value):
                reason = f"{name} {value}, and {self.expected[name]} in the other files"
                self.differ.append(LeftOut(str(path), slide, f"other {name}", reason))
                return self._left(slide, path, f"other {name}", reason)
        bad = first_not_finite(file.x)
        if bad is not None:
            value = file.x[bad]
            reason = f"the feature of instance {bad[0]}, column {bad[1]} is {value}"
            return self._left(slide, path, "not finite", reason)
        return file

    def finish(self, total: int, folder: Path) -> None:
        """Refuse a folder in which more than a few files are of another kind."""
        if len(self.differ) > max(1, FEW * total):
            first = self.differ[0]
            raise DatasetError(
                f"{folder}: files of different encoders are mixed: {len(self.differ)} of {total} "
                f"differ, such as {first.place}: {first.reason}; give the folder of one encoder"
            )

    def _left(self, slide: str, path: Path, kind: str, reason: str) -> FeatureFile | None:
        self.left_out[slide] = LeftOut(str(path), slide, kind, reason)
        return None


def _sample(files: list[Path]) -> dict[str, Any]:
    """Return what most of a few files, spread over the table, are like."""
    found: list[dict[str, Any]] = []
    for path in files[:: max(1, len(files) // SAMPLE)]:
        try:
            file = read_features(path)
        except FeatureFileError:
            continue
        if not file.is_empty:
            found.append(_traits(file))
    names = {name for traits in found for name in traits}
    return {
        name: Counter(traits[name] for traits in found if name in traits).most_common(1)[0][0]
        for name in names
    }


def _traits(file: FeatureFile) -> dict[str, Any]:
    """Return what all files of one encoder share."""
    precision = "float16" if file.x.dtype == np.float16 else "float32"  # as the store keeps them
    traits = {
        "dimension": int(file.x.shape[1]),
        "precision": precision,
        "coordinates": "none" if file.coords is None else file.coords_unit or "of no stated unit",
    }
    stated = next((file.attrs[name] for name in ENCODER_ATTRS if name in file.attrs), None)
    return traits if stated is None else traits | {"encoder": str(stated)}


def stamp(matched: Matched, encoder: str) -> str:
    """Return what names the files of one view: paths, sizes and times of change."""
    files = (paths[encoder] for group in matched.groups for paths in group.files)
    content = [(str(path), *_size_and_time(path)) for path in files]
    return sha256(json.dumps(content).encode()).hexdigest()


def _size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
