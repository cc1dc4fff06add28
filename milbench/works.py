"""What to cite for a suite: the papers of its methods, data sets, tilers and encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.jobs import rows
from milbench.leaderboard.board import Work
from milbench.records import Aggregator
from milbench.view import sections, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.records import Dataset, Encoder, Tiler
    from milbench.registry import Registry
    from milbench.suite import Suite

Named = tuple[str, str, str]  # kind, name, paper


def works_of(suite: Suite, registry: Registry) -> tuple[Work, ...]:
    """Return one entry for each record that a suite uses, with the rows or data sets it is for."""
    used: dict[Named, dict[str, None]] = {}
    for named, by in (*_methods(suite, registry), *_seen(suite, registry)):
        used.setdefault(named, {})[by] = None
    return tuple(
        Work(kind=kind, name=name, used_by=tuple(by), paper=paper)
        for (kind, name, paper), by in used.items()
    )


def _methods(suite: Suite, registry: Registry) -> Iterator[tuple[Named, str]]:
    for row in rows(suite, registry):
        record = registry.record(Aggregator, row.method.name)
        yield ("method", record.name, record.paper), row.label


def _seen(suite: Suite, registry: Registry) -> Iterator[tuple[Named, str]]:
    for dataset, section in sections(suite, registry):
        own = (view_of(method, dataset, section, registry) for method in suite.methods)
        for view in (section, *own):
            by = f"{dataset.name} ({view.name})"
            yield _named("dataset", dataset), by
            yield _named("encoder", view.encoder), by
            if view.tiler is not None:
                yield _named("tiler", view.tiler), by


def _named(kind: str, record: Dataset | Encoder | Tiler) -> Named:
    return kind, record.name, record.paper
