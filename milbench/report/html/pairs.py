"""Every pair of methods: a matrix that shows who differs, and a table with both tests of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from milbench.report import format as write
from milbench.report.html.axis import linear
from milbench.report.html.drawing import Scale, bar
from milbench.report.html.table import Field, Head, Line, Table

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from milbench.leaderboard.table import Section
    from milbench.report.html.axis import Axis
    from milbench.stats.compare import Comparison


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell of the matrix: the row's method against the column's.

    ``kind`` is ``better``, ``worse``, ``alike`` or, on the diagonal, ``self``; ``target`` is the
    anchor of the pair's row in the table.
    """

    text: str
    kind: str
    target: str
    title: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The tested methods, best first, each against each."""

    caption: str
    names: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True, slots=True)
class Oriented:
    """A pair as "the better placed method minus the other"."""

    first: str
    second: str
    pair: Comparison
    sign: float
    greater_is_better: bool

    @property
    def difference(self) -> float:
        """Return first minus second."""
        return self.sign * self.pair.difference

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the interval of P for this pair alone."""
        return _turned(self.pair.low, self.pair.high, self.sign)

    @property
    def t_bounds(self) -> tuple[float, float]:
        """Return the interval of T for this pair alone."""
        return _turned(self.pair.t_low, self.pair.t_high, self.sign)

    @property
    def is_better(self) -> bool:
        """Return whether the difference speaks for the first method."""
        return (self.difference > 0) == self.greater_is_better


def pairs_of(section: Section) -> dict[tuple[str, str], Oriented]:
    """Return every tested pair by its methods, in the order of the rows of ``section``."""
    by_names = {frozenset((pair.a, pair.b)): pair for pair in section.comparisons}
    names = [row.method for row in section.rows]
    greater = section.rows[0].primary.greater_is_better if section.rows else True
    found = {}
    for first, second in combinations(names, 2):
        pair = by_names.get(frozenset((first, second)))
        if pair is not None:
            sign = 1.0 if pair.a == first else -1.0
            found[first, second] = Oriented(first, second, pair, sign, greater)
    return found


def matrix(pairs: Mapping[tuple[str, str], Oriented], names: Sequence[str], anchor: str) -> Matrix:
    """Return who differs from whom.

    Parameters
    ----------
    anchor
        Beginning of the anchors of the rows in the table of :func:`pair_table`.
    """
    return Matrix(
        caption="Who differs from whom",
        names=tuple(names),
        rows=tuple(tuple(_entry(pairs, one, other, anchor) for other in names) for one in names),
    )


def pair_table(
    pairs: Mapping[tuple[str, str], Oriented], anchor: str, controls: Container[str]
) -> Table:
    """Return one row a pair, with both tests; ``controls`` are the methods that are one."""
    bounds = (value for one in pairs.values() for value in (*one.bounds, one.difference))
    axis = linear(bounds, include=(0.0,))
    heads = (
        Head("Pair", "name"),
        Head("", "bar", None if axis is None else Scale(axis.ticks, axis.at(0.0))),
        Head("Difference [95% CI]", "value"),
        Head("p, patients"),
        Head("after Holm"),
        Head("T interval"),
        Head("p, folds"),
        Head("after Holm"),
        Head("Mark"),
        Head("Detectable"),
        Head("Codes", "codes"),
    )
    lines = tuple(
        Line(
            tuple(_cells(one, axis)),
            one.first in controls or one.second in controls,
            f"{anchor}-{number}",
        )
        for number, one in enumerate(pairs.values())
    )
    return Table("Both tests of every pair", heads, lines)


def p_value(value: float) -> str:
    """Return a p-value with three decimals, or the bound below which it lies."""
    return "<0.001" if value < 0.001 else write.number(value)  # noqa: PLR2004  # what is shown


def marked(pair: Oriented) -> str:
    """Return the mark of a pair as the table has it, from the first method's side."""
    if not pair.pair.mark:
        return ""
    return write.MARKS[pair.pair.mark] + ("" if pair.is_better else "↓")


def _cells(one: Oriented, axis: Axis | None) -> Iterator[Field]:
    text = f"{write.signed(one.difference)} {write.interval(*one.bounds)}".rstrip()
    kind = ("better" if one.is_better else "worse") if one.pair.mark else ""
    drawing = None if axis is None else bar(axis, one.difference, one.bounds, text, kind)
    yield Field(f"{one.first} \N{MINUS SIGN} {one.second}")
    yield Field("", drawing=drawing)
    yield Field(text)
    yield Field(p_value(one.pair.p_patient))
    yield Field(p_value(one.pair.p_patient_holm))
    yield Field(write.interval(*one.t_bounds) or write.MISSING)
    yield Field(p_value(one.pair.p_t))
    yield Field(p_value(one.pair.p_t_holm))
    yield Field(marked(one) or "none")
    yield Field(write.number(one.pair.minimum_detectable))
    yield Field(", ".join(sorted(one.pair.codes)))


def _entry(pairs: Mapping[tuple[str, str], Oriented], one: str, other: str, anchor: str) -> Entry:
    if one == other:
        return Entry("", "self", "", "")
    is_turned = (one, other) not in pairs
    names = (other, one) if is_turned else (one, other)
    if names not in pairs:
        return Entry("", "self", "", f"{one} and {other} were not compared")
    pair, number = pairs[names], list(pairs).index(names)
    target = f"{anchor}-{number}"
    if not pair.pair.mark:
        return Entry("·", "alike", target, f"{one} and {other}: not told apart")
    is_better = pair.is_better != is_turned
    text = write.MARKS[pair.pair.mark] + ("" if is_better else "↓")
    word = "better" if is_better else "worse"
    return Entry(text, word, target, f"{one} is {word} than {other}")


def _turned(low: float, high: float, sign: float) -> tuple[float, float]:
    return (low, high) if sign > 0 else (-high, -low)
