"""Compact letters: methods that share a letter were not told apart (Piepho 2004).

A letter stands for a largest set of methods of which no two differ significantly. Such sets need
not be neighbours in the ranking, so letters say what bars under a rank axis cannot.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def compact_letters(names: Sequence[str], differs: np.ndarray) -> dict[str, str]:
    """Return the letters of each method.

    Parameters
    ----------
    names
        Best first, so that the best method has the letter a.
    differs : (m, m) bool
        Symmetric: which pairs are significantly different.
    """
    found = cliques(~np.asarray(differs, dtype=bool))
    return {
        name: "".join(_letter(k) for k, clique in enumerate(found) if place in clique)
        for place, name in enumerate(names)
    }


def cliques(alike: np.ndarray) -> list[tuple[int, ...]]:
    """Return every largest set of methods of which all are alike, in the order of its members.

    Parameters
    ----------
    alike : (m, m) bool
        Symmetric; the diagonal is not read.
    """
    near = [frozenset(np.flatnonzero(row).tolist()) - {i} for i, row in enumerate(alike)]
    every = frozenset(range(len(near)))
    return sorted(tuple(sorted(found)) for found in _grow(near, frozenset(), every, frozenset()))


def _grow(
    near: Sequence[frozenset[int]],
    inside: frozenset[int],
    open_: frozenset[int],
    closed: frozenset[int],
) -> Iterator[frozenset[int]]:
    """Yield the largest cliques around ``inside`` (Bron and Kerbosch 1973, with pivots)."""
    if not open_ and not closed:
        yield inside
        return
    pivot = max(sorted(open_ | closed), key=lambda one: len(near[one] & open_))
    for one in sorted(open_ - near[pivot]):
        yield from _grow(near, inside | {one}, open_ & near[one], closed & near[one])
        open_, closed = open_ - {one}, closed | {one}


def _letter(number: int) -> str:
    """Return a to z, and from there on a letter with a prime for each round."""
    return ascii_lowercase[number % 26] + "'" * (number // 26)
