"""``milbench explain``: the runs, hashes and versions behind one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import facts, messages, results, table
from milbench.cli.options import opened_suite, results_option
from milbench.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.registry import Registry
    from milbench.trace import Explanation


@click.command(short_help="Show the runs, hashes and versions behind one number.")
@click.argument("address")
@results_option
@click.option("--repeats", type=click.IntRange(min=1), help="Only the first repeats of the suite.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def explain(address: str, form: str, **options: Any) -> None:
    """Show what stands behind the number at ADDRESS, "SUITE:method:dataset:metric".

    The number is computed again from the stored predictions, and every run it comes from is named
    with its file. DATASET may be NAME/LEVEL for a coarse level and NAME@VIEW where there are
    several views. Without the last parts, what there is is listed.
    """
    registry = load_registry()
    with messages.status("tracing the number"):
        found = _explained(address, registry, options["results"], options["repeats"])
    if form == "json":
        from milbench.report.json_document import to_text

        click.echo(to_text(found), nl=False)
    else:
        _print(found)


def _explained(address: str, registry: Registry, folder: Path, repeats: int | None) -> Explanation:
    from milbench.run import board_of
    from milbench.store import Store
    from milbench.trace import explain as trace
    from milbench.trace.address import suite_of

    suite, registry = opened_suite(suite_of(address), registry, folder)
    store = Store(folder / suite.name)
    return trace(address, board_of(suite, registry, store, repeats), store.read_all(), store)


def _print(found: Explanation) -> None:
    from milbench.report import explained as report

    results.print(report.heading(found), style="bold", markup=False)
    results.print(facts(report.lines(found)))
    results.print()
    results.print(table(report.RUN_COLUMNS, report.run_lines(found)))
