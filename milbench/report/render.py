"""Turn a leaderboard into text in a named format."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from milbench.report.bibtex import to_bibtex
from milbench.report.csv_long import to_csv
from milbench.report.html import to_html
from milbench.report.json_document import to_json
from milbench.report.latex import PLAIN, to_latex
from milbench.report.markdown import to_markdown
from milbench.report.paragraph import to_paragraph
from milbench.report.terminal import print_terminal

if TYPE_CHECKING:
    from milbench.leaderboard.table import Leaderboard
    from milbench.report.latex_style import Style

Format = Literal[
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

# Wider than any row, so that nothing in a text file is folded.
UNLIMITED = 100_000


def render(  # noqa: PLR0911  # one a format
    leaderboard: Leaderboard,
    form: Format,
    *,
    per_class: bool = False,
    ranks: bool = False,
    style: Style = PLAIN,
) -> str:
    """Return ``leaderboard`` as text.

    Parameters
    ----------
    per_class
        Add the tables per class to Markdown and plain text; HTML, CSV and JSON always hold the
        values.
    ranks
        Add rank diagrams to Markdown and plain text; HTML always holds them.
    style
        Of LaTeX.
    """
    match form:
        case "terminal":
            return _plain(leaderboard, per_class=per_class, ranks=ranks)
        case "markdown":
            return to_markdown(leaderboard, per_class=per_class, ranks=ranks)
        case "latex":
            return to_latex(leaderboard, style)
        case "html":
            return to_html(leaderboard)
        case "csv":
            return to_csv(leaderboard)
        case "json":
            return to_json(leaderboard)
        case "bibtex":
            return to_bibtex(leaderboard)
        case "paragraph":
            return to_paragraph(leaderboard)
        case "paragraph-latex":
            return to_paragraph(leaderboard, latex=True)


def _plain(leaderboard: Leaderboard, *, per_class: bool, ranks: bool) -> str:
    text = io.StringIO()
    console = Console(file=text, width=UNLIMITED, color_system=None)
    print_terminal(leaderboard, console, per_class=per_class, ranks=ranks)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
