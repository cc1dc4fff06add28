"""Where two files of a leaderboard differ: each value by its place."""

from __future__ import annotations

import csv
import io
import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# What names an entry of a list, the first that it has; else its position.
NAMES = ("dataset", "method", "metric", "suite")
# The columns that name a row of the long table.
KEYS = ("dataset", "encoder", "level", "method", "metric", "class", "repeat", "fold")
ABSENT = "nothing"


class Difference(NamedTuple):
    """One value that differs: in which file, where, as stored, and as the runs give it."""

    file: str
    place: str
    stored: str
    recomputed: str


def differences(name: str, stored: str, made: str) -> Iterator[Difference]:
    """Yield where the text ``stored`` of the file ``name`` differs from the one ``made`` again.

    JSON is compared value by value, CSV cell by cell, other files line by line. Texts that hold
    the same values in another form differ as a whole.
    """
    if stored == made:
        return
    found = list(_inside(name, stored, made))
    yield from found or [Difference(name, "the text", "another form", "the same values")]


def _inside(name: str, stored: str, made: str) -> Iterator[Difference]:
    try:
        if name.endswith(".json"):
            yield from _values(name, "", json.loads(stored), json.loads(made))
            return
    except ValueError as error:
        yield Difference(name, "the file", f"no JSON: {error}", "a leaderboard")
        return
    if name.endswith(".csv"):
        yield from _cells(name, stored, made)
    else:
        yield from _lines(name, stored, made)


def _values(name: str, place: str, stored: Any, made: Any) -> Iterator[Difference]:
    if isinstance(stored, dict) and isinstance(made, dict):
        for key in dict.fromkeys((*stored, *made)):
            inside = f"{place}.{key}" if place else key
            yield from _values(name, inside, stored.get(key, _NONE), made.get(key, _NONE))
    elif isinstance(stored, list) and isinstance(made, list):
        pairs = zip_longest(stored, made, fillvalue=_NONE)
        for number, (one, other) in enumerate(pairs):
            yield from _values(name, f"{place}[{_called(one, other, number)}]", one, other)
    elif stored != made or isinstance(stored, bool) != isinstance(made, bool):
        yield Difference(name, place, _text(stored), _text(made))


class _Nothing:
    """What stands where one of two documents has no value."""


_NONE = _Nothing()


def _called(stored: Any, made: Any, number: int) -> str:
    for item in (made, stored):
        if isinstance(item, dict):
            if "a" in item and "b" in item:
                return f"{item['a']} - {item['b']}"
            named = [str(item[key]) for key in NAMES if key in item]
            if named:
                level = f"/{item['level']}" if item.get("level") else ""
                return named[0] + level
    return str(number)


def _cells(name: str, stored: str, made: str) -> Iterator[Difference]:
    old, new = (_rows(text) for text in (stored, made))
    for key in dict.fromkeys((*old, *new)):
        place = ", ".join(part for part in key if part)
        if key not in old or key not in new:
            yield Difference(
                name, place, *(ABSENT if key not in t else "a row" for t in (old, new))
            )
            continue
        for column in dict.fromkeys((*old[key], *new[key])):
            pair = tuple(rows[key].get(column, ABSENT) for rows in (old, new))
            if pair[0] != pair[1]:
                yield Difference(name, f"{place}: {column}", pair[0], pair[1])


def _rows(text: str) -> dict[tuple[str, ...], dict[str, str]]:
    lines = csv.DictReader(io.StringIO(text, newline=""), restkey="beyond", restval=ABSENT)
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for line in lines:
        row = {column: str(value) for column, value in line.items()}
        key = tuple(row.get(column, "") for column in KEYS)
        while key in found:  # a row that is there twice is a row too much
            key = (*key, "again")
        found[key] = row
    return found


def _lines(name: str, stored: str, made: str) -> Iterator[Difference]:
    pairs = zip_longest(stored.splitlines(), made.splitlines(), fillvalue=ABSENT)
    for number, (one, other) in enumerate(pairs, start=1):
        if one != other:
            yield Difference(name, f"line {number}", one, other)


def _text(value: Any) -> str:
    if isinstance(value, _Nothing):
        return ABSENT
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  # one line of a terminal
