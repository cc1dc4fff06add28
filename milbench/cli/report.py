"""``milbench report``: everything a paper needs about the results of a suite, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from milbench.cli.console import messages
from milbench.cli.leaderboard import document_of
from milbench.cli.options import FOLDER, precision_option, results_option, suite_paths
from milbench.registry import load_registry


@click.command(short_help="Write everything a paper needs about a suite's results.")
@click.argument("suite")
@click.option(
    "--out",
    type=FOLDER,
    default=Path("reports"),
    show_default=True,
    help="Folder; the report goes into a folder in it, named like the suite.",
)
@results_option
@precision_option
@click.option("--repeats", type=click.IntRange(min=1), help="Only the first repeats of the suite.")
@click.option("--draws", type=click.IntRange(min=200), help="Bootstrap draws; else the suite's.")
def report(suite: str, out: Path, **options: Any) -> None:
    """Write every table, page and plot of SUITE, a name, a file or 'all', and an index of them.

    Nothing is trained: everything comes from the stored predictions.
    """
    from milbench.kit import write_kit

    registry = load_registry()
    for path in suite_paths(suite, registry, options["results"]):
        with messages.status(f"{path.stem}: comparing methods"):
            document = document_of(path, registry, options)
        with messages.status(f"{path.stem}: writing the report"):
            kit = write_kit(document, out / document.leaderboard.suite)
        messages.print(f"wrote {len(kit.files)} files, see {kit.index}", markup=False)
        for line in kit.left_out:
            messages.print(line, markup=False)
