"""``milbench merge``: join the results of several machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milbench.cli.console import messages
from milbench.cli.options import FOLDER

if TYPE_CHECKING:
    from milbench.trace import Merged

SHOWN = 20  # lines of runs made twice


@click.command(short_help="Join the results of several machines.")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR...",
)
@click.option("--into", type=FOLDER, required=True, help="Folder that gets all results.")
@click.option(
    "--keep",
    type=click.Choice(["newest"]),
    help="Which of two runs to keep that are the same and predict differently; else refused.",
)
@click.option("--mixed-suites", is_flag=True, help="Take results of changed versions of a suite.")
def merge(sources: tuple[Path, ...], into: Path, keep: str | None, *, mixed_suites: bool) -> None:
    """Join result folders DIR... into one, which may be one of them.

    Refused where splits, features, the protocol of training or the suite file differ, or where the
    same run has different predictions; nothing is then written. The order of the folders has no
    effect, and a second merge changes nothing.
    """
    from milbench.trace import merge as join

    found = join(sources, into, keep_newest=keep == "newest", mixed_suites=mixed_suites)
    for merged in found:
        _say(merged)


def _say(merged: Merged) -> None:
    messages.print(
        f"{merged.suite}: {merged.added} runs added, {merged.known} found again unchanged, "
        f"{len(merged.twice)} made twice; results in {merged.into}",
        markup=False,
    )
    for twice in merged.twice[:SHOWN]:
        what = "the same predictions" if twice.same_predictions else "OTHER PREDICTIONS"
        messages.print(f"  kept {twice.kept}, not {twice.left}: {what}", markup=False)
    if len(merged.twice) > SHOWN:
        messages.print(f"  and {len(merged.twice) - SHOWN} more", markup=False)
