"""Divide groups of bags into parts of given shares, each class or label as evenly as it goes.

Groups are placed one by one, those that hold most of a class first, each into the part that is
furthest below its share (for single bags this is Webster's divisor method of apportionment,
Balinski and Young 1982, class by class: with equal shares, class counts of two parts differ by at
most one). Where bags may have several labels, having a label and lacking it count as classes: the
rarest first, as in the iterative stratification of Sechidis, Tsoumakas and Vlahavas ("On the
stratification of multi-label data", ECML PKDD 2011, https://doi.org/10.1007/978-3-642-23808-6_10),
but balanced together, and by patient. Then single groups are moved while that gives a part the
groups it lacks, or improves the balance. Every order and tie follows from hashed names, so neither
the order of the bags nor the version of a random generator changes a split.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ATTEMPTS = 20
SIZE_WEIGHT = 1e-3  # the balance of sizes only decides between equal balances of classes
ROUNDING = 1e-6  # of a cost; the smallest real difference is 2 * SIZE_WEIGHT


class Groups(NamedTuple):
    """The groups of some bags.

    Parameters
    ----------
    names
        G distinct names, sorted.
    counts : (G, C) int64
        Bags of each class in each group; of labels (G, 2 L), the bags without the first label,
        those with it, and so on.
    members : (B,)
        Position of each bag's group in ``names``.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    members: np.ndarray


class Wanted(NamedTuple):
    """What a part should hold.

    Parameters
    ----------
    share
        Of the bags of each class; the shares of all parts have the sum 1.
    groups
        At least this many groups of each class.
    """

    share: float
    groups: int = 1


def group_bags(groups: Sequence[str], labels: np.ndarray, n_classes: int) -> Groups:
    """Return the groups of bags that belong to ``groups`` (B names) and have ``labels``.

    Parameters
    ----------
    labels : (B,), or (B, L) of 0 and 1
        One class, or several labels.
    """
    names = tuple(sorted(set(groups)))
    position = {name: index for index, name in enumerate(names)}
    members = np.array([position[group] for group in groups], dtype=np.int64)
    if labels.ndim == 1:
        counts = np.zeros((len(names), n_classes), dtype=np.int64)
        np.add.at(counts, (members, labels), 1)
        return Groups(names, counts, members)
    each = np.zeros((len(names), n_classes, 2), dtype=np.int64)  # (G, L, 2)
    np.add.at(each, (members[:, None], np.arange(n_classes), labels), 1)
    return Groups(names, each.reshape(len(names), -1), members)


def column_name(classes: Sequence[str], column: int, *, is_multi_label: bool) -> str:
    """Return what a column of the counts of groups is about, in words."""
    if not is_multi_label:
        return f"class {classes[column]!r}"
    label, has = divmod(column, 2)
    return f"{'' if has else 'no '}label {classes[label]!r}"


def divide(groups: Groups, wanted: Sequence[Wanted], *key: str | int) -> np.ndarray | None:
    """Return the part of each bag, so that every part holds the groups it needs.

    Parameters
    ----------
    groups
        Every class must be in as many of them as all parts need.
    wanted
        One for each of K parts.
    key
        Names that decide the draw.

    Returns
    -------
    (B,) int64, or None
        Part of each bag; None where no attempt gave every part what it needs.
    """
    for attempt in range(ATTEMPTS):
        order = _hashed_order(groups.names, *key, attempt)
        parts = np.empty(len(order), dtype=np.int64)
        parts[order], lacking = _assign(groups.counts[order], wanted, *key, attempt)
        if lacking == 0:
            part_of_bag: np.ndarray = parts[groups.members]
            return part_of_bag
    return None


def _hashed_order(names: Sequence[str], *key: str | int) -> list[int]:
    prefix = "/".join(map(str, key))
    hashes = [sha256(f"{prefix}/{name}".encode()).digest() for name in names]
    return sorted(range(len(names)), key=hashes.__getitem__)


def _assign(
    counts: np.ndarray, wanted: Sequence[Wanted], *key: str | int
) -> tuple[np.ndarray, int]:
    """Return the part of each shuffled group (G,) and how many groups are lacking in all."""
    shuffled = _hashed_order([f"part {part}" for part in range(len(wanted))], *key)
    balance = _Balance(counts, [wanted[part] for part in shuffled])
    parts = balance.place()
    lacking = balance.improve(parts)
    return np.array(shuffled)[parts], lacking


class _Balance:
    """How evenly groups are divided, and the steps that make it more even.

    The imbalance is the sum over parts k and columns c of w_c (n_kc - s_k T_c)^2 / s_k, with
    w_c = (B / T_c)^2: n_kc bags of class c in part k, s_k the part's share, T_c all bags of the
    class, B all bags. One more column counts the bags of all classes, with a small weight.

    Parameters
    ----------
    counts : (G, C)
        Bags of each class in each group; no class is empty.
    wanted
        What each of K parts should hold.
    """

    def __init__(self, counts: np.ndarray, wanted: Sequence[Wanted]) -> None:
        self._counts = np.column_stack([counts, counts.sum(axis=1)])  # (G, C + 1)
        totals = self._counts.sum(axis=0)
        self._weights = (totals[-1] / totals) ** 2
        self._weights[-1] = SIZE_WEIGHT
        self._shares = np.array([part.share for part in wanted])
        self._needed = np.array([part.groups for part in wanted])[:, None]  # (K, 1)
        self._ideal = self._shares[:, None] * totals  # (K, C + 1), s_k T_c
        self._load = np.zeros_like(self._ideal)  # (K, C + 1), n_kc
        self._hardest_first = np.argsort(-(counts / totals[:-1]).max(axis=1), kind="stable")

    def place(self) -> np.ndarray:
        """Place every group, hardest first, and return the part of each, (G,)."""
        parts = np.empty(len(self._counts), dtype=np.int64)
        for group in self._hardest_first:
            added = self._counts[group]
            excess = self._load - self._ideal
            cost = (2 * excess + added) @ (self._weights * added) / self._shares  # (K,)
            parts[group] = _first_smallest(cost)
            self._load[parts[group]] += added
        return parts

    def improve(self, parts: np.ndarray) -> int:
        """Move single groups, in place, while it helps; return how many groups are lacking."""
        has = self._counts[:, :-1] > 0  # (G, C)
        spare = np.zeros((len(self._shares), has.shape[1]), dtype=np.int64) - self._needed
        np.add.at(spare, parts, has)  # (K, C), groups of a class beyond those needed
        for _ in range(2 * len(parts)):
            lack, cost = _lack_changes(has, spare, parts), self._cost_changes(parts)
            cost[lack > lack.min()] = np.inf  # a lacking group outweighs any imbalance
            best = _first_smallest(cost.ravel())
            group, target = divmod(best, len(self._shares))
            if lack[group, target] == 0 and cost[group, target] > -ROUNDING:
                break
            np.add.at(spare, [parts[group], target], [-1 * has[group], has[group]])
            self._load[parts[group]] -= self._counts[group]
            self._load[target] += self._counts[group]
            parts[group] = target
        return int(np.maximum(-spare, 0).sum())

    def _cost_changes(self, parts: np.ndarray) -> np.ndarray:
        """Return how the imbalance changes when a group moves to a part, (G, K)."""
        weighted = self._counts * self._weights  # (G, C + 1)
        cross = 2 * weighted @ (self._load - self._ideal).T  # (G, K)
        square = (self._counts * weighted).sum(axis=1)[:, None]  # (G, 1)
        here = np.arange(len(parts)), parts
        left = (square - cross[here][:, None]) / self._shares[parts][:, None]  # (G, 1)
        change: np.ndarray = (cross + square) / self._shares + left  # (G, K)
        change[here] = 0.0
        return change


def _lack_changes(has: np.ndarray, spare: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return how many more groups are lacking when a group moves to a part, (G, K)."""
    lost = (has & (spare <= 0)[parts]).sum(axis=1)[:, None]  # (G, 1)
    gained = has.astype(np.int64) @ (spare < 0).T.astype(np.int64)  # (G, K)
    change: np.ndarray = lost - gained
    change[np.arange(len(parts)), parts] = 0
    return change


def _first_smallest(cost: np.ndarray) -> int:
    """Return the first of the smallest values, equal up to rounding."""
    return int(np.argmax(cost <= cost.min() + ROUNDING))
