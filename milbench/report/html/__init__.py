"""One self-contained HTML page for a leaderboard."""

from milbench.report.html.page import to_html

__all__ = ["to_html"]
