"""Drawings that are tables: intervals against the reference, over data sets, and of ranks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from milbench.report import format as write
from milbench.report.html.axis import Axis, Tick, linear
from milbench.report.html.drawing import Scale, bar, group_cell
from milbench.report.html.table import Field, Head, Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from milbench.leaderboard.diagram import Place, RankDiagram
    from milbench.leaderboard.table import Section, Versus
    from milbench.stats.random_effects import Forest

MOST_RANK_TICKS = 6


def against_reference(section: Section, rope: float) -> Table | None:
    """Return the difference of each method from the reference; None where nothing was tested."""
    rows = [row for row in section.rows if row.versus is not None]
    bounds = [v for row in rows if row.versus for v in (row.versus.low, row.versus.high)]
    axis = linear(bounds, include=(-rope, rope))
    if axis is None:
        return None
    heads = (
        Head("Method", "name"),
        Head("", "bar", _around_zero(axis, rope)),
        Head("Difference [95% CI]", "value"),
        Head("Mark", "text"),
    )
    lines = tuple(
        Line((Field(row.method), *_difference(row.versus, axis)), row.control)
        for row in rows
        if row.versus is not None
    )
    return Table(f"Difference from {section.reference}", heads, lines)


def over_data_sets(forests: Mapping[str, Forest], reference: str, rope: float) -> Table | None:
    """Return one row a method: the mean difference over data sets, where there are three or more.

    The thin line is where the difference on a further data set would lie.
    """
    known = {name: forest for name, forest in forests.items() if not math.isnan(forest.mean)}
    ends = (v for f in known.values() for v in (f.low, f.high, f.next_low, f.next_high))
    axis = linear(ends, include=(-rope, rope))
    if axis is None:
        return None
    heads = (
        Head("Method", "name"),
        Head("", "bar", _around_zero(axis, rope)),
        Head("Mean [95% CI]", "value"),
        Head("I²"),
    )
    return Table(
        f"Mean difference from {reference} over these data sets",
        heads,
        tuple(Line(tuple(_mean(name, f, axis))) for name, f in known.items()),
    )


def each_data_set(
    entries: Mapping[str, Sequence[tuple[str, Versus]]], reference: str, rope: float
) -> Table | None:
    """Return one row for each method and data set: the difference there, and its mark."""
    flat = [(name, place, versus) for name, found in entries.items() for place, versus in found]
    ends = (end for _, _, versus in flat for end in (versus.low, versus.high))
    axis = linear(ends, include=(-rope, rope))
    if axis is None:
        return None
    heads = (
        Head("Method", "name"),
        Head("Data set", "text"),
        Head("", "bar", _around_zero(axis, rope)),
        Head("Difference [95% CI]", "value"),
        Head("Mark", "text"),
    )
    lines = tuple(
        Line((Field(name), Field(place), *_difference(versus, axis)))
        for name, place, versus in flat
    )
    return Table(f"Difference from {reference} on each data set", heads, lines)


def ranks(diagram: RankDiagram) -> Table:
    """Return the rank diagram: places, intervals, and the groups of methods not told apart."""
    count = len(diagram.places)
    axis = Axis(0.5, count + 0.5, is_log=False, ticks=())
    step = max(1, math.ceil(count / MOST_RANK_TICKS))
    numbers = range(1, count + 1, step)
    ticks = tuple(Tick(axis.at(number), str(number)) for number in numbers)
    names = [place.method for place in diagram.places]
    heads = [
        Head("Method", "name"),
        Head("", "bar", Scale(ticks)),
        Head(diagram.axis.capitalize()),
    ]
    heads += [Head("Groups", "groups")] * bool(diagram.cliques)
    lines = []
    for row, place in enumerate(diagram.places):
        text = _rank_text(diagram, place)
        drawing = bar(axis, place.position, (place.low, place.high), f"rank {text}", _kind(place))
        cells = [Field(place.method), Field("", drawing=drawing), Field(text)]
        if diagram.cliques:
            cells.append(Field("", drawing=group_cell(diagram.cliques, row, names)))
        lines.append(Line(tuple(cells), place.control))
    return Table("Rank diagram", tuple(heads), tuple(lines))


def _around_zero(axis: Axis, rope: float) -> Scale:
    return Scale(axis.ticks, axis.at(0.0), (axis.at(-rope), axis.at(rope)))


def _difference(versus: Versus, axis: Axis) -> Iterator[Field]:
    kind = ("better" if versus.is_better else "worse") if versus.mark else ""
    yield _interval_field(axis, versus.difference, (versus.low, versus.high), kind)
    yield Field(_text(versus.difference, versus.low, versus.high))
    yield Field(write.mark(versus))


def _mean(name: str, forest: Forest, axis: Axis) -> Iterator[Field]:
    text = _text(forest.mean, forest.low, forest.high)
    far = write.interval(forest.next_low, forest.next_high)
    drawing = bar(
        axis, forest.mean, (forest.low, forest.high), f"{text}, a further one {far}", "mean"
    )
    if drawing is not None and far:
        drawing = replace(drawing, far=(axis.at(forest.next_low), axis.at(forest.next_high)))
    yield Field(name)
    yield Field("", drawing=drawing)
    yield Field(text)
    yield Field(f"{forest.i2:.0f}%")


def _interval_field(axis: Axis, value: float, bounds: tuple[float, float], kind: str = "") -> Field:
    return Field("", drawing=bar(axis, value, bounds, _text(value, *bounds), kind))


def _text(value: float, low: float, high: float) -> str:
    return f"{write.signed(value)} {write.interval(low, high)}".rstrip()


def _rank_text(diagram: RankDiagram, place: Place) -> str:
    if math.isnan(place.low):
        return write.number(place.position, 2)
    if diagram.axis == "rank":
        return write.rank((int(place.low), int(place.high)))
    return f"{write.number(place.position, 1)} {write.interval(place.low, place.high, 1)}"


def _kind(place: Place) -> str:
    return "control" if place.control else ""
