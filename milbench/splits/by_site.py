"""Divide bags by site: each fold is tested on sites that it has not seen.

A site (hospital, laboratory, scanner) leaves marks on its slides that a network learns, and folds
by patient have every site on both sides (Howard et al. 2021, Nature Communications 12:4423,
https://doi.org/10.1038/s41467-021-24698-1). With as many folds as sites, each fold leaves one site
out; with fewer, sites are divided as evenly by bags and classes as whole ones allow.

Sites that share a patient are tested together, as one: a patient is never on both sides, and a
site neither. The validation part is drawn by patient from the training sites and not by site: where
there are two or three sites, nothing would be left to train on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.splits.divide import Groups, Wanted, divide, group_bags

if TYPE_CHECKING:
    from milbench.bags import BagTable
    from milbench.splits.plan import SplitPlan

LISTED = 12  # sites that a note names; of more it tells the number


@dataclass(frozen=True)
class BySite:
    """One data set and the plan to divide its sites by.

    Parameters
    ----------
    name
        Of the data set; part of every draw.
    """

    table: BagTable
    plan: SplitPlan
    name: str

    def folds(self) -> list[np.ndarray]:
        """Return the fold that tests each bag, (B,), for every repeat.

        Raises
        ------
        SplitError
            If a bag has no site, there are fewer sites than folds, a fold would lack a class, or
            two repeats would be the same division.
        """
        self._check()
        if self.leaves_one_out:
            return [self._sites.members] * self.plan.repeats
        drawn = [self._draw(repeat) for repeat in range(self.plan.repeats)]
        seen: dict[frozenset[frozenset[str]], int] = {}
        for repeat, fold_of_bag in enumerate(drawn):
            first = seen.setdefault(frozenset(map(frozenset, self._tested(fold_of_bag))), repeat)
            if first != repeat:
                raise SplitError(
                    f"{self.name}: repeat {repeat} divides the {len(self._sites.names)} sites as "
                    f"repeat {first} does; set splits.repeats = {repeat}, and train more often by "
                    "protocol.seeds"
                )
        return drawn

    @property
    def leaves_one_out(self) -> bool:
        """Return whether every fold tests one site, so that there is one division only."""
        return len(self._sites.names) == self.plan.folds

    def notes(self, folds: list[np.ndarray]) -> tuple[str, ...]:
        """Return what a reader of results must know of ``folds``, (B,) for each repeat."""
        notes = [self._division(folds[0])]
        if self.leaves_one_out and len(folds) > 1:
            differ = "differ in validation bags only" if self.plan.validation else "are the same"
            notes.append(f"Every repeat leaves out the same sites: the repeats {differ}.")
        notes += [
            f"Sites {sites} share patients, such as {patient}, and are tested together."
            for sites, patient in self._shared.items()
        ]
        return tuple(notes)

    def _division(self, fold_of_bag: np.ndarray) -> str:
        tested = self._tested(fold_of_bag)
        count = len(self._sites.names)
        if count > LISTED:
            fewest, most = min(map(len, tested)), max(map(len, tested))
            return f"By site: {count} sites, {fewest} to {most} of them tested in a fold."
        first = "" if self.leaves_one_out or self.plan.repeats == 1 else ", in repeat 0"
        return f"By site{first}: folds test {' | '.join(map(', '.join, tested))}."

    def _tested(self, fold_of_bag: np.ndarray) -> list[list[str]]:
        """Return the sites that each fold tests."""
        names, members = self._sites.names, self._sites.members
        return [
            [names[site] for site in np.unique(members[fold_of_bag == fold])]
            for fold in range(self.plan.folds)
        ]

    def _draw(self, repeat: int) -> np.ndarray:
        wanted = [Wanted(1 / self.plan.folds)] * self.plan.folds
        key = (self.name, self.plan.seed, repeat, "site")
        fold_of_bag = divide(self._sites, wanted, "folds", *key)
        if fold_of_bag is None:
            raise SplitError(
                f"{self.name}, {self.plan.folds} folds by site, repeat {repeat}: no draw gives "
                "every fold a site of every class; use fewer folds, or splits.group = 'patient'"
            )
        return fold_of_bag

    def _check(self) -> None:
        folds, sites = self.plan.folds, self._sites
        if len(sites.names) < folds:
            together = "".join(
                f"; {names} share patients, such as {patient}, and count as one"
                for names, patient in self._shared.items()
            )
            step = (
                f"set splits.folds = {len(sites.names)}, or use" * (len(sites.names) > 1) or "use"
            )
            raise SplitError(
                f"{self.name}: {folds} folds by site need {folds} sites, and there are "
                f"{len(sites.names)} ({', '.join(sites.names)}){together}; {step} "
                "splits.group = 'patient'"
            )
        having = (sites.counts > 0).sum(axis=0)  # (C,)
        rarest = int(having.argmin())
        if having[rarest] < folds:
            raise SplitError(self._lacking(rarest, int(having[rarest])))

    def _lacking(self, label: int, count: int) -> str:
        """Return that a class is found at too few sites, and at which ones it is not."""
        without = [
            name
            for name, has in zip(self._sites.names, self._sites.counts[:, label] > 0, strict=True)
            if not has
        ]
        more = f" and {len(without) - 1} others" * (len(without) > 1)
        step = f"use {count} folds or fewer" if count > 1 else "no number of folds works; use"
        either = ", or" * (count > 1)
        return (
            f"{self.name}, {self.plan.folds} folds by site: FOLD_MISSING_CLASS: class "
            f"{self.table.classes[label]!r} is found at {count} of {len(self._sites.names)} sites, "
            f"not at {without[0]!r}{more}, and every fold needs it; {step}{either} "
            "splits.group = 'patient'"
        )

    @cached_property
    def _sites(self) -> Groups:
        """Return the sites, those that share a patient as one."""
        joined = self._joined
        names = [joined[site] for site in self.table.sites]
        return group_bags(names, self.table.labels, len(self.table.classes))

    @cached_property
    def _shared(self) -> dict[str, str]:
        """Return a patient of each set of sites that are joined, by the name of the set."""
        joined = self._joined
        return {
            joined[sites[0]]: patient
            for patient, sites in sorted(self._sites_of_patients().items(), reverse=True)
            if len(sites) > 1
        }

    @cached_property
    def _joined(self) -> dict[str, str]:
        """Return the name that each site is divided under: its own, or that of its set.

        Raises
        ------
        SplitError
            If a bag has no site.
        """
        without = [
            bag for bag, site in zip(self.table.ids, self.table.sites, strict=True) if not site
        ]
        if without:
            raise SplitError(
                f"{self.name}: {len(without)} of {len(self.table)} bags have no site, such as "
                f"{without[0]!r}, and folds by site need that of each; use splits.group = 'patient'"
            )
        members = {site: {site} for site in self.table.sites}
        for sites in self._sites_of_patients().values():
            if len(sites) > 1:
                together = set().union(*(members[site] for site in sites))
                members |= dict.fromkeys(together, together)
        return {site: " + ".join(sorted(together)) for site, together in members.items()}

    def _sites_of_patients(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for patient, site in zip(self.table.patients, self.table.sites, strict=True):
            found[patient].add(site)
        return {patient: sorted(sites) for patient, sites in found.items()}
