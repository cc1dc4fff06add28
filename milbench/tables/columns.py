"""Which column of a table is the slide, the patient, the label, by the names the field uses."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from milbench.errors import DatasetError
from milbench.sheets.names import KNOWN, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from milbench.own_data import OwnData

NEEDED: Final = ("slide", "label")


@dataclass(frozen=True)
class Columns:
    """The name of each column in the table; empty where it has none."""

    slide: str
    label: str
    patient: str = ""
    site: str = ""
    split: str = ""


def find_columns(heading: Sequence[str], own: OwnData, path: Path) -> Columns:
    """Return which columns of a table are what ``own`` asks for.

    Raises
    ------
    DatasetError
        If a column that was named is not there, two may be meant, or none; all faults in one
        message, each with what to write.
    """
    faults: list[str] = []
    repeated = sorted({name for name in heading if name and heading.count(name) > 1})
    if repeated:
        faults.append(f"columns {', '.join(map(repr, repeated))} appear more than once")
    found = {role: _column(role, heading, getattr(own, role), faults) for role in KNOWN}
    if faults and not any(plain(name) in names for name in heading for names in KNOWN.values()):
        faults.append("no name of a column is known; does the table have a heading?")
    if faults:
        place = f"{path}, line 1"
        raise DatasetError("\n  ".join(f"{place}: {fault}" for fault in faults))
    return Columns(**found)


def _column(role: str, heading: Sequence[str], asked: str | None, faults: list[str]) -> str:
    """Return the column of one role, or empty text; what is wrong is added to ``faults``."""
    if asked:
        if asked not in heading:
            close = get_close_matches(asked, heading, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; columns: {_listed(heading)}"
            faults.append(f"no column {asked!r} for the {role}{meant}")
        return asked
    if asked == "" and role not in NEEDED:
        return ""
    candidates = [name for name in heading if plain(name) in KNOWN[role]]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        faults.append(
            f"columns {_listed(candidates)} may all be the {role}; {_how(role, candidates[0])}"
        )
    elif role in NEEDED:
        faults.append(f"no column is the {role}; {_how(role, 'NAME')}; columns: {_listed(heading)}")
    return ""


def _how(role: str, name: str) -> str:
    return f'say which: --{role}-column {name}, or {role} = "{name}" in the suite'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
