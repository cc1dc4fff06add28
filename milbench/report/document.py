"""What a writer of a report is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from milbench.leaderboard.board import Board
    from milbench.leaderboard.table import Leaderboard
    from milbench.store import Record


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A leaderboard and what it was built from: what its suite asked for, and the stored runs."""

    leaderboard: Leaderboard
    board: Board
    records: tuple[Record, ...]


class File(NamedTuple):
    """One file of a report.

    Parameters
    ----------
    name
        Its place in the folder of the report: ``plots/musk1-ranks.pdf``.
    content
        Text is written in UTF-8.
    about
        What it is for, in a few words for the index.
    """

    name: str
    content: str | bytes
    about: str
