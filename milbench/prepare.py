"""Make the data sets of a suite ready: features cached, splits drawn, or a reason why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import MilbenchError, MissingDataError, SplitError
from milbench.features import cached_features
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


@dataclass
class Prepared:
    """The data sets of a suite: ready, skipped because absent, or broken.

    ``skipped`` and ``broken`` map a data set to the reason.
    """

    grounds: list[Ground] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """Return what became of each data set: status, reason, and notes on its splits."""
        ready = {g.dataset.name: _state("ready", "", g.splits.notes) for g in self.grounds}
        skipped = {name: _state("skipped", why) for name, why in self.skipped.items()}
        return ready | skipped | {name: _state("failed", why) for name, why in self.broken.items()}


@dataclass(frozen=True)
class Places:
    """The folders that a suite's data sets are prepared in.

    ``data`` holds the users' files, ``cache`` the packed features, ``store`` the suite's results.
    """

    data: Path
    cache: Path
    store: Path


def prepare(suite: Suite, registry: Registry, places: Places, *, verify: bool = True) -> Prepared:
    """Return the data sets of ``suite``, with features in the cache and splits in the store.

    A data set whose files are absent is skipped; one whose files are wrong is broken; the others
    go on.

    Parameters
    ----------
    verify
        Compare kept features with their content hash, which reads all of them.
    """
    prepared = Prepared()
    for dataset, view in wanted(suite, registry):
        try:
            features = cached_features(
                dataset, view, data=places.data, cache=places.cache, verify=verify
            )
            ground = _ground(suite, (dataset, view), features, places)
        except MissingDataError as absent:
            prepared.skipped[dataset.name] = _without_name(dataset, absent)
        except MilbenchError as error:
            seen = f"through {view.name}: " if view.tiler is not None else ""
            prepared.broken[dataset.name] = seen + _without_name(dataset, error)
        else:
            prepared.grounds.append(ground)
    return prepared


def _without_name(dataset: Dataset, error: MilbenchError) -> str:
    """Return the message of an error that is shown behind the name of its data set."""
    return str(error).removeprefix(f"{dataset.name}: ")


def _state(status: str, reason: str, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"status": status, "reason": reason, "notes": list(notes)}


def _ground(suite: Suite, seen: tuple[Dataset, View], features: Features, places: Places) -> Ground:
    dataset, view = seen
    splits = _drawn(suite, dataset, features.table, places.data)
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


def _drawn(suite: Suite, dataset: Dataset, table: BagTable, data: Path) -> Splits:
    plan = SplitPlan(**suite.splits.model_dump())
    read = dataset.load_published_splits() if plan.scheme == "published" else None
    published = None if read is None else read(data)
    return draw_splits(table, plan, name=dataset.name, published=published)


def _keep(path: Path, drawn: Splits, table: BagTable) -> None:
    """Store ``drawn`` at ``path``, unless a file with at least as many repeats is there.

    Raises
    ------
    SplitError
        If the stored file is damaged or has other splits.
    """
    if path.exists():
        stored = load_splits(path, table)
        shared = min(stored.n_repeats, drawn.n_repeats)
        if not np.array_equal(stored.roles[:shared], drawn.roles[:shared]):
            raise SplitError(
                f"{path}: holds other splits than this version draws for the same plan; "
                "keep the file and use the version that drew it, or move the results away"
            )
        if stored.n_repeats >= drawn.n_repeats:
            return
    drawn.save(path)
