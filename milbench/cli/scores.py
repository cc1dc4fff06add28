"""``milbench scores``: compare methods by a table of scores that somebody else computed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from milbench.cli.console import results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milbench.leaderboard.score_table import Columns
    from milbench.report.render import Format


@click.command(short_help="Compare methods by scores of folds computed elsewhere.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--metric", default="auroc", show_default=True, help="What the scores are.")
@click.option("--value", default="value", show_default=True, help="Column of the scores.")
@click.option("--dataset", default="dataset", show_default=True, help="Column of the data sets.")
@click.option("--method", default="method", show_default=True, help="Column of the methods.")
@click.option("--repeat", default="repeat", show_default=True, help="Column of the repeats.")
@click.option("--fold", default="fold", show_default=True, help="Column of the folds.")
@click.option("--seed", default="seed", show_default=True, help="Column of the seeds.")
@click.option("--cohort", default="cohort", show_default=True, help="Column of the cohorts.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only these rows; repeatable.")
@click.option(
    "--test-share",
    metavar="SHARE",
    help="Test bags of a fold over its other bags, or 'kfold' for folds that divide all bags; "
    "without it nothing is tested on one data set.",
)
@click.option("--reference", help="Method that marks are against.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "latex", "csv", "json"]),
    default="terminal",
    show_default=True,
)
def scores(file: Path, form: Format, **options: Any) -> None:
    """Rank the methods in FILE, a table with one row for each method, data set and fold.

    Only what is valid without predictions: no interval and no test over patients, and t-tests over
    folds only in their corrected form. The table says so.
    """
    from milbench.leaderboard.from_scores import ScoreStudy, build_from_scores
    from milbench.leaderboard.score_table import read_scores
    from milbench.report import print_terminal, render

    study = ScoreStudy(
        metric=options["metric"],
        test_share=_share(options["test_share"]),
        reference=options["reference"],
    )
    made = build_from_scores(read_scores(file, _columns(options)), study)
    if form == "terminal":
        print_terminal(made, results)
    else:
        click.echo(render(made, form), nl=False)


def _columns(options: dict[str, Any]) -> Columns:
    from milbench.leaderboard.score_table import Columns

    names = ("value", "dataset", "method", "repeat", "fold", "seed", "cohort")
    return Columns(**{name: options[name] for name in names}, where=_where(options["where"]))


def _where(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for column, sign, _ in pairs:
        if not (column and sign):
            raise click.BadParameter("write COLUMN=VALUE", param_hint="--where")
    return {column: value for column, _, value in pairs}


def _share(given: str | None) -> float | Literal["kfold"] | None:
    if given is None or given == "kfold":
        return "kfold" if given else None
    try:
        return float(given)
    except ValueError:
        raise click.BadParameter(
            f"{given!r} is no number; n_test / n_train, or kfold", param_hint="--test-share"
        ) from None
