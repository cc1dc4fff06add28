"""From anyone's splits to the role of every bag in every fold, and to milbench's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.errors import SplitError
from milbench.interchange.identifiers import slide_of, tcga_case
from milbench.splits.plan import ROLES, TEST, TRAIN, UNUSED, Splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.interchange.split_files import Fold, SplitFiles

Roles = dict[tuple[int, int], dict[str, str]]


class Member(NamedTuple):
    """One slide, whose it is, and the bag that it is in; ``patient`` is empty where unknown."""

    slide: str
    patient: str
    bag: str


def roles_of(splits: SplitFiles, members: Sequence[Member]) -> Roles:
    """Return ``{(repeat, fold): {bag: role}}`` for every bag; what no part lists is ``unused``.

    Slides that are no members are passed over.

    Raises
    ------
    SplitError
        If a bag is in two parts of a fold, a fold has no bag to train or to test on, or the splits
        list patients and none is known.
    """
    bags: dict[str, list[str]] = {}  # by what the splits list
    for slide, patient, bag in members:
        listed = slide if splits.unit == "slide" else patient or tcga_case(slide)
        bags.setdefault(listed, []).append(bag)
    if bags.keys() == {""}:
        raise SplitError(
            f"{splits.producer}: the splits list patients such as {_example(splits.folds[0])!r}, "
            "and the table has no column of patients; say which with --patient-column"
        )
    unused = dict.fromkeys((member.bag for member in members), ROLES[UNUSED])
    per_repeat = len(splits.folds) // splits.repeats
    return {
        divmod(number, per_repeat): unused | _roles(fold, bags, splits.unit)
        for number, fold in enumerate(splits.folds)
    }


def stored_form(splits: SplitFiles, patients: Mapping[str, str]) -> Splits:
    """Return splits as milbench stores them; slides that are no bag are left out.

    Parameters
    ----------
    patients
        The patient of each bag, by the bag's slide; the slide itself where the patient is unknown.

    Raises
    ------
    SplitError
        As :func:`roles_of`.
    """
    members = [Member(slide, patient, slide) for slide, patient in patients.items()]
    found = roles_of(splits, members).values()
    roles = np.array([[ROLES.index(of[bag]) for bag in patients] for of in found], dtype=np.int8)
    shaped = roles.reshape(splits.repeats, -1, len(patients))
    return Splits(tuple(patients), tuple(patients.values()), shaped, notes=splits.notes)


def _roles(fold: Fold, bags: Mapping[str, Sequence[str]], unit: str) -> dict[str, str]:
    """Return the role of every bag that a fold has in a part."""
    roles: dict[str, str] = {}
    for role, listed in fold.parts.items():
        of_part = {bag for one in listed for bag in _found(bags, one)}
        twice = sorted(of_part & roles.keys())
        if twice:
            raise SplitError(
                f"{fold.name}: {len(twice)} bags are in two parts, such as {twice[0]!r} in "
                f"{roles[twice[0]]} and {role}; a bag that is trained on cannot be tested: correct "
                "the file"
            )
        roles |= dict.fromkeys(of_part, role)
    for role in (ROLES[TRAIN], ROLES[TEST]):
        if role not in roles.values():
            raise SplitError(
                f"{fold.name}: no bag is in the {role} part; are these the splits of other "
                f"slides? They list {unit}s such as {_example(fold)!r}, and here are "
                f"{next(iter(bags), '')!r} and others"
            )
    return roles


def _found(bags: Mapping[str, Sequence[str]], one: str) -> Sequence[str]:
    return bags.get(one) or bags.get(slide_of(one), ())


def _example(fold: Fold) -> str:
    return next((one for listed in fold.parts.values() for one in listed), "")
