"""The plugin API, version 1: what a plugin may implement, and when it is called.

A plugin is a module that a distribution names in the entry-point group ``milbench.v1``::

    [project.entry-points."milbench.v1"]
    mean = "milbench_mean"

Its hooks are functions marked with :data:`hookimpl`. The hooks that register something take no
arguments and yield frozen records, so they are pure and cost nothing to list. The two ``finished``
hooks are observers: what they raise is reported and never stops a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from milbench.records import Aggregator, Dataset, Encoder, Tiler

API_VERSION = 1
PROJECT = "milbench"
GROUP = f"{PROJECT}.v{API_VERSION}"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def milbench_datasets() -> Iterable[Dataset]:  # type: ignore[empty-body]
    """Yield the data sets of this plugin; called when a name is first looked up."""


@hookspec
def milbench_encoders() -> Iterable[Encoder]:  # type: ignore[empty-body]
    """Yield the encoders of this plugin; called when a name is first looked up."""


@hookspec
def milbench_tilers() -> Iterable[Tiler]:  # type: ignore[empty-body]
    """Yield the tilers of this plugin; called when a name is first looked up."""


@hookspec
def milbench_aggregators() -> Iterable[Aggregator]:  # type: ignore[empty-body]
    """Yield the aggregators of this plugin; called when a name is first looked up."""


@hookspec
def milbench_suites() -> Iterable[Path]:  # type: ignore[empty-body]
    """Yield paths to suite files; called by ``run --suite`` and ``list suites``."""


@hookspec
def milbench_run_finished(run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Observe one finished run, in the main process, after its record is written.

    Parameters
    ----------
    run
        What was run: data set, encoder, aggregator, settings, repeat, fold, seed.
    result
        The whole record as stored, a JSON object.
    """


@hookspec
def milbench_suite_finished(suite: str, store: Path) -> None:
    """Observe the end of a suite, once, after its last run.

    Parameters
    ----------
    suite
        The suite's name.
    store
        Folder of the suite's result files.
    """
