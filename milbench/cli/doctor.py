"""``milbench doctor``: is everything here in order, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import print_json, table
from milbench.cli.console import results as output
from milbench.cli.options import cache_option, data_option, results_option
from milbench.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.doctor import Finding


@click.command(short_help="Check packages, device, data sets, caches and disk.")
@data_option
@cache_option
@results_option
@click.option("--verify", is_flag=True, help="Read all of downloads, caches and results.")
@click.option("--all", "is_all", is_flag=True, help="Also what is in order.")
@click.option("--clean", is_flag=True, help="Remove stale and damaged features, after asking.")
@click.option("--yes", is_flag=True, help="With --clean: do not ask.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def doctor(form: str, *, verify: bool, is_all: bool, **options: Any) -> int:
    """Look at everything that milbench needs, and say what to do where something is wrong.

    Nothing is changed without --clean, which lists what it would remove from the cache and asks.
    Ends with status 0 when nothing is broken, with 1 otherwise.
    """
    from milbench.doctor import Folders, examine

    is_clean, is_agreed = options.pop("clean"), options.pop("yes")
    folders: dict[str, Path] = options
    if is_agreed and not is_clean:
        raise click.UsageError("--yes belongs to --clean")
    if is_clean:
        from milbench.cli.cleaning import clean

        return clean(Folders(**folders), form, verify=verify, is_agreed=is_agreed)
    found = list(examine(Folders(**folders), load_registry(), verify=verify))
    if form == "json":
        print_json([finding._asdict() for finding in found])
    else:
        _print(found, is_all=is_all)
    return 1 if any(finding.level == "broken" for finding in found) else 0


def _print(found: list[Finding], *, is_all: bool) -> None:
    """Print what is not in order, and how many things are; with ``is_all`` every line."""
    shown = [f for f in found if is_all or f.level != "ok" or f.area in ("device", "disk")]
    columns = ("area", "name", "level", "found", "next step")
    output.print(table(columns, [tuple(finding) for finding in shown_in_order(shown)]))
    counts = {level: sum(f.level == level for f in found) for level in ("ok", "note", "broken")}
    output.print(
        f"{counts['ok']} in order, {counts['note']} notes, {counts['broken']} broken"
        f"{'' if is_all else '; --all shows every line'}",
        markup=False,
    )


def shown_in_order(found: list[Finding]) -> list[Finding]:
    """Return the findings with what is broken first, else as they were."""
    return sorted(found, key=lambda finding: finding.level != "broken")
