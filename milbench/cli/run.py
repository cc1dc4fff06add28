"""``milbench run``: train what a suite asks for, store every result, rank the methods."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages
from milbench.cli.left_out import explain_left_out
from milbench.cli.options import (
    cache_option,
    chosen_device,
    data_option,
    precision_option,
    results_option,
    suite_paths,
)
from milbench.cli.own_data import own_suite
from milbench.cli.own_options import named_suite, own_options, take_own
from milbench.registry import load_registry
from milbench.suite_files import has_data_sets

if TYPE_CHECKING:
    from milbench.registry import Registry
    from milbench.run import Plan, Settings
    from milbench.suite import Precision

# Below this many runs, starting worker processes takes longer than they save.
FEW_RUNS = 24


@click.command(short_help="Run a suite: train, store the results, rank the methods.")
@click.option(
    "--suite",
    help="Name of a suite, path of a suite file, or 'all'; with --bags the one whose methods, "
    "splits and metrics are used, else 'own'.",
)
@own_options
@data_option
@results_option
@cache_option
@click.option(
    "--leaderboards",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder for the tables.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--executor",
    type=click.Choice(["auto", "inline", "processes"]),
    default="auto",
    show_default=True,
    help="Where runs happen: in this process, or in supervised processes.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes; all usable cores if unset.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "sequential", "stacked"]),
    default="auto",
    show_default=True,
    help="Train runs side by side where that is faster, never, or also when few and short.",
)
@click.option("--repeats", type=click.IntRange(min=1), help="Only the first repeats of the suite.")
@precision_option
@click.option(
    "--matmul",
    type=click.Choice(["auto", "default", "onednn"]),
    envvar="MILBENCH_MATMUL",
    default="auto",
    show_default=True,
    show_envvar=True,
    help="Float32 matrix products on a CPU: oneDNN in large steps where it is exact and faster, "
    "never, or always.",
)
@click.option("--fresh", is_flag=True, help="Train again what is already done.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
def run(
    suite: str | None,
    leaderboards: Path,
    precision: Precision | None,
    *,
    dry_run: bool,
    **options: Any,
) -> int:
    """Run a suite, or the methods of one on your own data, and print the leaderboard.

    What is already done is left alone, so an interrupted run goes on where it stopped. Ends with
    status 0 when all runs are done or skipped with a reason, 1 when any failed, 2 on wrong usage.
    """
    from milbench.cli.preparing import Preparing
    from milbench.run import plan as make_plan
    from milbench.suite import load_suite
    from milbench.tables.offer import with_own_data

    plugins = load_registry()
    own = take_own(options)
    if own is None:
        paths = suite_paths(named_suite(suite), plugins, options["results"])
    else:
        paths = [own_suite(own, suite, plugins, options)]
    registries = [with_own_data(plugins, path, options["cache"]) for path in paths]
    _refuse_faults(paths, registries, options["results"])
    failed = 0
    suites = [load_suite(path, precision) for path in paths]
    for loaded, registry in zip(suites, registries, strict=True):
        with Preparing(f"{loaded.name}: preparing data") as preparing:
            plan = make_plan(loaded, registry, _settings(options), preparing)
        _explain_absent(plan)
        explain_left_out(plan, registry)
        _explain_tuning(plan, registry)
        if dry_run:
            _print_plan(plan)
            continue
        failed += _run_one(plan, registry, leaderboards)
    return 1 if failed else 0


def _refuse_faults(paths: list[Path], registries: list[Registry], results: Path) -> None:
    from milbench.check import faults
    from milbench.errors import SuiteError
    from milbench.suite import listing

    for path, registry in zip(paths, registries, strict=True):
        found = faults(path, registry, results)
        if found:
            raise SuiteError(listing(path, found))
        if not has_data_sets(path):
            raise click.UsageError(
                f"{path} names no data set; run it on your own: "
                f"--suite {path.stem} --bags TABLE --features DIR"
            )


def _settings(options: dict[str, Any]) -> Settings:
    from milbench.run import Settings

    chosen = dict(options)
    if chosen["device"] not in ("auto", "cpu"):  # which need no torch as long as nothing is trained
        chosen["device"] = chosen_device(chosen["device"])
    return Settings(**chosen)


def _run_one(plan: Plan, registry: Registry, leaderboards: Path) -> int:
    from milbench.cli.progress import Progress
    from milbench.run import run as run_plan

    plan = _with_means(plan)
    waiting = len(plan.todo)
    counts: Counter[str] = Counter()
    try:
        with Progress(plan.suite.name, waiting) as progress:
            counts = run_plan(plan, registry, progress.advance)
    except KeyboardInterrupt:
        messages.print(
            f"{plan.suite.name}: stopped; every finished run is stored. "
            "The same command goes on from here.",
            markup=False,
        )
        raise
    _show_leaderboard(plan, registry, leaderboards)
    already = sum(len(job.runs) for job in plan.jobs) - waiting
    messages.print(_summary(plan, counts, already, leaderboards), markup=False)
    return counts["failed"]


def _with_means(plan: Plan) -> Plan:
    """Choose device and executor where they are left to us, if anything is to be trained."""
    from dataclasses import replace

    from milbench.cores import usable_cores

    if not plan.todo:
        return plan
    settings = plan.settings
    if settings.device == "auto":
        settings = replace(settings, device=chosen_device("auto"))
    if settings.executor != "auto":
        return replace(plan, settings=settings)
    workers = settings.workers or usable_cores()
    is_worth_it = settings.device == "cpu" and workers > 1 and len(plan.todo) >= FEW_RUNS
    name = "processes" if is_worth_it else "inline"
    return replace(plan, settings=replace(settings, executor=name, workers=workers))


def _show_leaderboard(plan: Plan, registry: Registry, leaderboards: Path) -> None:
    from milbench.cli.console import results
    from milbench.leaderboard.build import build
    from milbench.report import print_terminal, write_all
    from milbench.run import board_of

    with messages.status(f"{plan.suite.name}: comparing methods"):
        board = board_of(plan.suite, registry, plan.store, plan.settings.repeats)
        made = build(board, plan.records or plan.store.read_all())
        write_all(made, leaderboards / plan.suite.name)
    if made.sections:
        print_terminal(made, results)


def _explain_absent(plan: Plan) -> None:
    for name, reason in plan.prepared.skipped.items():
        messages.print(f"skipped {name}: {reason}", markup=False)
    for name, reason in plan.prepared.broken.items():
        messages.print(f"failed {name}: {reason}", markup=False)


def _explain_tuning(plan: Plan, registry: Registry) -> None:
    from milbench.jobs import rows, untuned

    groups: dict[str, list[str]] = {}
    for row in rows(plan.suite, registry):
        if row.trials:
            groups.setdefault(f"tuned, {row.trials} trials a run", []).append(row.method.row)
    for method, reason in untuned(plan.suite, registry).items():
        groups.setdefault(f"not tuned, {reason}", []).append(method)
    for what, methods in groups.items():
        messages.print(f"{what}: {', '.join(methods)}", markup=False)


def _print_plan(plan: Plan) -> None:
    from milbench.cli.console import results, table

    rows = [
        (
            job.cell.dataset,
            str(job.cell.view),
            job.cell.row,
            len(job.cell.trials()),
            len(job.runs),
            sum(run.key in plan.done for run in job.runs),
            sum(run.key not in plan.done for run in job.runs),
        )
        for job in plan.jobs
    ]
    results.print(f"suite {plan.suite.name}", markup=False)
    results.print(table(("data set", "view", "method", "trials", "runs", "done", "to do"), rows))


def _summary(plan: Plan, counts: Counter[str], already: int, leaderboards: Path) -> str:
    absent = len(plan.prepared.skipped)
    data_sets = f", {absent} data sets skipped" if absent > 1 else ", 1 data set skipped"
    return (
        f"{plan.suite.name}: {counts['done']} done, {already} done before, "
        f"{counts['skipped']} skipped, {counts['failed']} failed{data_sets if absent else ''}; "
        f"results in {plan.store.root}, tables in {leaderboards / plan.suite.name}"
    )
