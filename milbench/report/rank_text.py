"""A rank diagram in plain characters, for terminals and Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.cells import cell_len

from milbench.report.format import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.diagram import Place, RankDiagram

STEP = 2  # characters from one rank to the next; a rank may be a half


def rank_lines(diagram: RankDiagram) -> Iterator[str]:
    """Yield a line a method: its name, its place and the interval of its rank, and its groups.

    Each column on the right is one group of methods that were not told apart: a dot for each
    member, a line where the group only passes by.
    """
    names = [printable(place.method) for place in diagram.places]
    width = max(map(cell_len, (*names, diagram.axis)))
    yield f"{_padded(diagram.axis, width)}  {_scale(len(names))}"
    for row, (name, place) in enumerate(zip(names, diagram.places, strict=True)):
        marks = "  ".join(_mark(group, row) for group in diagram.cliques)
        yield f"{_padded(name, width)}  {_track(place, len(names))}  {marks}".rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _scale(count: int) -> str:
    """Return the numbers of the first, the last and every fifth rank, each above its place."""
    signs = [" "] * (_column(count) + len(str(count)))
    for rank in (1, *range(5, count - 1, 5), count):
        for offset, sign in enumerate(str(rank)):
            signs[_column(rank) + offset] = sign
    return "".join(signs)


def _track(place: Place, count: int) -> str:
    signs = ["·" if column % STEP == 0 else " " for column in range(_column(count) + 1)]
    if not math.isnan(place.low):
        first, last = _column(place.low), _column(place.high)
        signs[first : last + 1] = "─" * (last + 1 - first)
        signs[first], signs[last] = "├", "┤"
    signs[_column(place.position)] = "●"
    return "".join(signs)


def _column(rank: float) -> int:
    return round((rank - 1) * STEP)


def _mark(group: tuple[int, ...], row: int) -> str:
    if row in group:
        return "●"
    return "│" if group[0] < row < group[-1] else " "
