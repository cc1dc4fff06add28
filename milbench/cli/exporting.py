"""``milbench export``: features, labels and splits, or predictions, as other tools read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages, results
from milbench.cli.options import (
    FOLDER,
    cache_option,
    data_option,
    opened_suite,
    results_option,
)
from milbench.errors import PluginError
from milbench.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.features import Features
    from milbench.records import Dataset
    from milbench.registry import Registry
    from milbench.splits import Splits
    from milbench.suite import Suite


@click.command(short_help="Write features, splits or predictions for other tools.")
@click.argument("name")
@click.option(
    "--format", "form", type=click.Choice(["clam", "trident", "stamp", "torchmil"]), required=True
)
@click.option("--out", type=FOLDER, required=True, help="Folder to write to; absent or empty.")
@click.option("--predictions", is_flag=True, help="NAME is a suite: write its predictions (clam).")
@click.option("--suite", metavar="NAME", help="Write the splits of this suite too.")
@click.option("--encoder", metavar="NAME", help="Of the features; else the data set's own.")
@click.option("--patches", metavar="NAME", help="trident: such as 20x_256px_0px_overlap.")
@click.option(
    "--unit",
    type=click.Choice(["level-0 pixels", "micrometres"]),
    help="Of coordinates, where the data set does not say.",
)
@click.option("--mpp", type=click.FloatRange(min=0, min_open=True), help="To convert coordinates.")
@click.option("--no-coords", is_flag=True, help="Leave coordinates out.")
@data_option
@cache_option
@results_option
def export(name: str, form: str, out: Path, *, predictions: bool, **options: Any) -> int:
    """Write the data set NAME, or with --predictions the suite NAME, in another tool's layout.

    Features go bag by bag, with labels, patients, and coordinates where there are any; splits
    come from the suite that is named with --suite.
    """
    from milbench.interchange.whole_folder import whole_folder

    with whole_folder(out) as place:
        if predictions:
            lines = _export_predictions(name, form, place, options["results"])
        else:
            lines = _export_data(name, form, place, options)
    for line in lines:
        results.print(f"wrote {out}: {line}", markup=False)
    return 0


def _export_predictions(name: str, form: str, out: Path, stores: Path) -> list[str]:
    """Write the predictions of a suite, and return a line for each data set and method."""
    from milbench.interchange.export_predictions import write_predictions
    from milbench.store import Store

    if form != "clam":
        raise click.UsageError(f"predictions are written as CLAM's only, not as {form}")
    suite, _ = opened_suite(name, load_registry(), stores)
    store = Store(stores / suite.name)
    counts = write_predictions(store.records(), out)
    return [f"{folder}, {count} runs" for folder, count in counts.items()]


def _export_data(name: str, form: str, out: Path, options: dict[str, Any]) -> list[str]:
    """Write the bags of a data set, and return what was written."""
    from milbench.interchange.export_data import FORMS, bags_of
    from milbench.interchange.outgoing import Target, write_all

    suite, registry = _suite(options)
    dataset, features = _features(name, options, registry)
    splits = None if suite is None else _splits(suite, dataset, features, options["data"])
    target = Target(
        folder=out,
        name=dataset.name,
        classes=dataset.classes,
        encoder=features.encoder,
        patches=options["patches"] or "",
        unit=options["unit"] or "",
        mpp=options["mpp"],
    )
    bags = bags_of(features, with_coords=not options["no_coords"])
    for note in write_all(bags, splits, target, FORMS[form]):
        messages.print(f"note: {note}", markup=False)
    folds = "" if splits is None else f", {splits.n_repeats} x {splits.n_folds} folds"
    kind = f"{features.dim} features, {features.array.dtype.name}"
    return [f"{len(features)} bags of {kind}{folds}"]


def _suite(options: dict[str, Any]) -> tuple[Suite | None, Registry]:
    """Return the suite that splits come from, and the registry with its own data sets."""
    registry = load_registry()
    if options["suite"] is None:
        return None, registry
    return opened_suite(options["suite"], registry, options["results"], cache=options["cache"])


def _features(name: str, options: dict[str, Any], registry: Registry) -> tuple[Dataset, Features]:
    from milbench.features import cached_features
    from milbench.records import Dataset, Tiler
    from milbench.view import View, encoder_of

    try:
        dataset = registry.record(Dataset, name)
    except PluginError as error:
        raise PluginError(f"{error}; your own data come with their suite: --suite") from None
    encoder, precision = encoder_of(registry, dataset, options["encoder"] or dataset.encoder)
    tiler = registry.record(Tiler, dataset.tiler) if dataset.tiler else None
    view = View(encoder, tiler, dataset.tiler_args, precision)
    return dataset, cached_features(dataset, view, data=options["data"], cache=options["cache"])


def _splits(suite: Suite, dataset: Dataset, features: Features, data: Path) -> Splits:
    from milbench.prepare import drawn

    return drawn(suite, dataset, features.table, data)
