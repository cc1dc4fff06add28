"""Turn a leaderboard into text in a named format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from milbench.report.csv_long import to_csv
from milbench.report.json_document import to_json
from milbench.report.latex import to_latex
from milbench.report.markdown import to_markdown

if TYPE_CHECKING:
    from milbench.leaderboard.table import Leaderboard

Format = Literal["markdown", "latex", "csv", "json"]


def render(
    leaderboard: Leaderboard, form: Format, *, per_class: bool = False, wide: bool = False
) -> str:
    """Return ``leaderboard`` as text.

    Parameters
    ----------
    per_class
        Add the tables per class to Markdown; CSV and JSON always hold the values.
    wide
        Write LaTeX for both columns of a page.
    """
    match form:
        case "markdown":
            return to_markdown(leaderboard, per_class=per_class)
        case "latex":
            return to_latex(leaderboard, wide=wide)
        case "csv":
            return to_csv(leaderboard)
        case "json":
            return to_json(leaderboard)
