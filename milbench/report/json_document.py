"""Write a leaderboard as one JSON document that holds everything, comparisons included."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.report.format import machine
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from milbench.leaderboard.table import Leaderboard

SCHEMA = 1
_DONE = frozenset({str, int, bool, type(None)})

# A list of scalars takes one line. Line breaks are escaped inside JSON text, so this cannot match
# within a name.
_SCALARS = re.compile(r"(?<=\[)\n[^\[\]{}]*\n\s*(?=\])")


def to_json(leaderboard: Leaderboard) -> str:
    """Return ``leaderboard`` as strict JSON: missing numbers are null, sets are sorted lists."""
    document = {
        "schema": SCHEMA,
        **_plain(leaderboard),
        "codes": {code: text for code, text in MEANINGS.items() if code in leaderboard.codes},
    }
    return to_text(document)


def to_text(document: Any) -> str:
    """Return any records as strict JSON; arrays and pairs are lists, missing numbers null."""
    text = json.dumps(_plain(document), indent=1, allow_nan=False, ensure_ascii=False)
    return _SCALARS.sub(lambda found: re.sub(r"\n\s*", " ", found[0]), text) + "\n"


def _plain(value: Any) -> Any:
    if type(value) in _DONE:  # most values; the questions below take longer
        return value
    if isinstance(value, float):
        return float(machine(value)) if math.isfinite(value) else None
    value = _opened(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _opened(value: Any) -> Any:
    """Return records as mappings and arrays as lists; anything else as it is."""
    if is_dataclass(value):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        # Documents from before several labels keep their text.
        return {n: v for n, v in named.items() if n != "several" or v is not None}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value._asdict() if hasattr(value, "_asdict") else value
