"""``milbench verify``: recompute a stored leaderboard and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages, results, table
from milbench.cli.options import opened_suite, precision_option, results_option
from milbench.errors import TraceError
from milbench.registry import load_registry

if TYPE_CHECKING:
    from milbench.registry import Registry
    from milbench.trace import Verdict

SHOWN = 50  # differences; all of them with --format json


@click.command(short_help="Recompute a stored leaderboard and compare bit for bit.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@results_option
@click.option("--suite", help="The suite's file, where it is not installed under its name.")
@precision_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def verify(folder: Path, form: str, **options: Any) -> int:
    """Compare the leaderboard in FOLDER, of one suite or of several, with its runs.

    Every file is written again from the stored predictions and compared as it stands. Ends with
    status 1 when any number differs, or when a run file is damaged or edited.
    """
    registry = load_registry()
    verdicts = []
    for place in _folders(folder):
        with messages.status(f"verifying {place}"):
            verdicts.append(_verified(place, registry, options))
    if form == "json":
        from milbench.report.json_document import to_text

        click.echo(to_text(verdicts), nl=False)
    else:
        for verdict in verdicts:
            _print(verdict)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _folders(folder: Path) -> list[Path]:
    if (folder / "leaderboard.json").is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/leaderboard.json"))
    if not found:
        raise TraceError(
            f"{folder}: no leaderboard.json here or one folder below; "
            f"write one: milbench leaderboard SUITE --out {folder}"
        )
    return found


def _verified(folder: Path, registry: Registry, options: dict[str, Any]) -> Verdict:
    from functools import partial

    from milbench.run import board_of
    from milbench.store import Store
    from milbench.trace import verify as compare
    from milbench.trace.verify import read_document

    name = options["suite"] or str(read_document(folder)["suite"])
    suite, registry = opened_suite(
        name, registry, options["results"], precision=options["precision"]
    )
    store = Store(options["results"] / suite.name)
    return compare(folder, store, partial(board_of, suite, registry, store))


def _print(verdict: Verdict) -> None:
    word = "holds" if verdict.holds else "DOES NOT HOLD"
    results.print(
        f"{verdict.suite}: {word}. {verdict.numbers:,} numbers in {', '.join(verdict.files)}, "
        f"from {verdict.records:,} runs, {verdict.sealed:,} of them with a hash of their content",
        markup=False,
    )
    if verdict.differences:
        shown = verdict.differences[:SHOWN]
        results.print(table(("file", "place", "stored", "from the runs"), shown))
        if len(shown) < len(verdict.differences):
            results.print(f"and {len(verdict.differences) - len(shown)} more: --format json")
    if verdict.faults:
        results.print(table(("run file", "what is wrong"), verdict.faults))
    for line in verdict.missing:
        results.print(f"missing: {line}", markup=False)
