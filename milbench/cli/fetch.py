"""``milbench fetch``: download the files of data sets and check them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from milbench.cli.console import messages, results
from milbench.cli.options import data_option
from milbench.errors import MilbenchError
from milbench.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.progress import Progress, TaskID

    from milbench.records import Dataset

USAGE = 2


@click.command(short_help="Download data sets and check them.")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Every data set that has a download.")
@click.option("--mirror", metavar="URL", help="Get the files below this address instead.")
@data_option
@click.pass_context
def fetch(
    context: click.Context, names: Sequence[str], *, is_all: bool, mirror: str | None, data: Path
) -> None:
    """Download the files of data sets into the data folder.

    Every file is checked against its checksum; files that are there and right are kept. NAME is
    one of: milbench list datasets.
    """
    datasets = _chosen(names, is_all=is_all)
    failed = False
    for dataset in datasets:
        try:
            _fetch_one(dataset, data, mirror)
        except MilbenchError as error:  # the other data sets may still come
            messages.print(f"error: {error}", markup=False)
            failed = True
    if failed:
        context.exit(USAGE)


def _chosen(names: Sequence[str], *, is_all: bool) -> list[Dataset]:
    """Return the records asked for; unknown names are refused before anything is downloaded."""
    if is_all == bool(names):
        raise click.UsageError("name data sets, or use --all; see: milbench list datasets")
    registry = load_registry()
    if not is_all:
        return [cast("Dataset", registry.find("dataset", name).record) for name in names]
    every = [cast("Dataset", offer.record) for offer in registry.offers("dataset")]
    return [dataset for dataset in every if dataset.downloads]


def _fetch_one(dataset: Dataset, data: Path, mirror: str | None) -> None:
    """Fetch one data set and say on stdout where its files are."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from milbench.fetch import fetch as fetch_files

    if not dataset.downloads:
        results.print(f"{dataset.name}: {_without_download(dataset)}", markup=False)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages) as progress:
        places = fetch_files(
            dataset, data, base_url=mirror, bar=lambda path: ProgressLine(progress, path)
        )
    for place in places:
        results.print(f"{dataset.name}: {place}", markup=False)


def _without_download(dataset: Dataset) -> str:
    """Say why there is nothing to download, and what to do instead."""
    if not dataset.files:
        return "nothing to fetch, the data set is built in"
    source = f" Public source: {dataset.url}" if dataset.url else ""
    return f"no download is known. {dataset.how_to_get or 'See its documentation.'}{source}"


class ProgressLine:
    """One line of rich's progress display with the part of tqdm's interface that pooch drives."""

    def __init__(self, progress: Progress, path: str) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(path, total=None)

    @property
    def total(self) -> float | None:
        """Bytes of the file; None while the server has not said."""
        return self._progress.tasks[self._task].total

    @total.setter
    def total(self, amount: float | None) -> None:
        self._progress.update(self._task, total=amount or None)

    def update(self, amount: int) -> None:
        """Add ``amount`` bytes."""
        self._progress.advance(self._task, amount)

    def reset(self) -> None:
        """Start again from zero."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Leave the line as it is."""
        self._progress.stop_task(self._task)
