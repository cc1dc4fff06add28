"""Turn a leaderboard into text in a named format."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from milbench.report.csv_long import to_csv
from milbench.report.html import to_html
from milbench.report.json_document import to_json
from milbench.report.latex import to_latex
from milbench.report.markdown import to_markdown
from milbench.report.terminal import print_terminal

if TYPE_CHECKING:
    from milbench.leaderboard.table import Leaderboard

Format = Literal["terminal", "markdown", "latex", "html", "csv", "json"]

# Wider than any row, so that nothing in a text file is folded.
UNLIMITED = 100_000


def render(
    leaderboard: Leaderboard,
    form: Format,
    *,
    per_class: bool = False,
    ranks: bool = False,
    wide: bool = False,
) -> str:
    """Return ``leaderboard`` as text.

    Parameters
    ----------
    per_class
        Add the tables per class to Markdown and plain text; HTML, CSV and JSON always hold the
        values.
    ranks
        Add rank diagrams to Markdown and plain text; HTML always holds them.
    wide
        Write LaTeX for both columns of a page.
    """
    match form:
        case "terminal":
            return _plain(leaderboard, per_class=per_class, ranks=ranks)
        case "markdown":
            return to_markdown(leaderboard, per_class=per_class, ranks=ranks)
        case "latex":
            return to_latex(leaderboard, wide=wide)
        case "html":
            return to_html(leaderboard)
        case "csv":
            return to_csv(leaderboard)
        case "json":
            return to_json(leaderboard)


def _plain(leaderboard: Leaderboard, *, per_class: bool, ranks: bool) -> str:
    text = io.StringIO()
    console = Console(file=text, width=UNLIMITED, color_system=None)
    print_terminal(leaderboard, console, per_class=per_class, ranks=ranks)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
