"""``milbench leaderboard``: rank the methods of a suite from its stored results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages, results
from milbench.cli.options import precision_option, results_option, suite_paths
from milbench.registry import load_registry

if TYPE_CHECKING:
    from milbench.leaderboard import Leaderboard
    from milbench.registry import Registry
    from milbench.report.document import Document
    from milbench.report.latex_style import Style
    from milbench.report.render import Format


@click.command(short_help="Rank the methods of a suite from its results.")
@click.argument("suite")
@click.option(
    "--format",
    "form",
    type=click.Choice(
        [
            "terminal",
            "markdown",
            "latex",
            "html",
            "csv",
            "json",
            "bibtex",
            "paragraph",
            "paragraph-latex",
        ]
    ),
    default="terminal",
    show_default=True,
)
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write to this file. To a folder (a name without an ending): every format, in a folder "
    "named like the suite.",
)
@precision_option
@click.option("--per-class", is_flag=True, help="Add the values of each class.")
@click.option("--ranks", is_flag=True, help="Add rank diagrams: who was not told apart from whom.")
@click.option("--wide", is_flag=True, help="LaTeX: tables across both columns of a page.")
@click.option(
    "--bold",
    type=click.Choice(["top-group", "best"]),
    default="top-group",
    show_default=True,
    help="LaTeX: bold are the best and all not significantly worse, or the best alone.",
)
@click.option("--fraction", is_flag=True, help="LaTeX: shares as fractions, not in percent.")
@click.option("--siunitx", is_flag=True, help="LaTeX: columns of siunitx, aligned at the point.")
@click.option("--repeats", type=click.IntRange(min=1), help="Only the first repeats of the suite.")
@click.option("--draws", type=click.IntRange(min=200), help="Bootstrap draws; else the suite's.")
@click.option("--metric", help="Rank by this metric, without tests; else the declared one.")
def leaderboard(suite: str, form: Format, out: Path | None, **options: Any) -> None:
    """Rank the methods of SUITE, a name, a file or 'all', from its stored results.

    Nothing is trained: every number comes from the stored predictions.
    """
    registry = load_registry()
    paths = suite_paths(suite, registry, options["results"])
    into_folder = out is not None and (out.is_dir() or not out.suffix)
    if len(paths) > 1 and not into_folder and (out is not None or form != "terminal"):
        raise click.UsageError(f"{len(paths)} suites do not fit one file; give --out a folder")
    for path in paths:
        with messages.status(f"{path.stem}: comparing methods"):
            made = document_of(path, registry, options).leaderboard
        if into_folder:
            _write_folder(made, out)
        else:
            _show(made, form, out, options)


def document_of(path: Path, registry: Registry, options: dict[str, Any]) -> Document:
    """Return the leaderboard of the suite file at ``path``, and what it was built from."""
    from dataclasses import replace

    from milbench.leaderboard import build
    from milbench.report.document import Document
    from milbench.run import board_of
    from milbench.store import Store
    from milbench.suite import load_suite
    from milbench.tables.offer import with_own_data

    suite = load_suite(path, options["precision"])
    registry = with_own_data(registry, path, None)
    store = Store(options["results"] / suite.name)
    board = board_of(suite, registry, store, options["repeats"])
    board = replace(board, metric=options.get("metric"), draws=options["draws"] or board.draws)
    records = store.read_all()
    return Document(build(board, records), board, records)


def _write_folder(made: Leaderboard, folder: Path | None) -> None:
    from milbench.report import write_all

    if folder is not None:
        for path in write_all(made, folder / made.suite):
            messages.print(f"wrote {path}", markup=False)


def _style(options: dict[str, Any]) -> Style:
    from milbench.report.latex_style import Style

    return Style(**{name: options[name] for name in ("wide", "bold", "fraction", "siunitx")})


def _show(made: Leaderboard, form: Format, out: Path | None, options: dict[str, Any]) -> None:
    from milbench.atomic import write_atomic
    from milbench.report import print_terminal, render

    more = {name: options[name] for name in ("per_class", "ranks")}
    if form == "terminal" and out is None:
        print_terminal(made, results, **more)
        return
    text = render(made, form, style=_style(options), **more)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_atomic(out, text)
