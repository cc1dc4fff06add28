"""Read published test folds: one line a bag, one column a repeat.

The header is ``bag,label,rep0,rep1,...``; ``bag`` is the position of the bag, from 0, in the order
of the MIProblems and MILpy layouts; ``label`` lets us check that the order is the right one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.layouts.text import parse_row, read_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from milbench import LabelledBag

FIRST = ("bag", "label")


def read_folds(path: Path, bags: Sequence[LabelledBag]) -> dict[int, dict[str, int]]:
    """Return ``{repeat: {bag id: fold}}``; repeats and folds count from 0.

    Parameters
    ----------
    bags
        The bags in the order that the positions refer to.

    Raises
    ------
    DatasetError
        If the header is another one, a cell is no whole number, a label differs from the bag's,
        or the lines are not exactly one a bag, in order.
    """
    header, *lines = read_lines(path)
    names = header.strip().split(",")
    repeats = range(len(names) - len(FIRST))
    if names != [*FIRST, *(f"rep{repeat}" for repeat in repeats)] or not repeats:
        raise DatasetError(
            f"{path}, line 1: found {header.strip()!r}, expected bag,label,rep0,rep1,..."
        )
    if len(lines) != len(bags):
        raise DatasetError(f"{path}: found folds of {len(lines)} bags, expected {len(bags)}")
    cells = [
        fold_cells(path, position, text.split(","), len(names))
        for position, text in enumerate(lines)
    ]
    for position, (row, bag) in enumerate(zip(cells, bags, strict=True)):
        if row[: len(FIRST)] != [position, bag.label]:
            raise DatasetError(
                f"{path}, line {position + 2}: found bag {row[0]} with label {row[1]}, expected "
                f"bag {position} with label {bag.label}: the folds are of another order of bags"
            )
    return {
        repeat: {bag.id: row[len(FIRST) + repeat] for row, bag in zip(cells, bags, strict=True)}
        for repeat in repeats
    }


def fold_cells(path: Path, position: int, cells: list[str], width: int) -> list[int]:
    """Parse the line of one bag as whole numbers from 0.

    Raises
    ------
    DatasetError
        Naming the line, and the column where one is wrong.
    """
    line = position + 2  # the header is line 1
    if len(cells) != width:
        raise DatasetError(f"{path}, line {line}: found {len(cells)} columns, expected {width}")
    numbers = parse_row(path, line, cells)
    for column, number in enumerate(numbers, start=1):
        if number < 0 or not number.is_integer():
            raise DatasetError(
                f"{path}, line {line}, column {column}: found {number:g}, expected 0, 1, 2, ..."
            )
    return [int(number) for number in numbers]
