"""Which keys of a suite count on own data, and what is put in the place of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages
from milbench.cli.options import parsed_setting, suite_paths
from milbench.errors import SuiteError
from milbench.records import Aggregator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.cli.own_options import Own
    from milbench.own_data import OwnData
    from milbench.registry import Registry

    Tables = Mapping[str, Any]  # of a suite file, whose structure has no fault

DEFAULT = "own"  # the suite whose methods are compared where none is named
SEEDS = 5  # of one split, so that the table shows a spread


def base_suite(suite: str, registry: Registry, results: Path) -> dict[str, Any]:
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


def tables_of(
    own: Own, data: OwnData, base: Tables, registry: Registry, repeats: int | None
) -> dict[str, Any]:
    """Return all tables but the name of the suite that ``base`` becomes on own data.

    Raises
    ------
    SuiteError
        If the suite takes the parts of its data sets, and these data have none.
    """
    methods = _methods(own, base["methods"], registry)
    of = f", by the suite {base['name']}" if base["name"] != DEFAULT else ""
    return {
        "summary": f"Own data of {own.bags.name}{of}.",
        "dataset": [data.model_dump(mode="json", exclude_defaults=True)],
        **(_seen(own, base) if data.slides else {}),
        **_design(own, data, base, repeats),
        **({"train": base["train"]} if "train" in base else {}),
        "report": {**base.get("report", {}), "reference": _reference(base, methods, registry)},
        "methods": methods,
    }


def _methods(
    own: Own, given: Sequence[Mapping[str, Any]], registry: Registry
) -> list[dict[str, Any]]:
    """Return the rows of the suite, or those that are asked for, with the suite's settings.

    The field's spelling with underscores is taken too. What a row says of single data sets is left
    out, and, where features are given, so are rows that see bags in a way of their own.
    """
    rows = {row.get("label", row["name"]): dict(row) for row in given}
    for label, row in list(rows.items()):
        row.pop("on", None)
        if own.features and row.keys() & {"tiler", "encoder"}:
            del rows[label]
            messages.print(
                f"{label}: left out; it cuts or encodes pictures, and these are features",
                markup=False,
            )
    if own.methods is None:
        return list(rows.values())
    names = [name.strip().replace("_", "-") for name in own.methods.split(",") if name.strip()]
    for name in set(names) - rows.keys():
        registry.record(Aggregator, name)
    return [rows.get(name, {"name": name}) for name in names]


def _seen(own: Own, base: Tables) -> dict[str, Any]:
    """Return how slides are cut and encoded, where the options or the suite say it."""
    from milbench.own_data import TILER

    seen = {key: base[key] for key in ("tilers", "encoders") if key in base}
    if own.encoders:
        seen["encoders"] = list(own.encoders)
    if own.tiler or own.settings:
        settings = dict(parsed_setting(text) for text in own.settings)
        seen["tilers"] = [{"name": own.tiler or TILER, "args": settings}]
    return seen


def _reference(base: Tables, methods: Sequence[Tables], registry: Registry) -> str:
    """Return what the others are compared with: as the suite says, else the first method."""
    from milbench.search import TUNED

    rows = {str(row.get("label", row["name"])): row["name"] for row in methods}
    said = str(base.get("report", {}).get("reference", ""))
    if said.removesuffix(TUNED) in rows:
        return said
    controls = {row for row, name in rows.items() if registry.record(Aggregator, str(name)).control}
    return next((row for row in rows if row not in controls), next(iter(rows)))


def _design(own: Own, data: OwnData, base: Tables, repeats: int | None) -> dict[str, Any]:
    """Return splits and protocol: the file's, the table's parts, or as the suite draws them.

    Raises
    ------
    SuiteError
        If the suite takes the parts of its data sets, and this one has none.
    """
    from milbench.suite import OWN_PARTS
    from milbench.tables.offer import given_size

    splits, protocol = dict(base.get("splits", {})), dict(base.get("protocol", {}))
    group = own.group or splits.get("group", "patient")
    splits.pop("group", None)
    if group == "site":
        return _by_site(own, data, splits | {"group": group}, protocol, repeats)
    scheme = splits.pop("scheme", "kfold")
    if data.splits:
        n_repeats, n_folds = given_size(data)
        splits |= {"scheme": "given", "repeats": n_repeats, "folds": n_folds}
    elif data.split and own.folds is None:
        splits |= {"scheme": "official", "repeats": 1}
        protocol["seeds"] = repeats or protocol.get("seeds", SEEDS)
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


def _by_site(
    own: Own,
    data: OwnData,
    splits: dict[str, Any],
    protocol: dict[str, Any],
    repeats: int | None,
) -> dict[str, Any]:
    """Return the design of folds by site: few sites have few divisions, so one, from some seeds.

    Raises
    ------
    click.UsageError
        If the table has no column of sites, or a splits file divides the slides already.
    """
    from milbench.tables.match import match

    if data.splits:
        raise click.UsageError("--group site draws folds; leave --splits out")
    if not data.site:
        raise click.UsageError("--group site needs a column of sites; name it by --site-column")
    sites = {line.site for group in match(data, Path.cwd()).groups for line in group.lines}
    folds = own.folds or max(2, min(splits.get("folds", len(sites)), len(sites)))
    kept = {name: splits[name] for name in ("group", "validation", "seed") if name in splits}
    return {
        "splits": kept | {"repeats": 1, "folds": folds},
        "protocol": protocol | {"seeds": repeats or protocol.get("seeds", SEEDS)},
    }
