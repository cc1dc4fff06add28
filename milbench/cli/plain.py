"""Records as plain JSON values, the same for ``list --json`` and ``info --json``."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from milbench.space import Space

if TYPE_CHECKING:
    from milbench.registry import Offer


def plain(value: Any) -> Any:
    """Return a record's value as JSON has it; code becomes its ``module:attribute``."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Space):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}:{value.__qualname__}"
    return repr(value)


def offer_as_json(offer: Offer) -> dict[str, Any]:
    """Return an offer: its kind, full name and source, then every field of its record."""
    return {
        "kind": offer.kind,
        "full_name": offer.full_name,
        "source": str(offer.origin),
        "source_version": offer.origin.version,
        **plain(offer.record),
    }
