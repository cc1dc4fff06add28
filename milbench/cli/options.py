"""Options and lookups that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milbench.errors import SuiteError
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from milbench.registry import Registry

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
    """Return the suite file called ``name``, the file at that path, or all of them.

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
        return list(known.values())
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
