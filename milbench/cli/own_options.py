"""The options of ``milbench run`` for a user's own table and folder of features or slides."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OF_SLIDES = ("encoders", "tiler", "settings")
SPELT = {"encoders": "encoder", "settings": "set"}  # options that may be repeated
TABLE = click.Path(path_type=Path, exists=True, dir_okay=False)
OPTIONS = (
    click.option("--bags", type=TABLE, help="Your own data: a table with a line a slide."),
    click.option(
        "--features",
        multiple=True,
        metavar="[NAME=]DIR",
        help="With --bags: the folder with a file of features a slide; again for more encoders.",
    ),
    click.option(
        "--slides",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="With --bags, in place of --features: the folder with the slides, or images, "
        "themselves.",
    ),
    click.option(
        "--encoder",
        "encoders",
        multiple=True,
        metavar="NAME",
        help="With --slides: of their tiles; again for more. Else colour-texture.",
    ),
    click.option(
        "--tiler", metavar="NAME", help="With --slides: cuts them into tiles. Else tissue."
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="With --slides: a setting of the tiler, such as mpp=0.5. May be repeated.",
    ),
    click.option("--name", help="With --bags: of the data set and its suite."),
    click.option("--methods", help="With --bags: separated by commas; else the suite's."),
    click.option("--folds", type=click.IntRange(min=2), help="With --bags; else as the suite has."),
    click.option("--classes", help="With --bags: labels in order, separated by commas."),
    click.option("--task", type=click.Choice(["binary", "multi-class", "ordinal"])),
    click.option("--metric", help="With --bags: ranks the methods."),
    click.option(
        "--fusion",
        type=click.Choice(["none", "early", "late"]),
        help="With --bags: of a patient's slides: each by itself, one bag, or one mean.",
    ),
    click.option("--slide-column", metavar="NAME", help="With --bags; else found by name."),
    click.option("--label-column", metavar="NAME", help="The same."),
    click.option("--patient-column", metavar="NAME", help="The same; '' for none."),
    click.option("--site-column", metavar="NAME", help="The same."),
    click.option("--split-column", metavar="NAME", help="The same: official parts of the slides."),
    click.option(
        "--splits",
        type=click.Path(path_type=Path, exists=True),
        help="With --bags: file or folder of splits, as milbench or another tool writes them.",
    ),
    click.option(
        "--group",
        type=click.Choice(["patient", "site"]),
        help="With --bags: test on other patients, or on other sites; else patient.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Own:
    """What the command line says of own data, by the names of the options; None for nothing."""

    bags: Path
    features: tuple[str, ...]
    slides: Path | None
    encoders: tuple[str, ...]
    tiler: str | None
    settings: tuple[str, ...]
    name: str | None
    methods: str | None
    folds: int | None
    classes: str | None
    task: str | None
    metric: str | None
    fusion: str | None
    slide_column: str | None
    label_column: str | None
    patient_column: str | None
    site_column: str | None
    split_column: str | None
    splits: Path | None
    group: str | None


def own_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for a user's own data to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def take_own(options: dict[str, Any]) -> Own | None:
    """Take the options for own data out of ``options``; None where there is no ``--bags``.

    Raises
    ------
    click.UsageError
        If there are others of them without it, or there is no folder of features.
    """
    taken = {field.name: options.pop(field.name) for field in fields(Own)}
    if taken["bags"] is None:
        given = _flags(taken, taken)
        if given:
            raise click.UsageError(f"{given}: only with --bags; in a suite, write [[dataset]]")
        return None
    if bool(taken["features"]) == bool(taken["slides"]):
        raise click.UsageError(
            "--bags needs --features DIR, the folder with a file of features a slide, or --slides "
            "DIR, the folder with the slides; one of them"
        )
    only = _flags(taken, OF_SLIDES)
    if only and taken["features"]:
        raise click.UsageError(f"{only}: only with --slides; --features are encoded already")
    return Own(**taken)


def _flags(taken: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return which of the options ``names`` were given."""
    given = (name for name in names if taken[name] not in (None, ()))
    return ", ".join(f"--{SPELT.get(name, name).replace('_', '-')}" for name in given)


def named_suite(suite: str | None) -> str:
    """Return the suite that was asked for.

    Raises
    ------
    click.UsageError
        If none was.
    """
    if suite is None:
        raise click.UsageError(
            "say what to run: --suite NAME, or --bags TABLE with --features DIR or --slides DIR"
        )
    return suite
