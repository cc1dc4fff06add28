"""Write a suite as TOML, so that a command on own data can be looked at, changed and run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def suite_text(suite: Mapping[str, Any]) -> str:
    """Return a suite as TOML: plain values first, then its tables and lists of tables."""
    return "\n".join(_lines(suite)) + "\n"


def _lines(suite: Mapping[str, Any]) -> Iterator[str]:
    tables = {key: value for key, value in suite.items() if _is_table(value)}
    yield from (f"{key} = {_value(value)}" for key, value in suite.items() if key not in tables)
    for key, value in tables.items():
        entries = value if isinstance(value, list) else [value]
        heading = f"[[{key}]]" if isinstance(value, list) else f"[{key}]"
        for entry in entries:
            yield ""
            yield heading
            yield from (f"{name} = {_value(item)}" for name, item in entry.items())


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))


def _value(value: Any) -> str:
    """Return a value as TOML; JSON has the same texts, numbers, booleans and lists."""
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return "{ " + inside + " }"
    return json.dumps(value, ensure_ascii=False)
