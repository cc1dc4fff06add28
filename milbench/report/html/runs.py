"""What became of every cell of the plan, and what each row was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.report import format as write
from milbench.report.footnotes import SHORT
from milbench.report.grids import named
from milbench.report.html.table import Field, Head, Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.table import Leaderboard, Row, Section


def runs_table(section: Section) -> Table:
    """Return how many runs of each method there are, what they cost and what they came from."""
    heads = (
        Head("Method", "name"),
        Head("Done"),
        Head("Planned"),
        Head("Failed"),
        Head("Skipped"),
        Head("Fit s"),
        Head("Predict s"),
        Head("Peak MB"),
        Head("Parameters"),
        Head("Settings", "text"),
        Head("Code", "text"),
        Head("What happened", "text"),
    )
    lines = tuple(Line(tuple(_cells(row)), row.control) for row in section.rows)
    return Table("Every cell: runs, cost and origin", heads, lines)


def status_table(leaderboard: Leaderboard, places: list[str]) -> Table | None:
    """Return the runs of each method on each data set; None where there is one data set.

    Parameters
    ----------
    places
        The name of each data set that has a table, in their order.
    """
    sections = [section for section in leaderboard.sections if not section.level]
    if len(sections) + len(leaderboard.skipped) < 2:  # noqa: PLR2004  # its table says it
        return None
    rows = {row.method: row for section in sections for row in section.rows}
    skipped = [f"{skipped.dataset} ({skipped.encoder})" for skipped in leaderboard.skipped]
    heads = (Head("Method", "name"), *(Head(place) for place in (*places, *skipped)))
    lines = tuple(
        Line(
            (
                Field(named(row)),
                *(Field(_state(section, method)) for section in sections),
                *(Field("skipped") for _ in skipped),
            ),
            row.control,
        )
        for method, row in rows.items()
    )
    return Table("Runs of every cell", heads, lines)


def warnings(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield what is wrong with the grid, one line a fact, for the top of the page."""
    for section in leaderboard.sections:
        lacking = [row for row in section.rows if not row.runs.is_complete]
        if lacking and not section.level:
            told = ", ".join(f"{row.method} {write.runs(row.runs)}" for row in lacking)
            yield f"{section.dataset} ({section.encoder}) is incomplete and not tested for: {told}."
    for skipped in leaderboard.skipped:
        yield f"{skipped.dataset} ({skipped.encoder}) has no results: {skipped.reason}"


def _cells(row: Row) -> Iterator[Field]:
    yield Field(named(row))
    for count in (row.runs.done, row.runs.planned, row.runs.failed, row.runs.skipped):
        yield Field(str(count))
    yield Field(write.seconds(row.cost.fit_seconds))
    yield Field(write.seconds(row.cost.predict_seconds))
    yield Field(write.count(row.cost.peak_memory))
    yield Field(write.count(row.cost.parameters))
    yield Field(row.config[:SHORT] or write.MISSING)
    yield Field(row.code[:SHORT] or write.MISSING)
    yield Field("; ".join(row.reasons) or ("" if row.runs.is_complete else "not run yet"))


def _state(section: Section, method: str) -> str:
    found = next((row for row in section.rows if row.method == method), None)
    return write.MISSING if found is None else write.runs(found.runs)
