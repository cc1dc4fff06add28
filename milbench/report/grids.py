"""The tables of a leaderboard as text cells, the same for the terminal and for Markdown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.metrics.definitions import find
from milbench.report import format as write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.table import Overall, Row, Score, Section, Standing
    from milbench.metrics import Metric

CLASSWISE = ("auroc", "sensitivity")

# A class this rare has no value worth printing, or one to be read with care: STATISTICS 1.4,
# row "per class".
TOO_FEW_PATIENTS, FEW_PATIENTS = 5, 10


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: its text, not yet escaped for any format."""

    text: str
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table ready to be drawn.

    Parameters
    ----------
    left
        Positions of the left-aligned columns.
    name
        Position of the column that says what a row is about.
    """

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left: frozenset[int]
    name: int = 0

    def take(self, columns: list[int]) -> Grid:
        """Return some of the columns."""
        return Grid(
            self.title,
            tuple(self.headers[column] for column in columns),
            tuple(tuple(row[column] for column in columns) for row in self.rows),
            frozenset(new for new, column in enumerate(columns) if column in self.left),
            columns.index(self.name),
        )


def split(grid: Grid, widths: list[int], available: int) -> Iterator[Grid]:
    """Yield the grid in parts that fit ``available`` characters, each with the naming column.

    A single column that is too wide for its part is left to the writer to fold.
    """
    part: list[int] = []
    for column in range(len(grid.headers)):
        is_new = part and column != grid.name
        if is_new and sum(widths[c] for c in {*part, column, grid.name}) > available:
            yield grid.take(sorted(part))
            part = [grid.name]
        part.append(column)
    yield grid.take(part)


def titled(section: Section) -> str:
    """Return the heading of a section: the data set, the encoder, and a coarse level's name."""
    level = f", coarse level: {section.level}" if section.level else ""
    return f"{section.dataset} ({section.encoder}){level}"


def section_grid(section: Section) -> Grid:
    """Return the ranked table of one data set."""
    headers = _section_headers(section)
    rows = tuple(_section_row(section, row) for row in section.rows)
    name = headers.index("Method")
    return Grid(titled(section), headers, rows, frozenset({name, len(headers) - 1}), name=name)


def class_grids(section: Section) -> Iterator[Grid]:
    """Yield one table of values per class for each metric that has them."""
    for metric in CLASSWISE:
        scores = {
            row.method: score
            for row in section.rows
            for score in row.scores
            if score.metric == metric and score.per_class
        }
        if scores:
            yield _class_grid(section, scores)


def overall_grid(overall: Overall) -> Grid:
    """Return the table over all data sets: what each method reaches on every one, and its rank."""
    pairs = zip(overall.metrics, overall.datasets, strict=True)
    values = [f"{headed(find(metric))} on {place}" for metric, place in pairs]
    headers = ["Method", *values, "Mean rank"]
    if overall.across is not None:
        headers += ["Rank", "Letters"]
    if overall.reference is not None:
        headers.append(f"Win/tie/loss vs {overall.reference}")
    headers.append("Incomplete on")
    rows = tuple(_overall_row(overall, standing) for standing in overall.standings)
    return Grid("All data sets", tuple(headers), rows, frozenset({0, len(headers) - 1}))


def shared_codes(section: Section) -> tuple[str, ...]:
    """Return the codes that every row carries; they are said once, below the table."""
    common = set.intersection(*(set(row.codes) for row in section.rows)) if section.rows else set()
    return tuple(sorted(common))


def named(row: Row | Standing) -> str:
    """Return the label of a method, and whether it is a control."""
    return f"{row.method} (control)" if row.control else row.method


def headed(score: Score | Metric) -> str:
    """Return the title of a metric, with an arrow where smaller is better."""
    return score.title if score.greater_is_better else f"{score.title} ↓"


def _section_headers(section: Section) -> tuple[str, ...]:
    if not section.rows:
        return ("Rank", "Method", "Codes")
    first = section.rows[0]
    rank = [] if section.level else ["Rank"]  # a coarse level ranks nothing
    headers = [*rank, "Method", f"{headed(first.primary)} [95% CI]", "SD"]
    if section.reference is not None:
        headers.append(f"vs {section.reference}")
    headers += [headed(first.score(metric)) for metric in section.secondary]
    cost = () if section.level else ("Fit s", "Parameters")  # said at the fine level
    return (*headers, "Runs", *cost, "Codes")


def _section_row(section: Section, row: Row) -> tuple[Cell, ...]:
    primary = row.primary
    bounds = write.interval(primary.low, primary.high)
    cells = [
        *([] if section.level else [Cell(write.rank(row.rank))]),
        Cell(named(row), row.is_top),
        Cell(f"{write.number(primary.value)} {bounds}".rstrip(), row.is_top),
        Cell(write.number(primary.sd)),
    ]
    if section.reference is not None:
        cells.append(Cell(_versus(section, row)))
    cells += [Cell(write.number(row.score(metric).value)) for metric in section.secondary]
    cost = (write.seconds(row.cost.fit_seconds), write.count(row.cost.parameters))
    return (
        *cells,
        Cell(write.runs(row.runs)),
        *(Cell(text) for text in cost if not section.level),
        Cell(", ".join(code for code in row.codes if code not in shared_codes(section))),
    )


def _versus(section: Section, row: Row) -> str:
    if row.method == section.reference:
        return "reference"
    if row.versus is None:
        return write.MISSING
    return f"{write.signed(row.versus.difference)} {write.mark(row.versus)}".rstrip()


def _class_grid(section: Section, scores: dict[str, Score]) -> Grid:
    title = next(iter(scores.values())).title
    headers = (
        "Method",
        *(
            f"{name} ({patients} patients)"
            for name, patients in zip(section.classes, section.patients, strict=True)
        ),
    )
    rows = tuple(
        (Cell(method), *(Cell(text) for text in _class_texts(section, score)))
        for method, score in scores.items()
    )
    each = "class" if section.several is None else "label"
    return Grid(f"{titled(section)}: {title} per {each}", headers, rows, frozenset({0}))


def _class_texts(section: Section, score: Score) -> Iterator[str]:
    for value, patients in zip(score.per_class, section.patients, strict=True):
        if patients < TOO_FEW_PATIENTS:
            yield "n/a"
        elif patients < FEW_PATIENTS and not math.isnan(value):
            yield f"({write.number(value)})"
        else:
            yield write.number(value)


def _overall_row(overall: Overall, standing: Standing) -> tuple[Cell, ...]:
    values = (Cell(write.number(value)) for value in standing.values)
    cells = [Cell(named(standing)), *values, Cell(write.number(standing.mean_rank, 2))]
    if overall.across is not None:
        rank = write.rank(overall.across.ranks.get(standing.method))
        cells += [Cell(rank), Cell(overall.across.letters.get(standing.method, write.MISSING))]
    if overall.reference is not None:
        cells.append(Cell(_tally(standing, overall.reference)))
    return (*cells, Cell("; ".join(standing.missing)))


def _tally(standing: Standing, reference: str) -> str:
    if standing.method == reference:
        return "reference"
    return write.MISSING if standing.tally is None else "/".join(map(str, standing.tally))
