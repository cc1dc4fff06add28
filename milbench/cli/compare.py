"""``milbench compare``: two methods in full, from stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import facts, messages, results, table
from milbench.cli.options import results_option, suite_paths
from milbench.errors import SuiteError
from milbench.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.leaderboard.pair import PairBoard
    from milbench.registry import Registry


@click.command(short_help="Compare two methods in full, from stored results.")
@click.argument("first")
@click.argument("second")
@click.option("--suite", help="Name or file; else the only suite that has results.")
@click.option("--dataset", help="Only this data set; else all of the suite.")
@results_option
@click.option("--draws", type=click.IntRange(min=200), help="Bootstrap draws; else the suite's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(first: str, second: str, suite: str | None, **options: Any) -> None:
    """Compare the methods FIRST and SECOND: FIRST minus SECOND, on each data set and over all.

    Differences with both tests, probabilities, each class, where the error comes from, and what
    would separate the two. The tests are those of this pair alone.
    """
    registry = load_registry()
    path = _suite_path(suite, options["results"], registry)
    with messages.status(f"{path.stem}: comparing {first} and {second}"):
        found = _compared(path, registry, (first, second), options)
    if options["as_json"]:
        from milbench.report.json_document import to_text

        click.echo(to_text(found), nl=False)
    else:
        _print(found)


def _suite_path(suite: str | None, folder: Path, registry: Registry) -> Path:
    stored = sorted(path.parent.name for path in folder.glob("*/runs") if path.is_dir())
    if suite is None and len(stored) != 1:
        raise SuiteError(
            f"{folder} has results of {len(stored)} suites{': ' * bool(stored)}"
            f"{', '.join(stored)}; say which: --suite NAME"
        )
    return suite_paths(stored[0] if suite is None else suite, registry, folder)[0]


def _compared(
    path: Path, registry: Registry, names: tuple[str, str], options: dict[str, Any]
) -> PairBoard:
    from dataclasses import replace

    from milbench.leaderboard.pair import compare_pair
    from milbench.run import board_of
    from milbench.store import Store
    from milbench.suite import load_suite
    from milbench.tables.offer import with_own_data

    suite = load_suite(path)
    registry = with_own_data(registry, path, None)
    store = Store(options["results"] / suite.name)
    board = board_of(suite, registry, store)
    board = replace(board, draws=options["draws"] or board.draws)
    return compare_pair(board, store.read_all(), *names, options["dataset"])


def _print(found: PairBoard) -> None:
    from milbench.report import pair as report

    results.print(report.heading(found), style="bold", markup=False)
    for dataset, encoder, study in found.studies:
        results.print()
        results.print(report.title(dataset, encoder, study), style="bold", markup=False)
        results.print(facts(report.lines(study, found.question)))
        for classes in study.classes:
            results.print()
            heads = ("class", "patients", study.a, study.b, "difference", "95 %", "p (BH)")
            results.print(f"{classes.metric} of each class, exploratory", markup=False)
            rows = list(report.class_lines(classes, study.a, study.b))
            results.print(table(heads, rows))
    results.print()
    results.print(facts([*report.overall_lines(found), *report.left_out_lines(found)]))
