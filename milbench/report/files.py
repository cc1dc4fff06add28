"""Write the files that a suite keeps in ``leaderboards/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.report.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    """Write every format of ``leaderboard`` into ``folder`` and return the paths.

    Each file is replaced as a whole, and none is touched before all texts are made.
    """
    made = list(texts(leaderboard, folder))
    for path, text in made:
        write_atomic(path, text)
    return tuple(path for path, _ in made)


def texts(leaderboard: Leaderboard, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file that :func:`write_all` writes into ``folder``, with its text."""
    for name, form in FILES:
        yield folder / name, render(leaderboard, form, per_class=True)
