"""``milbench reproduce``: a published number, ours beside it, and how the protocols differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import facts, messages, results
from milbench.cli.options import cache_option, data_option, results_option, suite_paths
from milbench.registry import load_registry

if TYPE_CHECKING:
    from milbench.published import Published
    from milbench.registry import Registry
    from milbench.reproduce import Reproduced
    from milbench.suite import Suite
    from milbench.train.work import Finished


@click.command(short_help="Run the cell of a published number and print both.")
@click.argument("name")
@click.option("--suite", help="A suite of your own that has the method and the data set.")
@data_option
@results_option
@cache_option
@click.option("--repeats", type=click.IntRange(min=1), help="Only the first repeats of the suite.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--stored", is_flag=True, help="Train nothing: compare what is stored.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def reproduce(name: str, suite: str | None, form: str, **options: Any) -> int:
    """Train what NAME is of, where a suite has it, and print our number beside the published one.

    The names: milbench list published. Finished runs are used again. Ends with status 1 when a run
    failed.
    """
    from milbench.reproduce import Reproduced, find_published, why_no_cell

    registry, entry = load_registry(), find_published(name)
    loaded = _suite(suite or entry.suite, registry)
    missing = why_no_cell(entry, loaded, registry)
    failed = 0
    found = Reproduced(entry=entry, ours=None, missing=missing)
    if loaded is not None and not missing:
        found, failed = _reproduced(entry, loaded, registry, options)
    _show(found, form)
    return 1 if failed else 0


def _suite(name: str, registry: Registry) -> Suite | None:
    from milbench.suite import load_suite

    return load_suite(suite_paths(name, registry)[0]) if name else None


def _reproduced(
    entry: Published, suite: Suite, registry: Registry, options: dict[str, Any]
) -> tuple[Reproduced, int]:
    from milbench.reproduce import Reproduced, ours_of
    from milbench.run import board_of
    from milbench.store import Store

    failed, reason = 0, ""
    if not options.pop("stored"):
        failed, reason = _train(entry, suite, registry, options)
    store = Store(options["results"] / suite.name)
    board = board_of(suite, registry, store, options["repeats"])
    ours = ours_of(entry, board, store.read_all())
    nothing = f"no finished run is stored; run: milbench reproduce {entry.name}"
    missing = reason or ("" if ours is not None else nothing)
    return Reproduced(entry=entry, ours=ours, missing=missing), failed


def _train(
    entry: Published, suite: Suite, registry: Registry, options: dict[str, Any]
) -> tuple[int, str]:
    """Train the runs of the cell; return how many failed, and why the data set was left out."""
    from milbench.cli.progress import Progress
    from milbench.cli.run import _settings, _with_means
    from milbench.reproduce import only_cell
    from milbench.run import plan as make_plan
    from milbench.run import run as run_plan

    with messages.status(f"{suite.name}: preparing data"):
        settings = _settings({"executor": "auto", **options})
        whole = make_plan(suite, registry, settings)
    left_out = whole.prepared.skipped | whole.prepared.broken
    plan = _with_means(only_cell(whole, entry))
    statuses: list[str] = []
    with Progress(plan.suite.name, len(plan.todo)) as progress:

        def observe(finished: Finished) -> None:
            statuses.append(finished.status)
            progress.advance(finished)

        if plan.todo:
            run_plan(plan, registry, observe)
    return statuses.count("failed"), left_out.get(entry.dataset, "")


def _show(found: Reproduced, form: str) -> None:
    if form == "json":
        from milbench.report.json_document import to_text

        click.echo(to_text({"difference": found.difference, **_fields(found)}), nl=False)
        return
    from milbench.report import reproduced as report

    results.print(report.heading(found), style="bold", markup=False)
    results.print(facts(report.lines(found)))


def _fields(found: Reproduced) -> dict[str, Any]:
    return {"published": found.entry, "ours": found.ours, "missing": found.missing}
