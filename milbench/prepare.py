"""Make the data sets of a suite ready: features cached, splits drawn, or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import (
    DatasetError,
    MilbenchError,
    MissingDataError,
    MissingEncoderError,
    SplitError,
)
from milbench.features import VERIFIED, Making, cached_features
from milbench.jobs import Ground, split_digest
from milbench.splits import SplitPlan, draw_splits, load_splits
from milbench.store import Store
from milbench.view import wanted

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.bags import BagTable
    from milbench.features import Features
    from milbench.records import Dataset
    from milbench.registry import Registry
    from milbench.splits import Splits
    from milbench.suite import Suite
    from milbench.view import View


SHOWN = 20  # bags that a note names


@dataclass
class Prepared:
    """The data sets of a suite: ready, skipped because absent, or broken.

    ``skipped`` and ``broken`` map a data set to the reason; one that lacks an encoder's weights is
    named with its view. ``left_out`` maps a data set to its bags that could not be read, each with
    the reason; ``notes`` to what it tells of its bags itself.
    """

    grounds: list[Ground] = field(default_factory=list)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """Return what became of each data set: status, reason, notes on its bags and splits."""
        ready = {
            ground.dataset.name: _ready(ground.splits, self._notes(ground.dataset.name))
            for ground in self.grounds
        }
        skipped = {name: _state("skipped", why) for name, why in self.skipped.items()}
        return ready | skipped | {name: _state("failed", why) for name, why in self.broken.items()}

    def _notes(self, dataset: str) -> tuple[str, ...]:
        return (*self.notes.get(dataset, ()), *self._missing(dataset))

    def _missing(self, dataset: str) -> tuple[str, ...]:
        """Return a note that names the bags that are left out; none where there are none."""
        lost = self.left_out.get(dataset, {})
        if not lost:
            return ()
        shown = [f"{bag} ({reason})" for bag, reason in list(lost.items())[:SHOWN]]
        more = f"; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
        return (f"left out, as they could not be read: {'; '.join(shown)}{more}",)


@dataclass(frozen=True)
class Places:
    """The folders that a suite's data sets are prepared in.

    ``data`` holds the users' files, ``cache`` the packed features, ``store`` the suite's results.
    """

    data: Path
    cache: Path
    store: Path


def prepare(
    suite: Suite, registry: Registry, places: Places, making: Making = VERIFIED
) -> Prepared:
    """Return the data sets of ``suite``, with features in the cache and splits in the store.

    A data set whose files are absent is skipped; one whose files are wrong is broken; the others
    go on.

    Parameters
    ----------
    making
        Whether kept features are verified, which reads all of them, and who is told of the
        building of others.
    """
    prepared = Prepared()
    for dataset, view in wanted(suite, registry):
        try:
            features = cached_features(
                dataset, view, data=places.data, cache=places.cache, making=making
            )
            _check_same_bags(prepared, dataset, features)
            ground = _ground(suite, (dataset, view), features, places)
        except MissingEncoderError as absent:  # other views of the data set may be ready
            prepared.skipped[f"{dataset.name} ({view.name})"] = str(absent)
        except MissingDataError as absent:
            prepared.skipped[dataset.name] = _without_name(dataset, absent)
        except MilbenchError as error:
            seen = f"through {view.name}: " if view.tiler is not None else ""
            prepared.broken[dataset.name] = seen + _without_name(dataset, error)
        else:
            prepared.grounds.append(ground)
            tell = dataset.load_beside("notes")
            if tell is not None:
                prepared.notes[dataset.name] = tuple(tell(places.data))
    return prepared


def _check_same_bags(prepared: Prepared, dataset: Dataset, features: Features) -> None:
    """Note what is left out of ``dataset``; every view has to leave out the same bags.

    Raises
    ------
    DatasetError
        If another view of the data set has other bags.
    """
    lost = dict(features.left_out)
    others = prepared.left_out.setdefault(dataset.name, lost)
    differing = sorted(lost.keys() ^ others.keys())
    if differing:
        raise DatasetError(
            f"bag {differing[0]!r} can be read in one view of the data set and not in another "
            f"({(lost | others)[differing[0]]}); methods are compared on the same bags: take it "
            "out of the data set"
        )


def _without_name(dataset: Dataset, error: MilbenchError) -> str:
    """Return the message of an error that is shown behind the name of its data set."""
    return str(error).removeprefix(f"{dataset.name}: ")


def _ready(splits: Splits, notes: tuple[str, ...]) -> dict[str, Any]:
    state = _state("ready", "", (*notes, *splits.notes))
    return state | {"leaks": True} if splits.is_leaking else state


def _state(status: str, reason: str, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"status": status, "reason": reason, "notes": list(notes)}


def _ground(suite: Suite, seen: tuple[Dataset, View], features: Features, places: Places) -> Ground:
    dataset, view = seen
    splits = drawn(suite, dataset, features.table, places.data)
    path = Store(places.store).splits_path(dataset.name, split_digest(suite, splits))
    _keep(path, splits, features.table)
    return Ground(
        dataset=dataset,
        view=view.name,
        features_path=features.path,
        features_hash=features.content_hash,
        splits_path=path,
        splits=splits,
    )


def drawn(suite: Suite, dataset: Dataset, table: BagTable, data: Path) -> Splits:
    """Return the splits that ``suite`` has of a data set, drawn or read as its plan says.

    Raises
    ------
    SplitError
        If the plan cannot be kept with these bags.
    """
    plan = SplitPlan(**suite.splits.model_dump())
    read = dataset.load_published_splits() if plan.scheme == "published" else None
    published = None if read is None else read(data)
    read_given = dataset.load_beside("given_splits") if plan.scheme == "given" else None
    given = None if read_given is None else read_given(data)
    return draw_splits(table, plan, name=dataset.name, published=published, given=given)


def _keep(path: Path, drawn: Splits, table: BagTable) -> None:
    """Store ``drawn`` at ``path``, unless a file with at least as many repeats is there.

    Raises
    ------
    SplitError
        If the stored file is damaged or has other splits.
    """
    if path.exists():
        stored = load_splits(path, table, leaks="allowed")  # as far as ``drawn`` does
        shared = min(stored.n_repeats, drawn.n_repeats)
        if not np.array_equal(stored.roles[:shared], drawn.roles[:shared]):
            raise SplitError(
                f"{path}: holds other splits than this version draws for the same plan; "
                "keep the file and use the version that drew it, or move the results away"
            )
        if stored.n_repeats >= drawn.n_repeats:
            return
    drawn.save(path)
