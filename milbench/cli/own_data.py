"""``milbench run --bags``: from a table and a folder to a suite file, and what was left out."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages
from milbench.cli.options import OWN_SUITE
from milbench.errors import SuiteError
from milbench.records import Aggregator
from milbench.suite_files import suite_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from milbench.registry import Registry
    from milbench.run import Plan

METHODS = (
    *("prior", "bag-size", "pooled-logistic", "mean", "max"),
    *("abmil", "gated-abmil", "clam-sb", "dsmil", "transmil"),
)
REFERENCE = "mean"
REPEATS = FOLDS = 5
OFFICIAL_SEEDS = 5  # of one split, so that the table shows a spread
# Names of tables that say nothing of the data; the folder's name is taken.
PLAIN_STEMS = frozenset({"labels", "label", "bags", "slides", "dataset", "data", "table", "train"})
MOST_LINES = 20  # of what was left out, on a terminal; all are in a file

TABLE = click.Path(path_type=Path, exists=True, dir_okay=False)
OPTIONS = (
    click.option("--bags", type=TABLE, help="Your own data: a table (CSV) with a line a slide."),
    click.option(
        "--features",
        multiple=True,
        metavar="[NAME=]DIR",
        help="With --bags: the folder with a file of features a slide; again for more encoders.",
    ),
    click.option("--name", help="With --bags: of the data set and its suite."),
    click.option("--methods", help="With --bags: separated by commas; else ten common ones."),
    click.option("--folds", type=click.IntRange(min=2), help="With --bags; else 5."),
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
    click.option("--splits", type=TABLE, help="With --bags: slide, repeat, fold, role a line."),
)
NAMES = (
    *("bags", "features", "name", "methods", "folds", "classes", "task", "metric", "fusion"),
    *("slide_column", "label_column", "patient_column", "site_column", "split_column", "splits"),
)


def own_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for a user's own data to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Own:
    """What the command line says of own data, by the names of the options."""

    bags: Path
    given: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        """Return the option ``name``; None where it was not given."""
        return self.given.get(name)


def take_own(options: dict[str, Any]) -> Own | None:
    """Take the options for own data out of ``options``; None where there is no ``--bags``."""
    taken = {name: options.pop(name) for name in NAMES}
    bags = taken.pop("bags")
    given = {name: value for name, value in taken.items() if value not in (None, ())}
    if bags is None:
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise click.UsageError(f"{flags}: only with --bags; in a suite, write [[dataset]]")
        return None
    if "features" not in given:
        raise click.UsageError("--bags needs --features DIR, the folder with a file a slide")
    return Own(bags, given)


def named_suite(suite: str | None) -> str:
    """Return the suite that was asked for.

    Raises
    ------
    click.UsageError
        If none was.
    """
    if suite is None:
        raise click.UsageError("say what to run: --suite NAME, or --bags TABLE --features DIR")
    return suite


def own_suite(own: Own, suite: str | None, registry: Registry, options: dict[str, Any]) -> Path:
    """Write the suite of own data below the results, and return its path.

    Raises
    ------
    SuiteError
        If the table is unclear, or the name is taken.
    """
    from milbench.atomic import write_atomic
    from milbench.tables.write_suite import suite_text

    if suite is not None:
        raise click.UsageError("--suite or --bags: one of them; a suite may have a [[dataset]]")
    name = own.name or _name_of(own.bags)
    if name in suite_files(registry.suites()) or registry.matching("dataset", name):
        raise SuiteError(f"{name!r} is the name of a suite or data set; give another: --name NAME")
    data = _suite(own, name, registry, options["repeats"])
    path: Path = options["results"] / name / OWN_SUITE
    _tell_replaced(path, data)
    write_atomic(path, suite_text(data))
    messages.print(f"wrote {path}; go on with: milbench run --suite {path}", markup=False)
    return path


def _tell_replaced(path: Path, data: dict[str, Any]) -> None:
    """Say when results of other data have the same name; a leaderboard shows the newest."""
    if not path.exists():
        return
    before = tomllib.loads(path.read_text(encoding="utf-8")).get("dataset", [{}])[0].get("bags")
    if before != data["dataset"][0]["bags"]:
        messages.print(
            f"{path} was that of {before}; tables show this data from now on. --name keeps both",
            markup=False,
        )


def explain_left_out(plan: Plan, registry: Registry) -> None:
    """Tell which slides of own data are not used, and keep the whole list beside the results."""
    from milbench.tables.left_out import write_left_out
    from milbench.tables.offer import left_out

    ready = tuple(dict.fromkeys(ground.dataset.name for ground in plan.prepared.grounds))
    for name in ready:
        found = [one for _, one in left_out(registry, (name,))]
        if not found:
            continue
        path = plan.store.root / f"left-out-{name}.csv"
        write_left_out(path, found)
        for one in found[:MOST_LINES]:
            messages.print(f"left out of {name}: {one}", markup=False)
        more = f", {MOST_LINES} of them above" if len(found) > MOST_LINES else ""
        messages.print(f"left out of {name}: {len(found)} in all{more}; see {path}", markup=False)


def _suite(own: Own, name: str, registry: Registry, repeats: int | None) -> dict[str, Any]:
    from milbench.own_data import OwnData
    from milbench.tables.resolve import resolved

    methods = _methods(own.methods, registry)
    data = resolved(OwnData(**_dataset(own, name)), Path.cwd())
    return {
        "name": name,
        "summary": f"Own data of {own.bags.name}.",
        "dataset": [data.model_dump(mode="json", exclude={"splits"} if not data.splits else None)],
        **_design(own, data, repeats),
        "report": {"reference": _reference(methods, registry)},
        "methods": [{"name": method} for method in methods],
    }


def _dataset(own: Own, name: str) -> dict[str, Any]:
    """Return the table ``[[dataset]]`` with whole paths, since the suite file lies elsewhere."""
    columns = {role: own.given.get(f"{role}_column") for role in ROLES}
    found: dict[str, Any] = {
        "name": name,
        "bags": str(own.bags.resolve()),
        "features": _folders(own.features),
        **{role: column for role, column in columns.items() if column is not None},
        **{key: own.given[key] for key in ("task", "metric", "fusion") if key in own.given},
    }
    if own.classes:
        found["classes"] = tuple(part.strip() for part in own.classes.split(","))
    if own.splits:
        found["splits"] = str(own.splits.resolve())
    return found


ROLES = ("slide", "label", "patient", "site", "split")


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


def _methods(given: str | None, registry: Registry) -> list[str]:
    """Return the names of the methods; the field's spelling with underscores is taken too."""
    if given is None:
        return list(METHODS)
    names = [name.strip().replace("_", "-") for name in given.split(",") if name.strip()]
    for name in names:
        registry.record(Aggregator, name)
    return names


def _reference(methods: list[str], registry: Registry) -> str:
    """Return what the others are compared with: ``mean`` where it is, else the first method."""
    real = [name for name in methods if not registry.record(Aggregator, name).control]
    return REFERENCE if REFERENCE in methods else (real or methods)[0]


def _design(own: Own, data: Any, repeats: int | None) -> dict[str, Any]:
    """Return splits and protocol: the file's, the official parts, or folds drawn here."""
    from milbench.tables.offer import given_size

    if data.splits:
        n_repeats, n_folds = given_size(data)
        return {"splits": {"scheme": "given", "repeats": n_repeats, "folds": n_folds}}
    if data.split and own.folds is None:
        seeds = {"seeds": repeats or OFFICIAL_SEEDS}
        return {"splits": {"scheme": "official", "repeats": 1}, "protocol": seeds}
    return {"splits": {"repeats": repeats or REPEATS, "folds": own.folds or FOLDS}}


def _name_of(bags: Path) -> str:
    """Return a name for the data set of a table."""
    stem = bags.stem if bags.stem.casefold() not in PLAIN_STEMS else bags.resolve().parent.name
    name = re.sub(r"[^a-z0-9]+", "-", stem.casefold()).strip("-")
    return name if re.match(r"[a-z]", name) else f"own-{name}".rstrip("-")
