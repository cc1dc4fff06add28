"""From the records of a suite to a ranked table with significance; pure, no reading or writing."""

from milbench.leaderboard.board import Board, Cell, DatasetInfo, MethodInfo
from milbench.leaderboard.build import build
from milbench.leaderboard.table import Leaderboard

__all__ = ["Board", "Cell", "DatasetInfo", "Leaderboard", "MethodInfo", "build"]
