"""Options and lookups that several commands share."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.errors import PluginError, SuiteError
from milbench.suite_files import has_data_sets, suite_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.records import Dataset, Tiler
    from milbench.registry import Registry
    from milbench.suite import Precision, Suite

OWN_SUITE = "suite.toml"  # below the results of the suite that ``run --bags`` made

FOLDER = click.Path(path_type=Path, file_okay=False)

data_option = click.option(
    "--data",
    type=FOLDER,
    envvar="MILBENCH_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Folder with the files of the data sets.",
)
results_option = click.option(
    "--results",
    type=FOLDER,
    default=Path("results"),
    show_default=True,
    help="Folder for the result files.",
)


def default_cache() -> Path:
    """Return the folder for packed features where neither option nor variable names one."""
    from milbench.features import default_cache as found

    return found()


cache_option = click.option(
    "--cache",
    type=FOLDER,
    envvar="MILBENCH_CACHE",
    default=default_cache,
    show_default="~/.cache/milbench",
    show_envvar=True,
    help="Folder for the packed features.",
)

precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Numbers to train in, for every method; else as the suite says.",
)


def suite_paths(name: str, registry: Registry, results: Path | None = None) -> list[Path]:
    """Return the suite file called ``name``, the file at that path, or all that have data sets.

    Parameters
    ----------
    results
        Folder of all result files; the suite of a user's own data is kept there.

    Raises
    ------
    SuiteError
        If there is no such suite; the message names those that exist.
    """
    known = suite_files(registry.suites())
    if name == "all":
        return [path for path in known.values() if has_data_sets(path)]
    if name in known:
        return [known[name]]
    path = Path(name)
    if path.is_file():
        return [path]
    kept = None if results is None else results / name / OWN_SUITE
    if kept is not None and kept.is_file():
        return [kept]
    raise SuiteError(
        f"suite {name!r}: no such suite and no such file; suites: all, {', '.join(known)}"
    )


def chosen_device(name: str) -> str:
    """Return the device that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` stands for here.

    Raises
    ------
    click.BadParameter
        If there is no such device.
    """
    import torch

    has_cuda = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if has_cuda else "cpu"
    if name.startswith("cuda") and not has_cuda:
        raise click.BadParameter(
            f"{name!r}: torch {torch.__version__} sees no CUDA device; use cpu, or install a "
            "CUDA build of torch (README, 'On a GPU')",
            param_hint="--device",
        )
    try:
        torch.device(name)
    except RuntimeError:
        raise click.BadParameter(
            f"{name!r} is no device; use auto, cpu, cuda or cuda:N", param_hint="--device"
        ) from None
    return name


def opened_suite(
    name: str,
    registry: Registry,
    results: Path,
    *,
    cache: Path | None = None,
    precision: Precision | None = None,
) -> tuple[Suite, Registry]:
    """Return one suite, and the plugins with its own data sets beside them.

    Parameters
    ----------
    cache
        The folder for packed features; None where no features are wanted.

    Raises
    ------
    SuiteError
        If there is no such suite, or it has faults.
    """
    from milbench.suite import load_suite
    from milbench.tables.offer import with_own_data

    path = suite_paths(name, registry, results)[0]
    return load_suite(path, precision), with_own_data(registry, path, cache)


suite_option = click.option(
    "--suite",
    metavar="NAME",
    help="Suite, or suite file, that has DATASET as own data, and its tiler.",
)


def found_dataset(
    name: str, suite: str | None, results: Path, cache: Path | None
) -> tuple[Registry, Dataset]:
    """Return the plugins and the data set called ``name``, which may be own data of ``suite``.

    The tiler of the suite, its first where it has several, is then that of the data set.

    Raises
    ------
    PluginError
        If there is no such data set.
    """
    from milbench.records import Dataset
    from milbench.registry import load_registry

    registry = load_registry()
    if suite is None:
        try:
            return registry, registry.record(Dataset, name)
        except PluginError as error:
            raise PluginError(f"{error}; your own data come with their suite: --suite") from None
    opened, registry = opened_suite(suite, registry, results, cache=cache)
    dataset, tilers = registry.record(Dataset, name), opened.tilers
    if not dataset.tiler or not tilers:
        return registry, dataset
    return registry, replace(dataset, tiler=tilers[0].name, tiler_args=tilers[0].args)


tiler_option = click.option("--tiler", help="Name of a tiler; that of the data set if unset.")
setting_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the tiler, as a suite file has it: --set mpp=0.5. May be repeated.",
)


def chosen_tiling(
    registry: Registry, dataset: Dataset, name: str | None, given: Sequence[str]
) -> tuple[Tiler | None, dict[str, Any]]:
    """Return a tiler with its settings; those of the data set hold for its own tiler.

    Parameters
    ----------
    name
        Of the tiler; that of the data set when None.
    given
        Settings as ``KEY=VALUE``, the values as TOML has them.

    Raises
    ------
    click.UsageError
        If the data set gives no pictures, or a setting cannot be read, or the tiler has none of
        that name.
    """
    from milbench.check import argument_faults
    from milbench.records import Tiler

    settings = dict(parsed_setting(text) for text in given)
    if not dataset.tiler:
        if name or settings:
            raise click.UsageError(f"{dataset.name} gives no pictures, which a tiler needs")
        return None, {}
    tiler = registry.record(Tiler, name or dataset.tiler)
    faults = argument_faults(tiler, settings)
    if faults:
        raise click.BadParameter("; ".join(faults), param_hint="--set")
    own = dict(dataset.tiler_args) if tiler.name == dataset.tiler else {}
    return tiler, own | settings


def parsed_setting(setting: str) -> tuple[str, Any]:
    """Return name and value of ``name=value``, the value as TOML has it."""
    name, _, value = setting.partition("=")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        raise click.BadParameter(
            f"{setting!r}; expected a name and a TOML value: mpp=0.5, or 'unet={{ width = 8 }}'",
            param_hint="--set",
        ) from None
