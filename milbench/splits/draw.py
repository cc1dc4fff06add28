"""Draw splits: by folds, from published folds, by the official parts, or at random.

Every draw follows from names: the data set's, the plan's seed, the repeat and the fold. So a
repeat stays the same when more are asked for, and whatever else is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.splits.by_site import BySite
from milbench.splits.check import check_splits, told
from milbench.splits.divide import Groups, Wanted, divide, group_bags
from milbench.splits.given import given_roles, never_used
from milbench.splits.plan import ROLES, TEST, TRAIN, VAL, SplitPlan, Splits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.bags import BagTable


def draw_splits(
    table: BagTable,
    plan: SplitPlan,
    *,
    name: str,
    published: Mapping[int, Mapping[str, int]] | None = None,
    given: Mapping[tuple[int, int], Mapping[str, str]] | None = None,
) -> Splits:
    """Divide the bags of a data set by ``plan``, stratified by class, grouped by patient or site.

    Parameters
    ----------
    table
        The bags; every class needs enough patients.
    name
        Of the data set; part of every seed.
    published
        ``{repeat: {bag_id: fold}}``, the published test folds, for the scheme ``published``.
    given
        ``{(repeat, fold): {bag_id: role}}``, whole splits, for the scheme ``given``.

    Raises
    ------
    SplitError
        If the split cannot be drawn, a class would be missing from a part, published folds or
        official parts do not fit the bags or tear a patient apart, or sites are unknown or too few.
    """
    if len(table.classes) < 2:  # noqa: PLR2004  # one class cannot be told from itself
        raise SplitError(f"{name}: {len(table.classes)} class; a split needs two or more")
    draw = _Draw(table, plan, name)
    if plan.scheme == "published":
        roles, notes = draw.published(published or {})
    elif plan.scheme == "official":
        roles, notes = draw.official()
    elif plan.scheme == "given":
        roles = given_roles(table, plan, name, given)
        notes = never_used(table, roles)
    else:
        roles, notes = draw.drawn()
    splits = Splits(table.ids, table.patients, np.array(roles, dtype=np.int8), plan, notes)
    check_splits(splits, table, name, plan.leaks)
    return told(splits) if plan.leaks == "allowed" else splits


@dataclass(frozen=True)
class _Draw:
    """One data set and the plan to divide it by; ``roles`` are nested repeats, folds, bags."""

    table: BagTable
    plan: SplitPlan
    name: str

    def drawn(self) -> tuple[list[list[np.ndarray]], tuple[str, ...]]:
        """Draw every repeat."""
        if self.plan.group == "site":
            sites = BySite(self.table, self.plan, self.name)
            folds = sites.folds()
            roles = [self._test_each(fold, repeat) for repeat, fold in enumerate(folds)]
            return roles, sites.notes(folds)
        draw = self._kfold if self.plan.scheme == "kfold" else self._monte_carlo
        return [draw(repeat) for repeat in range(self.plan.repeats)], ()

    def published(
        self, published: Mapping[int, Mapping[str, int]]
    ) -> tuple[list[list[np.ndarray]], tuple[str, ...]]:
        """Take the published repeats that there are, and draw the rest."""
        given = [published[repeat] for repeat in sorted(published)][: self.plan.repeats]
        roles = [
            self._test_each(self._fold_of_bags(repeat, folds), repeat)
            for repeat, folds in enumerate(given)
        ]
        rest = range(len(given), self.plan.repeats)
        if not rest:
            return roles, ()
        span = f"repeats {rest[0]}-{rest[-1]}" if len(rest) > 1 else f"repeat {rest[0]}"
        note = f"{span.capitalize()} drawn here: {len(given) or 'none'} published."
        return [*roles, *(self._kfold(repeat) for repeat in rest)], (note,)

    def official(self) -> tuple[list[list[np.ndarray]], tuple[str, ...]]:
        """Use the data set's own parts; repeats differ in a drawn validation part at most."""
        unknown = [i for i, part in zip(self.table.ids, self.table.parts, strict=True) if not part]
        if unknown:
            raise SplitError(
                f"{self.name}: {len(unknown)} of {len(self.table)} bags have no official part, "
                f"such as {unknown[0]!r}; use the scheme 'kfold'"
            )
        own = np.array([ROLES.index(part) for part in self.table.parts], dtype=np.int8)
        is_whole = bool((own == VAL).any()) or self.plan.validation == 0
        repeats = range(self.plan.repeats)
        roles = [[own if is_whole else self._with_validation(own, repeat, 0)] for repeat in repeats]
        if self.plan.repeats == 1:
            return roles, ()
        differ = "are all the same split" if is_whole else "differ in the validation part only"
        return roles, (f"official parts: the repeats {differ}",)

    def _kfold(self, repeat: int) -> list[np.ndarray]:
        folds = self.plan.folds
        # Of two folds, each is all that the other one trains and validates on.
        needed = self._trained_on if folds == 2 else 1  # noqa: PLR2004  # said above
        groups = self._groups(np.arange(len(self.table)))
        self._check_enough(groups, folds * needed, f"{folds} folds", self._folds_that_work(groups))
        wanted = [Wanted(1 / folds, needed)] * folds
        fold_of_bag = divide(groups, wanted, "folds", *self._key(repeat))
        if fold_of_bag is None:
            raise self._impossible(f"{folds} folds, repeat {repeat}", "use fewer folds")
        return self._test_each(fold_of_bag, repeat)

    def _monte_carlo(self, repeat: int) -> list[np.ndarray]:
        return [self._random_test(repeat, fold) for fold in range(self.plan.folds)]

    def _random_test(self, repeat: int, fold: int) -> np.ndarray:
        what, share = f"repeat {repeat}, fold {fold}: a random test part", self.plan.test
        groups = self._groups(np.arange(len(self.table)))
        self._check_enough(groups, 1 + self._trained_on, what, "leave the class out")
        wanted = Wanted(1 - share, self._trained_on), Wanted(share)
        part = divide(groups, wanted, "test", *self._key(repeat), fold)
        if part is None:
            raise self._impossible(what, "change splits.test")
        roles = np.where(part == 1, TEST, TRAIN).astype(np.int8)
        return self._with_validation(roles, repeat, fold)

    def _test_each(self, fold_of_bag: np.ndarray, repeat: int) -> list[np.ndarray]:
        """Return the roles of every fold, given the fold (B,) that tests each bag."""
        masks = (fold_of_bag == fold for fold in range(self.plan.folds))
        tests = (np.where(is_test, TEST, TRAIN).astype(np.int8) for is_test in masks)
        return [self._with_validation(roles, repeat, fold) for fold, roles in enumerate(tests)]

    def _with_validation(self, roles: np.ndarray, repeat: int, fold: int) -> np.ndarray:
        """Return ``roles`` (B,) with the validation part taken out of the training bags."""
        share = self.plan.validation
        if share == 0:
            return roles
        what = f"repeat {repeat}, fold {fold}: training with validation"
        advice = "use other folds, or set splits.validation = 0"
        train = np.flatnonzero(roles == TRAIN)
        groups = self._groups(train)
        self._check_enough(groups, 2, what, advice)
        wanted = Wanted(1 - share), Wanted(share)
        part = divide(groups, wanted, "validation", *self._key(repeat), fold)
        if part is None:
            raise self._impossible(what, advice)
        divided = roles.copy()
        divided[train[part == 1]] = VAL
        return divided

    def _fold_of_bags(self, repeat: int, folds: Mapping[str, int]) -> np.ndarray:
        """Return the published test fold of each bag, (B,), counted from 0."""
        place = f"{self.name}: published repeat {repeat}"
        wrong = sorted(set(folds) ^ set(self.table.ids))
        if wrong:
            where = "is no bag" if wrong[0] in folds else "has no fold"
            raise SplitError(
                f"{place} does not fit: {wrong[0]!r} {where} ({len(wrong)} such); "
                "use the scheme 'kfold'"
            )
        numbers = sorted(set(folds.values()))
        if len(numbers) != self.plan.folds:
            raise SplitError(
                f"{place} has {len(numbers)} folds and the plan asks for {self.plan.folds}; "
                f"set splits.folds = {len(numbers)}, or use the scheme 'kfold'"
            )
        return np.array([numbers.index(folds[bag]) for bag in self.table.ids], dtype=np.int64)

    def _groups(self, bags: np.ndarray) -> Groups:
        names = [self.table.patients[bag] for bag in bags]
        return group_bags(names, self.table.labels[bags], len(self.table.classes))

    def _key(self, repeat: int) -> tuple[str | int, ...]:
        return self.name, self.plan.seed, repeat

    @property
    def _trained_on(self) -> int:
        """Return how many groups of a class a fold needs beside those it tests on."""
        return 2 if self.plan.validation else 1

    def _folds_that_work(self, groups: Groups) -> str:
        _, count = self._rarest(groups)
        if count > self._trained_on:
            return f"the most that work are {count}"
        return "no number of folds works" + (" with validation" if self.plan.validation else "")

    def _check_enough(self, groups: Groups, needed: int, what: str, advice: str) -> None:
        """Refuse to divide a class that has fewer groups than the parts need."""
        name, count = self._rarest(groups)
        if count < needed:
            raise SplitError(
                f"{self.name}, {what}: {needed} patients of every class are needed, and class "
                f"{name!r} has {count}; {advice}"
            )

    def _rarest(self, groups: Groups) -> tuple[str, int]:
        """Return the class that the fewest groups have, and how many."""
        having = (groups.counts > 0).sum(axis=0)  # (C,)
        rarest = int(having.argmin())
        return self.table.classes[rarest], int(having[rarest])

    def _impossible(self, what: str, advice: str) -> SplitError:
        return SplitError(
            f"{self.name}, {what}: no draw gives every part the patients of every class it needs, "
            f"because patients have bags of several classes; {advice}"
        )
