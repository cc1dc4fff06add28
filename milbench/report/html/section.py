"""One data set on the page: its ranked table and everything below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.leaderboard.diagram import overall_diagram, section_diagram
from milbench.leaderboard.forest import on_each
from milbench.report import footnotes
from milbench.report import format as write
from milbench.report.grids import class_grids, overall_grid, section_grid
from milbench.report.html import figures
from milbench.report.html.axis import linear
from milbench.report.html.cost import Costs, costs_of
from milbench.report.html.drawing import Scale, bar
from milbench.report.html.pairs import Matrix, matrix, pair_table, pairs_of
from milbench.report.html.runs import runs_table
from milbench.report.html.table import Field, Head, Table, from_grid, with_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.leaderboard.table import Leaderboard, Overall, Row, Section
    from milbench.report.html.pairs import Oriented

FURTHER = (
    "Diamond and line: the mean over these data sets (random effects). Thin line: where a further "
    "data set would lie. It speaks of these data sets, not of methods in general."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A data set as the template draws it; parts that are None or empty are left out.

    Parameters
    ----------
    anchor
        Where links lead to it.
    detail
        What it rests on, in one line.
    folded
        Tables behind a line that opens them: title, what to know, tables.
    """

    anchor: str
    title: str
    detail: str
    table: Table
    notes: tuple[str, ...]
    forest: Table | None = None
    forest_note: str = ""
    ranks: Table | None = None
    ranks_note: str = ""
    matrix: Matrix | None = None
    costs: tuple[Costs, ...] = ()
    folded: tuple[tuple[str, str, tuple[Table, ...]], ...] = ()


def section_part(section: Section, number: int, leaderboard: Leaderboard) -> Part:
    """Return the part of one data set; ``number`` makes its anchors."""
    anchor = f"data-{number}"
    pairs = pairs_of(section)
    tested = [row.method for row in section.rows if any(row.method in names for names in pairs)]
    diagram = section_diagram(section)
    return Part(
        anchor=anchor,
        title=_title(section, leaderboard),
        detail=_detail(section),
        table=_ranked(section),
        notes=(
            *footnotes.section_notes(section),
            *footnotes.published_notes(leaderboard, section),
        ),
        forest=figures.against_reference(section, leaderboard.rope),
        forest_note=_band(leaderboard),
        ranks=None if diagram is None else figures.ranks(diagram),
        ranks_note="" if diagram is None else diagram.note,
        matrix=matrix(pairs, tested, f"{anchor}-pair") if pairs else None,
        costs=tuple(costs_of(section)),
        folded=tuple(_folded(section, pairs, anchor)),
    )


def overall_part(overall: Overall, leaderboard: Leaderboard) -> Part:
    """Return the part over all data sets."""
    controls = [standing.control for standing in overall.standings]
    diagram = overall_diagram(overall)
    reference, rope = overall.reference or "", leaderboard.rope
    order = [standing.method for standing in overall.standings]
    forests = {name: overall.forests[name] for name in order if name in overall.forests}
    each = figures.each_data_set(on_each(leaderboard), reference, rope)
    return Part(
        anchor="overall",
        title="All data sets",
        detail=", ".join(overall.datasets),
        table=from_grid(overall_grid(overall), controls),
        notes=tuple(footnotes.overall_notes(leaderboard)),
        forest=figures.over_data_sets(forests, reference, rope),
        forest_note=f"{FURTHER} {_band(leaderboard)}",
        ranks=None if diagram is None else figures.ranks(diagram),
        ranks_note="" if diagram is None else diagram.note,
        folded=() if each is None else (("Difference on each data set", "", (each,)),),
    )


def _title(section: Section, leaderboard: Leaderboard) -> str:
    """Return a title that no other section has: with the view or the level where it takes that."""
    views = {s.encoder for s in leaderboard.sections if s.dataset == section.dataset}
    view = f" ({section.encoder})" if len(views) > 1 else ""
    return f"{section.dataset}{view}{f', {section.level}' if section.level else ''}"


def _detail(section: Section) -> str:
    level = ", a coarse level of its classes" if section.level else ""
    return f"seen through {section.encoder}, cohort {section.cohort}{level}"


def _ranked(section: Section) -> Table:
    """Return the ranked table, with each interval drawn beside its value."""
    table = from_grid(section_grid(section), [row.control for row in section.rows])
    ends = (end for row in section.rows for end in _ends(row))
    axis = linear(ends)
    if axis is None:
        return table
    place = next(i for i, head in enumerate(table.heads) if head.kind == "value")
    fields = [
        Field("", drawing=bar(axis, row.primary.value, _bounds(row), _told(row), _kind(row)))
        for row in section.rows
    ]
    return with_column(table, place, Head("", "bar", Scale(axis.ticks)), fields)


def _folded(
    section: Section, pairs: Mapping[tuple[str, str], Oriented], anchor: str
) -> Iterator[tuple[str, str, tuple[Table, ...]]]:
    controls = {row.method for row in section.rows if row.control}
    if pairs:
        table = pair_table(pairs, f"{anchor}-pair", controls)
        yield "Every pair", "Each is the better placed method minus the other.", (table,)
    classes = tuple(
        from_grid(grid, [row[0].text in controls for row in grid.rows])
        for grid in class_grids(section)
    )
    if classes:
        name = "Each class" if section.several is None else "Each label"
        yield name, footnotes.class_note(section), classes
    yield "Runs and origin", "", (runs_table(section),)


def _band(leaderboard: Leaderboard) -> str:
    return f"Band: differences up to {leaderboard.rope:g}, which count as ties."


def _bounds(row: Row) -> tuple[float, float]:
    return row.primary.low, row.primary.high


def _ends(row: Row) -> tuple[float, ...]:
    return (row.primary.value, *_bounds(row))


def _told(row: Row) -> str:
    return f"{write.number(row.primary.value)} {write.interval(*_bounds(row))}".rstrip()


def _kind(row: Row) -> str:
    return "control" if row.control else ""
