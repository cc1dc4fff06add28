"""What a split is: the plan it was drawn by, and the role of every bag in every fold."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from milbench.atomic import write_atomic
from milbench.errors import SplitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Scheme = Literal["kfold", "published", "official", "monte-carlo", "given"]
Leaks = Literal["refused", "allowed"]
Group = Literal["patient", "site"]

ROLES = ("train", "val", "test", "unused")  # the value of a role is its position here
TRAIN, VAL, TEST, UNUSED = range(4)
COLUMNS = ("bag_id", "group_id", "repeat", "fold", "role")


@dataclass(frozen=True)
class SplitPlan:
    """How bags are to be divided.

    Parameters
    ----------
    scheme
        ``kfold``: every bag is tested once a repeat. ``published``: the data set's published test
        folds, then ``kfold`` for the repeats beyond them. ``official``: the data set's own parts,
        one fold. ``monte-carlo``: ``folds`` independent random test parts a repeat. ``given``:
        the role of every bag in every fold, as a file of the data set has it.
    repeats
        Each repeat is a new split.
    folds
        Ignored by ``official``.
    validation
        Share of the training bags that is held back for early stopping; 0 for none. Official
        validation parts are used as they are.
    test
        Share of the bags that ``monte-carlo`` tests on.
    seed
        Together with the data set's name, decides every draw.
    leaks
        Whether ``given`` splits may have a patient in two parts of a fold.
    group
        What is kept on one side of a test: ``patient``, or ``site``, which needs ``kfold``; see
        :mod:`milbench.splits.by_site`.
    """

    scheme: Scheme = "kfold"
    repeats: int = 1
    folds: int = 5
    validation: float = 0.2
    test: float = 0.2
    seed: int = 1
    leaks: Leaks = "refused"
    group: Group = "patient"

    def __post_init__(self) -> None:
        if self.scheme not in get_args(Scheme):
            known = ", ".join(get_args(Scheme))
            raise SplitError(f"splits.scheme {self.scheme!r}: expected one of {known}")
        if self.repeats < 1:
            raise SplitError(f"splits.repeats {self.repeats}: expected 1 or more")
        fewest = 2 if self.scheme in ("kfold", "published") else 1
        if self.folds < fewest:
            raise SplitError(f"splits.folds {self.folds}: {self.scheme} needs {fewest} or more")
        if not 0 <= self.validation < 1:
            raise SplitError(f"splits.validation {self.validation}: expected 0 <= share < 1")
        if not 0 < self.test < 1:
            raise SplitError(f"splits.test {self.test}: expected 0 < share < 1")
        if self.group not in get_args(Group):
            known = ", ".join(get_args(Group))
            raise SplitError(f"splits.group {self.group!r}: expected one of {known}")
        if self.group == "site" and self.scheme != "kfold":
            raise SplitError(
                f"splits.group 'site': with the scheme kfold only, found {self.scheme!r}"
            )

    @property
    def n_folds(self) -> int:
        """Return the number of folds that splits of this plan have in a repeat."""
        return 1 if self.scheme == "official" else self.folds


class Part(NamedTuple):
    """The bags of one fold by role, as ascending positions in the table of bags (int64)."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class Splits:
    """The role of every bag in every fold of every repeat.

    Parameters
    ----------
    bag_ids, groups
        One a bag, in the order of the table; bags of a group never have two roles in one fold,
        unless the plan allows leaks.
    roles : (repeats, folds, B) int8
        0 train, 1 val, 2 test; 3 for bags that a fold of given splits leaves out.
    plan
        None for splits read from a file without one.
    notes
        What a reader of results must know about the draw.
    is_leaking
        Whether a group has bags in two parts of a fold, which the plan then allows.
    """

    bag_ids: tuple[str, ...]
    groups: tuple[str, ...]
    roles: np.ndarray
    plan: SplitPlan | None = None
    notes: tuple[str, ...] = ()
    is_leaking: bool = False

    @property
    def n_repeats(self) -> int:
        """Return the number of repeats."""
        return int(self.roles.shape[0])

    @property
    def n_folds(self) -> int:
        """Return the number of folds in a repeat."""
        return int(self.roles.shape[1])

    def part(self, repeat: int, fold: int) -> Part:
        """Return the bags of one fold.

        Raises
        ------
        SplitError
            If there is no such repeat or fold.
        """
        if not (0 <= repeat < self.n_repeats and 0 <= fold < self.n_folds):
            raise SplitError(
                f"no repeat {repeat}, fold {fold}: the splits have repeats "
                f"0..{self.n_repeats - 1} and folds 0..{self.n_folds - 1}"
            )
        roles = self.roles[repeat, fold]
        return Part(
            *(np.flatnonzero(roles == role).astype(np.int64) for role in (TRAIN, VAL, TEST))
        )

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 of the CSV text, 64 hexadecimal digits."""
        return sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Return the splits as CSV, sorted by repeat, fold and position in the table."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self._rows())
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the splits to ``path`` in one step."""
        write_atomic(path, self.text())

    def _rows(self) -> Iterator[tuple[str, str, int, int, str]]:
        for repeat, fold in np.ndindex(self.n_repeats, self.n_folds):
            roles = self.roles[repeat, fold].tolist()
            for bag, group, role in zip(self.bag_ids, self.groups, roles, strict=True):
                yield bag, group, repeat, fold, ROLES[role]
