"""Write the files that a suite keeps in ``leaderboards/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.report.document import File
from milbench.report.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.leaderboard.table import Leaderboard
    from milbench.report.document import Document
    from milbench.report.render import Format

ABOUT = {
    "csv": "one row for each data set, method, metric, class, repeat and fold",
    "markdown": "every table with its notes, to read",
    "latex": "tables for a paper; needs booktabs",
    "html": "one page with everything, to open in a browser",
    "json": "everything, with all comparisons, codes and hashes",
}
FILES: tuple[tuple[str, Format], ...] = (
    ("results.csv", "csv"),
    ("table.md", "markdown"),
    ("table.tex", "latex"),
    ("index.html", "html"),
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
        yield folder / name, render(leaderboard, form, per_class=True, ranks=True)


def files(document: Document) -> Iterator[File]:
    """Yield the same files as parts of a report."""
    for name, form in FILES:
        text = render(document.leaderboard, form, per_class=True, ranks=True)
        yield File(name, text, ABOUT[form])
