"""Which number is meant: ``SUITE:method:dataset:metric``, or what there is instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from milbench.errors import TraceError
from milbench.leaderboard.level import levels_of
from milbench.metrics import LABEL_METRICS, LEVEL_METRICS, METRICS
from milbench.metrics.definitions import why_not

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from milbench.leaderboard.board import Board, DatasetInfo
    from milbench.leaderboard.level import Level

FORM = "SUITE:method:dataset:metric"
PLACE = re.compile(r"(?P<dataset>[^@/]+)(/(?P<level>[^@]+))?(@(?P<view>.+))?")


@dataclass(frozen=True, slots=True)
class Address:
    """One number of a leaderboard.

    Parameters
    ----------
    suite
        Name or file.
    method
        A row.
    dataset
        ``NAME``, ``NAME/LEVEL`` for a coarse level, ``NAME@VIEW`` where a data set is seen in
        several ways.
    metric
        Any metric; it need not be a column of the table.
    """

    suite: str
    method: str
    dataset: str
    metric: str

    def __str__(self) -> str:
        return f"{self.suite}:{self.method}:{self.dataset}:{self.metric}"


def suite_of(text: str) -> str:
    """Return what stands before the last three colons: the suite of an address."""
    parts = text.rsplit(":", 3)
    return parts[0] if len(parts) == 4 else text.partition(":")[0]  # noqa: PLR2004  # as in FORM


def read_address(text: str, board: Board) -> tuple[Address, Level]:
    """Return the address in ``text``, and the data set and level that it means.

    Raises
    ------
    TraceError
        If a part is missing or is not in the suite; the message lists what there is.
    """
    parts = text.rsplit(":", 3)
    if len(parts) != 4:  # noqa: PLR2004  # as in FORM
        raise TraceError(f"{text!r}: expected {FORM}; {_contents(board)}")
    suite, method, dataset, metric = parts
    _known("method", method, [info.label for info in board.methods], text)
    level = _level(dataset, board, text)
    _known("metric", metric, _metrics(level), text)
    return Address(suite, method, dataset, metric), level


def _metrics(level: Level) -> list[str]:
    of_levels = [*LEVEL_METRICS] if level.name else []
    is_multi_label = level.dataset.is_multi_label
    known = (*METRICS, *LABEL_METRICS)
    return [m for m in known if not why_not(m, is_multi_label=is_multi_label)] + of_levels


def places(board: Board) -> list[str]:
    """Return every data set of a suite as an address names it, with its levels and views."""
    return [_name(board, level) for d in board.datasets for level in levels_of(board, d)]


def _level(place: str, board: Board, text: str) -> Level:
    asked = PLACE.fullmatch(place)
    found = [] if asked is None else list(_levels(board, asked))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(_name(board, level) for level in found)
        raise TraceError(f"{text!r}: data set {place!r} is seen in several ways; one of: {names}")
    _known("data set", place, places(board), text)
    raise TraceError(f"{text!r}: no data set {place!r}; there are: {', '.join(places(board))}")


def _levels(board: Board, asked: re.Match[str]) -> Iterable[Level]:
    for dataset in board.datasets:
        if dataset.name == asked["dataset"] and asked["view"] in (None, dataset.encoder):
            for level in levels_of(board, dataset):
                if level.name == (asked["level"] or ""):
                    yield level


def _name(board: Board, level: Level) -> str:
    of = level.dataset
    shared = sum(other.name == of.name for other in board.datasets) > 1
    return f"{of.name}{f'/{level.name}' * bool(level.name)}{_view(of) * shared}"


def _view(dataset: DatasetInfo) -> str:
    return f"@{dataset.encoder}"


def _known(kind: str, name: str, there: Sequence[str], text: str) -> None:
    if name in there:
        return
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise TraceError(f"{text!r}: no {kind} {name!r}; {hint}there are: {', '.join(there)}")


def _contents(board: Board) -> str:
    methods = ", ".join(info.label for info in board.methods)
    metrics = dict.fromkeys(
        level.metric for d in board.datasets for level in levels_of(board, d)
    ) | dict.fromkeys(board.secondary)
    return (
        f"suite {board.suite} has\n  methods: {methods}\n  data sets: {', '.join(places(board))}\n"
        f"  metrics: {', '.join(metrics)}, and others"
    )
