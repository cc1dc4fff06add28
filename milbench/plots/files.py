"""Every figure of a suite as files, PDF and PNG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from milbench.leaderboard.diagram import overall_diagram, section_diagram
from milbench.leaderboard.forest import on_each
from milbench.leaderboard.select import select
from milbench.metrics.definitions import find
from milbench.plots.bands import calibration, precision_recall, roc
from milbench.plots.canvas import rendered, style
from milbench.plots.curves import band_figure, calibration_figure
from milbench.plots.forest import overall_forest, section_forest
from milbench.plots.paired import paired_figure
from milbench.plots.ranks import rank_figure
from milbench.plots.series import series_figure, series_of
from milbench.report.document import File
from milbench.seeds import seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.figure import Figure

    from milbench.leaderboard.table import Leaderboard, Section
    from milbench.metrics import Predictions
    from milbench.report.document import Document

FOLDER = "plots"
OVER_PATIENTS = "band: 95% over patients; grey: the reference"


class Drawn(NamedTuple):
    """A figure, the name of its files without ending, and what it shows."""

    name: str
    figure: Figure | None
    about: str


def files(document: Document) -> Iterator[File]:
    """Yield every figure that the suite has results for."""
    with style():
        for drawn in figures(document):
            if drawn.figure is not None:
                for ending, content in rendered(drawn.figure):
                    yield File(f"{FOLDER}/{drawn.name}.{ending}", content, drawn.about)


def figures(document: Document) -> Iterator[Drawn]:
    """Yield every figure, not yet rendered; draw them within one :func:`style`."""
    board = document.leaderboard
    yield from _overall(board)
    for series in series_of(board.sections):
        yield Drawn(
            f"{slug(series.stem)}-curve",
            series_figure(series),
            f"{series.stem}: values along the number in the names of the data sets",
        )
    taken: set[str] = set()
    for section in board.sections:
        if not section.level:
            name = slug(section.dataset)
            name = slug(f"{section.dataset} {section.encoder}") if name in taken else name
            taken.add(name)
            yield from _tables(section, name, board)
            yield from _curves(document, section, name)


def slug(text: str) -> str:
    """Return ``text`` as part of the name of a file, on any system."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"


def _overall(board: Leaderboard) -> Iterator[Drawn]:
    if board.overall is None:
        return
    diagram = overall_diagram(board.overall)
    if diagram is not None:
        about = f"mean ranks over all data sets. {diagram.note}"
        yield Drawn("overall-ranks", rank_figure(diagram), about)
    reference = board.overall.reference or ""
    made = overall_forest(on_each(board), board.overall.forests, reference, board.rope)
    about = "differences from the reference on each data set; band: ties"
    if board.overall.forests:
        about += (
            "; diamond: mean over these (random effects), thin line: where a further one would lie"
        )
    yield Drawn("overall-forest", made, about)


def _tables(section: Section, name: str, board: Leaderboard) -> Iterator[Drawn]:
    title = find(section.metric).title
    diagram = section_diagram(section)
    if diagram is not None:
        about = f"{section.dataset}: ranks by {title}. {diagram.note}"
        yield Drawn(f"{name}-ranks", rank_figure(diagram), about)
    about = f"{section.dataset}: differences from the reference; band: ties"
    yield Drawn(f"{name}-forest", section_forest(section, title, board.rope), about)
    about = (
        f"{section.dataset}: differences from the reference, fold by fold; line: 95% interval of T"
    )
    yield Drawn(f"{name}-paired", paired_figure(section, title), about)


def _curves(document: Document, section: Section, name: str) -> Iterator[Drawn]:
    predictions = _predictions(document, section)
    if not predictions:
        return
    chance = seed("curves", section.dataset, section.encoder)
    rocs = {method: roc(p, chance) for method, p in predictions.items()}
    axes = ("false positive rate", "sensitivity")
    of = section.dataset
    made = band_figure(rocs, axes, section.reference, None)
    yield Drawn(f"{name}-roc", made, f"{of}: ROC, mean of the test folds; {OVER_PATIENTS}")
    bands = {method: precision_recall(p, chance) for method, p in predictions.items()}
    made = band_figure(bands, ("recall", "precision"), section.reference, _prevalence(section))
    yield Drawn(f"{name}-pr", made, f"{of}: precision and recall, as the ROC")
    sure = {m: calibration(p, chance) for m, p in predictions.items() if p.is_probability}
    if sure:
        about = f"{of}: reliability; area: share of the bags; line: 95% over patients"
        yield Drawn(f"{name}-calibration", calibration_figure(sure), about)


def _predictions(document: Document, section: Section) -> Mapping[str, Predictions]:
    """Return the test rows of every complete method, in the order of the table."""
    board = document.board
    places = {(info.name, info.encoder): info for info in board.datasets}
    info = places[section.dataset, section.encoder]
    found = select(board, info, document.records).methods
    complete = [row.method for row in section.rows if row.runs.is_complete]
    rows = {method: found[method].predictions(info) for method in complete}
    return {method: p for method, p in rows.items() if p is not None}


def _prevalence(section: Section) -> float:
    """Return the precision of a guess: the share of class 1, or its mean over more classes."""
    shares = [bags / section.n_bags for bags in section.bags]
    is_binary = len(shares) == 2 and section.several is None  # noqa: PLR2004  # two classes
    return shares[1] if is_binary else sum(shares) / len(shares)
