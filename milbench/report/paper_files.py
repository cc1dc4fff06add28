"""The files of a report that go into the text of a paper: bibliography and statistics paragraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.report.bibtex import to_bibtex
from milbench.report.document import File
from milbench.report.paragraph import to_paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.report.document import Document


def files(document: Document) -> Iterator[File]:
    """Yield the bibliography, and the paragraph "Statistical analysis" for LaTeX and as text."""
    made = document.leaderboard
    yield File("works.bib", to_bibtex(made), "BibTeX of exactly what was used")
    about = 'the paragraph "Statistical analysis", as text and for LaTeX with works.bib'
    yield File("statistical-analysis.txt", to_paragraph(made), about)
    yield File("statistical-analysis.tex", to_paragraph(made, latex=True), about)
