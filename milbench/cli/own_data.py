"""``milbench run --bags``: from a table and a folder to a suite file, which is then run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages
from milbench.cli.options import OWN_SUITE
from milbench.cli.own_suite import DEFAULT, base_suite, tables_of
from milbench.errors import SuiteError
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from milbench.cli.own_options import Own
    from milbench.own_data import OwnData
    from milbench.registry import Registry

# Names of tables that say nothing of the data; the folder's name is taken.
PLAIN_STEMS = frozenset({"labels", "label", "bags", "slides", "dataset", "data", "table", "train"})


def own_suite(own: Own, suite: str | None, registry: Registry, options: dict[str, Any]) -> Path:
    """Write the suite of own data below the results, and return its path.

    Parameters
    ----------
    suite
        Whose methods, splits, training, protocol and report are taken; ``own`` where None. Its
        data sets, and how it sees their bags, are its own affair.

    Raises
    ------
    SuiteError
        If the table or the suite is unclear, or the name is taken.
    """
    from milbench.atomic import write_atomic
    from milbench.tables.write_suite import suite_text

    base = base_suite(suite or DEFAULT, registry, options["results"])
    data = _resolved(own, own.name or _name_of(own.bags))
    name = own.name or (data.name if suite is None else f"{data.name}-{base['name']}")
    for taken in {name, data.name}:
        if taken in suite_files(registry.suites()) or registry.matching("dataset", taken):
            raise SuiteError(
                f"{taken!r} is the name of a suite or data set; give another: --name NAME"
            )
    whole = {"name": name, **tables_of(own, data, base, registry, options["repeats"])}
    path: Path = options["results"] / name / OWN_SUITE
    _tell_replaced(path, whole)
    write_atomic(path, suite_text(whole))
    messages.print(f"wrote {path}; go on with: milbench run --suite {path}", markup=False)
    return path


def _tell_replaced(path: Path, data: dict[str, Any]) -> None:
    """Say when results of other data have the same name; a leaderboard shows the newest."""
    from milbench.suite import read_suite

    try:
        before = read_suite(path)["dataset"][0]["bags"]
    except (SuiteError, KeyError, IndexError, TypeError):
        return  # none yet, or none that this command wrote
    if before != data["dataset"][0]["bags"]:
        messages.print(
            f"{path} was that of {before}; tables show this data from now on. --name keeps both",
            markup=False,
        )


def _resolved(own: Own, name: str) -> OwnData:
    """Return the data set with all that the table says of it.

    Raises
    ------
    SuiteError
        If an option cannot be meant, or the table is unclear.
    """
    from milbench.tables.resolve import resolved

    return resolved(_checked(own, name), Path.cwd())


def _checked(own: Own, name: str) -> OwnData:
    """Return the data set that the options describe, with whole paths.

    The suite file lies elsewhere than where the command was given.
    """
    from milbench.own_data import OwnData
    from milbench.suite import structural_faults

    said = {
        "name": name,
        "bags": str(own.bags.resolve()),
        "features": _folders(own.features) if own.features else None,
        "slides": own.slides and str(own.slides.resolve()),
        "slide": own.slide_column,
        "label": own.label_column,
        "patient": own.patient_column,
        "site": own.site_column,
        "split": own.split_column,
        "task": own.task,
        "classes": own.classes and [part.strip() for part in own.classes.split(",")],
        "metric": own.metric,
        "fusion": own.fusion,
        "splits": own.splits and str(own.splits.resolve()),
    }
    given = {key: value for key, value in said.items() if value is not None}
    faults = structural_faults({"name": name, "dataset": [given], "methods": [{"name": "any"}]})
    if faults:
        raise SuiteError("; ".join(fault.removeprefix("dataset[0].") for fault in faults))
    return OwnData.model_validate_json(json.dumps(given))


def _folders(given: tuple[str, ...]) -> str | dict[str, str]:
    """Return the folder, or the folder of each encoder, as whole paths."""
    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).is_dir()):
        return str(_folder(given[0]))
    folders: dict[str, str] = {}
    for entry in given:
        spelt, equals, folder = entry.partition("=")
        name = spelt.replace("_", "-")  # as the field spells encoders: uni_v1
        if not equals or not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in folders:
            raise click.BadParameter(
                f"{entry!r}: expected NAME=DIR with a name of its own, of lower-case letters, "
                "digits and hyphens, such as uni=DIR1",
                param_hint="--features",
            )
        folders[name] = str(_folder(folder))
    return folders


def _folder(given: str) -> Path:
    path = Path(given).expanduser().resolve()
    if not path.is_dir():
        raise click.BadParameter(f"{given!r}: no such folder", param_hint="--features")
    return path


def _name_of(bags: Path) -> str:
    """Return a name for the data set of a table."""
    stem = Path(bags.name.removesuffix(".gz")).stem
    stem = stem if stem.casefold() not in PLAIN_STEMS else bags.resolve().parent.name
    name = re.sub(r"[^a-z0-9]+", "-", stem.casefold()).strip("-")
    return name if re.match(r"[a-z]", name) else f"own-{name}".rstrip("-")
