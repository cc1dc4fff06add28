"""``milbench run --bags``: from a table and a folder to a suite file, which is then run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages
from milbench.cli.options import OWN_SUITE, suite_paths
from milbench.errors import SuiteError
from milbench.records import Aggregator
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.cli.own_options import Own
    from milbench.own_data import OwnData
    from milbench.registry import Registry

DEFAULT = "own"  # the suite whose methods are compared where none is named
OFFICIAL_SEEDS = 5  # of one split, so that the table shows a spread
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

    base = _base(suite or DEFAULT, registry, options["results"])
    data = _resolved(own, own.name or _name_of(own.bags))
    name = own.name or (data.name if suite is None else f"{data.name}-{base['name']}")
    for taken in {name, data.name}:
        if taken in suite_files(registry.suites()) or registry.matching("dataset", taken):
            raise SuiteError(
                f"{taken!r} is the name of a suite or data set; give another: --name NAME"
            )
    whole = {"name": name, **_suite(own, data, base, registry, options["repeats"])}
    path: Path = options["results"] / name / OWN_SUITE
    _tell_replaced(path, whole)
    write_atomic(path, suite_text(whole))
    messages.print(f"wrote {path}; go on with: milbench run --suite {path}", markup=False)
    return path


def _base(suite: str, registry: Registry, results: Path) -> dict[str, Any]:
    """Return the tables of a suite file.

    Raises
    ------
    SuiteError
        If there is no such suite, or it has faults.
    """
    from milbench.suite import listing, read_suite, structural_faults

    if suite == "all":
        raise click.UsageError("--suite all: with --bags, name the one whose methods are meant")
    (path,) = suite_paths(suite, registry, results)
    base = read_suite(path)
    faults = structural_faults(base)
    if faults:
        raise SuiteError(listing(path, faults))
    return base


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


def _suite(
    own: Own, data: OwnData, base: Mapping[str, Any], registry: Registry, repeats: int | None
) -> dict[str, Any]:
    """Return the tables of the suite, with all that the table of labels says written down."""
    methods = _methods(own.methods, base["methods"], registry)
    report = {**base.get("report", {}), "reference": _reference(base, methods, registry)}
    train = {"train": base["train"]} if "train" in base else {}
    of = f", by the suite {base['name']}" if base["name"] != DEFAULT else ""
    return {
        "summary": f"Own data of {own.bags.name}{of}.",
        "dataset": [data.model_dump(mode="json", exclude_defaults=True)],
        **_design(own, data, base, repeats),
        **train,
        "report": report,
        "methods": methods,
    }


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
        "features": _folders(own.features),
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


def _methods(
    asked: str | None, given: Sequence[Mapping[str, Any]], registry: Registry
) -> list[dict[str, Any]]:
    """Return the rows of the suite, or those that are asked for, with the suite's settings.

    The field's spelling with underscores is taken too. What a row says of single data sets is left
    out, and so are rows that see bags in a way of their own.
    """
    rows = {row.get("label", row["name"]): dict(row) for row in given}
    for label, row in list(rows.items()):
        row.pop("on", None)
        if row.keys() & {"tiler", "encoder"}:
            del rows[label]
            messages.print(
                f"{label}: left out; it cuts or encodes pictures, and these are features",
                markup=False,
            )
    if asked is None:
        return list(rows.values())
    names = [name.strip().replace("_", "-") for name in asked.split(",") if name.strip()]
    for name in set(names) - rows.keys():
        registry.record(Aggregator, name)
    return [rows.get(name, {"name": name}) for name in names]


def _reference(
    base: Mapping[str, Any], methods: Sequence[Mapping[str, Any]], registry: Registry
) -> str:
    """Return what the others are compared with: as the suite says, else the first method."""
    from milbench.search import TUNED

    rows = {str(row.get("label", row["name"])): row["name"] for row in methods}
    said = str(base.get("report", {}).get("reference", ""))
    if said.removesuffix(TUNED) in rows:
        return said
    controls = {row for row, name in rows.items() if registry.record(Aggregator, str(name)).control}
    return next((row for row in rows if row not in controls), next(iter(rows)))


def _design(
    own: Own, data: OwnData, base: Mapping[str, Any], repeats: int | None
) -> dict[str, Any]:
    """Return splits and protocol: the file's, the table's parts, or as the suite draws them.

    Raises
    ------
    SuiteError
        If the suite takes the parts of its data sets, and this one has none.
    """
    from milbench.suite import OWN_PARTS
    from milbench.tables.offer import given_size

    splits, protocol = dict(base.get("splits", {})), dict(base.get("protocol", {}))
    scheme = splits.pop("scheme", "kfold")
    if data.splits:
        n_repeats, n_folds = given_size(data)
        splits |= {"scheme": "given", "repeats": n_repeats, "folds": n_folds}
    elif data.split and own.folds is None:
        splits |= {"scheme": "official", "repeats": 1}
        protocol["seeds"] = repeats or protocol.get("seeds", OFFICIAL_SEEDS)
    elif scheme in OWN_PARTS and own.folds is None:
        raise SuiteError(
            f"suite {base['name']!r} takes the parts that its data sets have, and {data.bags} has "
            "none: name their column with --split-column, or draw folds with --folds 5"
        )
    else:
        splits |= {"scheme": scheme} if scheme == "monte-carlo" else {}
        splits |= {"repeats": repeats} if repeats else {}
        splits |= {"folds": own.folds} if own.folds else {}
    if splits.get("scheme") != "given":
        splits.pop("leaks", None)
    found = {"splits": splits, "protocol": protocol}
    return {name: table for name, table in found.items() if table}


def _name_of(bags: Path) -> str:
    """Return a name for the data set of a table."""
    stem = bags.stem if bags.stem.casefold() not in PLAIN_STEMS else bags.resolve().parent.name
    name = re.sub(r"[^a-z0-9]+", "-", stem.casefold()).strip("-")
    return name if re.match(r"[a-z]", name) else f"own-{name}".rstrip("-")
