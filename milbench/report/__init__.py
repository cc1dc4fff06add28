"""Writers: a leaderboard for the terminal, Markdown, LaTeX, CSV and JSON."""

from milbench.report.files import write_all
from milbench.report.render import render
from milbench.report.terminal import print_terminal

__all__ = ["print_terminal", "render", "write_all"]
