"""The classical data sets: MILpy's three MATLAB files, C4.5's ``.data``, and ``label,bag,x0,...``.

Sources: jmarrietar/MILpy, ``data``; the UCI repository's musk, https://archive.ics.uci.edu/dataset/74;
rosasalberto/mil, ``mil/data``. Bags are small, so a file is read whole.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from milbench.errors import DatasetError
from milbench.interchange.labels import Labels
from milbench.interchange.layout import Instances, Layout, Slide
from milbench.sheets.text import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MATLAB = ("x", "bag2", "bagi")  # a file's name begins with its variable's
NAMES = 2  # the cells of a C4.5 line before the first feature: bag and instance


class Rows(NamedTuple):
    """All instances of a data set: features (N_total, D), and bag and label of each."""

    x: np.ndarray
    bags: Sequence[str]
    labels: Sequence[str]


def find_features(folder: Path) -> Layout | None:
    """Return the bags of a classical data set, or None where no such file is in ``folder``.

    Raises
    ------
    DatasetError
        If files of two kinds lie side by side, a file is damaged, or the instances of a bag
        disagree about its label.
    """
    found: dict[str, Callable[[], Rows]] = {}
    matlab = {name: path for name in MATLAB for path in folder.glob("*.mat") if _begins(path, name)}
    if set(matlab) == set(MATLAB):
        found["X*.mat, Bag2*.mat, bagI*.mat"] = partial(_matlab, matlab)
    for path in sorted([*folder.glob("*.data"), *folder.glob("*.data.gz")]):
        found[path.name] = partial(_c45, path)
    plain = [path for path in folder.glob("*.csv") if _is_plain_table(path)]
    if len(plain) == 1:  # several are one a bag
        found[plain[0].name] = partial(_table, plain[0])
    if not found:
        return None
    if len(found) > 1:
        raise DatasetError(f"{folder}: {' and '.join(list(found)[:2])} both hold bags; keep one")
    ((why, read),) = found.items()
    return _gathered(read(), why, folder)


def _begins(path: Path, name: str) -> bool:
    return path.name.lower().startswith(name)


def _is_plain_table(path: Path) -> bool:
    """Return whether the first line is numbers, but for the bag, which is second."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        cells = file.readline().strip().split(",")
    others = cells[:1] + cells[2:]
    return len(cells) > NAMES + 1 and all(_is_number(cell) for cell in others)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _gathered(rows: Rows, why: str, folder: Path) -> Layout:
    """Return the bags in the order in which they first appear."""
    members: dict[str, list[int]] = {}
    for index, bag in enumerate(rows.bags):
        members.setdefault(bag, []).append(index)
    labels = {}
    for bag, places in members.items():
        found = {rows.labels[place] for place in places}
        if len(found) > 1:
            raise DatasetError(f"{folder}, bag {bag!r}: labels {' and '.join(sorted(found))}")
        labels[bag] = found.pop()

    def read(slide: Slide, unit: str = "") -> Instances:
        return Instances(rows.x[members[slide.id]], coords_unit=unit)

    return Layout(
        producer="classical",
        why=why,
        slides=tuple(Slide(bag, folder) for bag in members),
        labels=Labels(labels, where=str(folder)),
        read=read,
    )


def _matlab(paths: dict[str, Path]) -> Rows:
    x, bags, labels = (
        _variable(paths[name], variable)
        for name, variable in zip(MATLAB, ("X", "Bag2", "bagI"), strict=True)
    )
    numbers, known = bags.reshape(-1).astype(int), labels.reshape(-1)
    if len(numbers) != len(x) or numbers.min() < 1 or numbers.max() > len(known):
        raise DatasetError(
            f"{paths['bag2']}: {len(numbers)} bag numbers up to {numbers.max()}, for {len(x)} "
            f"instances and {len(known)} labels"
        )
    return Rows(x, [str(one) for one in numbers], [f"{known[one - 1]:g}" for one in numbers])


def _variable(path: Path, name: str) -> np.ndarray:
    from scipy.io import loadmat  # noqa: PLC0415  # only where there is such a file

    try:
        stored: dict[str, Any] = loadmat(path, variable_names=[name])
    except (OSError, ValueError, NotImplementedError) as error:
        raise DatasetError(f"{path}: not a MATLAB file that can be read: {error}") from error
    if name not in stored or stored[name].dtype.kind not in "fiu":
        raise DatasetError(f"{path}: no numbers called {name!r}; found {', '.join(stored)}")
    return np.asarray(stored[name], dtype=np.float64)


def _c45(path: Path) -> Rows:
    """Read lines ``bag,instance,feature,...,label.``; a closing full stop is left out."""
    lines = [line.strip().removesuffix(".") for line in read_text(path).splitlines()]
    table = [[cell.strip() for cell in line.split(",")] for line in lines if line]
    x = _numbers(path, [cells[NAMES:-1] for cells in table])
    return Rows(x, [cells[0] for cells in table], [_plain(path, cells[-1]) for cells in table])


def _table(path: Path) -> Rows:
    """Read lines ``label,bag,feature,...`` without a heading."""
    table = [line.split(",") for line in read_text(path).splitlines() if line.strip()]
    x = _numbers(path, [cells[2:] for cells in table])
    return Rows(x, [cells[1].strip() for cells in table], [_plain(path, c[0]) for c in table])


def _numbers(path: Path, rows: list[list[str]]) -> np.ndarray:
    try:
        x = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: no table of numbers of one width: {error}") from error
    if x.ndim != 2 or 0 in x.shape:  # noqa: PLR2004  # (N_total, D)
        raise DatasetError(f"{path}: no features in its lines")
    return x


def _plain(path: Path, text: str) -> str:
    """Return a label without the noughts of a decimal: ``1.0`` is ``1``."""
    if not _is_number(text):
        raise DatasetError(f"{path}: label {text!r}; expected a number")
    return f"{float(text):g}"
