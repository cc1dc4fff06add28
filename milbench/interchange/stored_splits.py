"""Write anyone's splits in milbench's own form, so that a suite can use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from milbench.errors import SplitError
from milbench.interchange.identifiers import slide_of
from milbench.splits.plan import ROLES, TEST, TRAIN, UNUSED, Splits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.interchange.split_files import Fold, SplitFiles


def stored_form(splits: SplitFiles, bags: Mapping[str, str]) -> Splits:
    """Return the role of every bag in every fold; slides that are no bag are left out.

    Parameters
    ----------
    bags
        The patient of each bag, by the bag's slide; the slide itself where the patient is unknown.

    Raises
    ------
    SplitError
        If a bag is in two parts of a fold, or a fold has no bag to train or to test on.
    """
    ids = tuple(bags)
    places = _places(splits, bags)
    roles = np.stack([_roles(fold, places, ids) for fold in splits.folds])
    shaped = roles.reshape(splits.repeats, -1, len(ids))
    return Splits(ids, tuple(bags.values()), shaped, notes=splits.notes)


def _places(splits: SplitFiles, bags: Mapping[str, str]) -> Mapping[str, list[int]]:
    """Return the positions of bags by the slide, or patient, that the splits list."""
    places: dict[str, list[int]] = {}
    for index, (slide, patient) in enumerate(bags.items()):
        places.setdefault(patient if splits.unit == "patient" else slide, []).append(index)
    return places


def _roles(fold: Fold, places: Mapping[str, list[int]], ids: tuple[str, ...]) -> np.ndarray:
    """Return the role of every bag in one fold, (B,) int8."""
    roles = np.full(len(ids), UNUSED, dtype=np.int8)
    for role, members in enumerate(fold.parts.values()):
        of_part = [index for one in members for index in _found(places, one)]
        twice = [ids[index] for index in of_part if roles[index] not in (role, UNUSED)]
        if twice:
            raise SplitError(
                f"{fold.name}: {len(twice)} bags are in two parts, such as {twice[0]!r}; a bag "
                "that is trained on cannot be tested: correct the file"
            )
        roles[of_part] = role
    for role in (TRAIN, TEST):
        if role not in roles:
            raise SplitError(
                f"{fold.name}: no bag is in the {ROLES[role]} part; are these the splits of other "
                "slides?"
            )
    return roles


def _found(places: Mapping[str, list[int]], one: str) -> list[int]:
    return places.get(one) or places.get(slide_of(one), [])
