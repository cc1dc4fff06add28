"""From the labels of a table to classes, task and metric, where the user says nothing of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from milbench.own_data import OwnTask

MOST_CLASSES: Final = 20  # of labels; more look like measurements, or like a column of names
METRIC: Final[Mapping[OwnTask, str]] = {
    "binary": "auroc",
    "multi-class": "balanced-accuracy",
    "ordinal": "quadratic-kappa",
}
# As in docs/statistics.md the second class is the positive one.
NEGATIVE_FIRST: Final = (
    ("negative", "positive"),
    ("neg", "pos"),
    ("normal", "tumor"),
    ("normal", "tumour"),
    ("benign", "malignant"),
    ("control", "case"),
    ("wt", "mut"),
    ("wildtype", "mutated"),
    ("wild-type", "mutant"),
    ("wildtype", "mutant"),
    ("mss", "msi"),
    ("mss", "msi-h"),
    ("no", "yes"),
    ("false", "true"),
)


def classes_in(labels: Iterable[str], path: Path) -> tuple[str, ...]:
    """Return the classes in order: numbers by size, known pairs negative first, else by name.

    Raises
    ------
    DatasetError
        If there is one class, or more than are classes of anything.
    """
    found = sorted(set(labels))
    if len(found) < 2:  # noqa: PLR2004  # nothing to tell apart
        raise DatasetError(
            f"{path}: all slides have the label {found[0]!r}; a comparison needs two classes"
        )
    if len(found) > MOST_CLASSES:
        raise DatasetError(
            f"{path}: {len(found)} different labels, such as {found[0]!r} and {found[1]!r}; these "
            "look like measurements or names, and regression and survival are not there: say which "
            "column is the class with --label-column, or which labels with --classes"
        )
    for pair in NEGATIVE_FIRST:
        if sorted(pair) == [name.casefold() for name in found]:
            return tuple(sorted(found, key=lambda name: pair.index(name.casefold())))
    return tuple(_in_order(found))


def task_of(classes: tuple[str, ...]) -> OwnTask:
    """Return the task that classes without more words are."""
    return "binary" if len(classes) == 2 else "multi-class"  # noqa: PLR2004  # two classes


def _in_order(names: list[str]) -> list[str]:
    try:
        return sorted(names, key=float)
    except ValueError:
        return names
