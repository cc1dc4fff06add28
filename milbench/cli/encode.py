"""``milbench encode``: encode the tiles of a data set ahead of a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import results
from milbench.cli.options import (
    FOLDER,
    cache_option,
    chosen_device,
    chosen_tiling,
    data_option,
    found_dataset,
    results_option,
    setting_option,
    suite_option,
    tiler_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.cli.encoding import Encoded
    from milbench.features import Features
    from milbench.records import Dataset
    from milbench.registry import Registry
    from milbench.view import View

MEGA, GIGA = 10**6, 10**9


@click.command(short_help="Encode the tiles of a data set ahead of a run.")
@click.argument("dataset")
@click.argument("encoder")
@suite_option
@tiler_option
@setting_option
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Numbers to compute in; a suite asks for these features as ENCODER@PRECISION.",
)
@click.option("--batch", type=click.IntRange(min=1), help="Tiles at once; what suits if unset.")
@click.option(
    "--weights",
    type=FOLDER,
    envvar="MILBENCH_WEIGHTS",
    show_envvar=True,
    help="Folder with the files of weights; missing ones are downloaded where that is possible.",
)
@click.option("--pretrain", is_flag=True, help="First train the weights on these tiles.")
@click.option(
    "--epochs", type=click.IntRange(min=1), default=100, show_default=True, help="Of --pretrain."
)
@click.option(
    "--pretrain-batch",
    type=click.IntRange(min=2),
    default=512,
    show_default=True,
    help="Tiles of a step of --pretrain.",
)
@click.option(
    "--lr",
    type=click.FloatRange(min=0, min_open=True),
    default=1e-5,
    show_default=True,
    help="First learning rate of --pretrain.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of --pretrain.")
@data_option
@cache_option
@results_option
def encode(dataset: str, encoder: str, *, data: Path, cache: Path, **options: Any) -> None:
    """Encode the tiles of DATASET by ENCODER, and keep the features for later runs.

    ENCODER may be NAME@bfloat16 or NAME@float16. What is already encoded is left alone; what was
    interrupted goes on. See: milbench list encoders, milbench info NAME.
    """
    from milbench.cli.encoding import Encoded
    from milbench.features import Encoding, Making, cached_features

    registry, found = found_dataset(dataset, options["suite"], options["results"], cache)
    view = _view(registry, found, encoder, options)
    if options["device"] != "auto":
        options["device"] = chosen_device(options["device"])
    if options["pretrain"]:
        _pretrain(registry, (found, view), data, cache, options)
    encoding = Encoding(
        device=options["device"],
        batch=options["batch"],
        weights=options["weights"],
        download=True,
    )
    with Encoded(f"{found.name} ({view.name})") as progress:
        started = time.perf_counter()
        making = Making(observe=progress, encoding=encoding)
        features = cached_features(found, view, data=data, cache=cache, making=making)
        spent = time.perf_counter() - started
    results.print(_said(view, features, progress, spent), markup=False)


def _view(registry: Registry, dataset: Dataset, encoder: str, options: dict[str, Any]) -> View:
    """Return what the data set is to be seen through, or refuse what does not fit."""
    from milbench.view import View, named_encoder

    name, _, asked = encoder.partition("@")
    precision = options["precision"] or asked or "float32"
    if asked not in ("", precision):
        raise click.UsageError(f"{encoder} and --precision {precision} contradict each other")
    record, number = named_encoder(registry, f"{name}@{precision}")
    tiler, settings = chosen_tiling(registry, dataset, options["tiler"], options["settings"])
    return View(record, tiler, settings, number)


def _pretrain(
    registry: Registry,
    seen: tuple[Dataset, View],
    data: Path,
    cache: Path,
    options: dict[str, Any],
) -> None:
    """Train the weights of the encoder on the tiles, which are kept as features of ``pixels``."""
    from milbench.cli.encoding import Encoded, Trained
    from milbench.features import Making, cached_features, trained_path
    from milbench.features.pretrain import Schedule, pretrain
    from milbench.records import Encoder
    from milbench.view import View

    dataset, view = seen
    if view.encoder.pretrain is None:
        raise click.UsageError(f"encoder {view.encoder.name} is not trained on tiles")
    pixels = View(registry.record(Encoder, "pixels"), view.tiler, view.args)
    with Encoded(f"{dataset.name} ({pixels.name})") as progress:
        tiles = cached_features(
            dataset, pixels, data=data, cache=cache, making=Making(observe=progress)
        )
    path = trained_path(dataset, view, data, cache)
    with Trained(view.encoder.name, options["epochs"]) as report:
        schedule = Schedule(
            epochs=options["epochs"],
            batch=options["pretrain_batch"],
            lr=options["lr"],
            seed=options["seed"],
            device=chosen_device(options["device"]),
            report=report.advance,
            begin=report.begin,
        )
        pretrain(view.encoder, tiles, path, schedule)
    seen_by = "all tiles, those of test bags too" * (view.encoder.pretrained_on == "all")
    seen_by = seen_by or "the tiles of the official training part"
    results.print(
        f"{view.encoder.name}: trained on {seen_by}, without labels: {path}", markup=False
    )


def _said(view: View, features: Features, progress: Encoded, spent: float) -> str:
    """Return what is there now, its size, and how fast it was made."""
    array = features.array
    size = _size(array.nbytes)
    made = f"{progress.tiles} tiles in {spent:.1f} s, {progress.tiles / spent:.0f} tiles/s"
    how = made if progress.tiles or progress.taken else "was there already"
    if progress.taken:
        how += f"; {progress.taken} bags were encoded before, for another data set or version"
        how += _on_disk(features)
    left_out = f", {len(features.left_out)} bags left out" * bool(features.left_out)
    shape = " x ".join(map(str, features.instance_shape))
    return (
        f"{features.dataset} ({view.name}): {len(features)} bags, {len(array)} tiles, "
        f"{shape} {array.dtype}, {size}{left_out}; {how}: {features.path}"
    )


def _on_disk(features: Features) -> str:
    """Say how much disk the store takes beside those that its rows are shared with."""
    own = features.path.stat().st_size
    if features.is_linked:
        return f", and lie on the disk once: {_size(own)} more"
    return f", and are copied: {_size(own)} more"


def _size(size: int) -> str:
    return f"{size / GIGA:.2f} GB" if size >= GIGA else f"{size / MEGA:.1f} MB"
