"""Write the files that a suite keeps in ``leaderboards/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.report.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from milbench.leaderboard.table import Leaderboard
    from milbench.report.render import Format

FILES: tuple[tuple[str, Format], ...] = (
    ("results.csv", "csv"),
    ("table.md", "markdown"),
    ("table.tex", "latex"),
    ("leaderboard.json", "json"),
)


def write_all(leaderboard: Leaderboard, folder: Path) -> tuple[Path, ...]:
    """Write every file of ``leaderboard`` below ``folder``, in a folder named like the suite.

    Each file is replaced as a whole. Returns the paths written.
    """
    target = folder / leaderboard.suite
    texts = [(target / name, render(leaderboard, form, per_class=True)) for name, form in FILES]
    for path, text in texts:
        write_atomic(path, text)
    return tuple(path for path, _ in texts)
