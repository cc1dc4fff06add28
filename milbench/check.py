"""Find every error of a suite file at once: its structure, its names, its methods' settings."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from milbench.errors import PluginError
from milbench.jobs import code_hash
from milbench.records import Aggregator
from milbench.store import Store
from milbench.suite import read_suite, structural_faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.registry import Kind, Registry

GIVEN = ("self", "in_dim", "n_classes")


def faults(path: Path, registry: Registry, results: Path | None = None) -> list[str]:
    """Return one line for each error of the suite file at ``path``; an empty list when it is right.

    Names are looked up even where the structure is wrong, so that one reading shows everything.

    Parameters
    ----------
    results
        Folder of all result files. A method's code is not imported where a finished run there
        shows that it takes the settings, so that a finished suite is ranked without torch.
    """
    data = read_suite(path)
    structure = structural_faults(data)
    stored = None if results is None or structure else Store(results / data["name"])
    return [
        *structure,
        *_name_faults(data, registry),
        *_method_faults(data, registry, stored),
    ]


def argument_faults(record: Aggregator, args: dict[str, Any]) -> list[str]:
    """Return one line for each setting in ``args`` that the method's constructor does not take."""
    parameters = inspect.signature(record.load()).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return []
    known = [name for name in parameters if name not in GIVEN]
    return [
        f"{name}: no setting of {record.name}{_suggest(name, known)}"
        for name in args
        if name not in known
    ]


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; settings: {', '.join(known) or 'none'}"


def _name_faults(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    kinds: dict[str, Kind] = {"datasets": "dataset", "encoders": "encoder"}
    for key, kind in kinds.items():
        names = data.get(key, [])
        for position, name in enumerate(names if isinstance(names, list) else []):
            yield from _lookup(f"{key}[{position}]", kind, name, registry)


def _method_faults(data: dict[str, Any], registry: Registry, stored: Store | None) -> Iterator[str]:
    methods = data.get("methods", [])
    for position, method in enumerate(methods if isinstance(methods, list) else []):
        if not isinstance(method, dict) or not isinstance(method.get("name"), str):
            continue  # a structural fault, already listed
        place = f"methods[{position}]"
        unknown = list(_lookup(f"{place}.name", "aggregator", method["name"], registry))
        if unknown or stored is None or not _was_trained(method, registry, stored):
            yield from unknown or _setting_faults(place, method, registry)


def _was_trained(method: dict[str, Any], registry: Registry, stored: Store) -> bool:
    """Return whether finished runs of the row, by the present code, had all of its settings."""
    parts = (method, *method.get("on", {}).values())
    wanted = {name for part in parts for name in part.get("args", {})}
    aggregator = registry.find("aggregator", method["name"]).full_name
    code = code_hash(registry.record(Aggregator, method["name"]))
    taken: set[str] = set()
    for record in stored.of_method(method.get("label") or method["name"]):
        made_by = (record.get("aggregator"), record.get("hashes", {}).get("code"))
        if record["status"] == "done" and made_by == (aggregator, code):
            taken |= record.get("args", {}).keys()
            if wanted <= taken:
                return True
    return False


def _setting_faults(place: str, method: dict[str, Any], registry: Registry) -> Iterator[str]:
    record = registry.record(Aggregator, method["name"])
    on = method.get("on", {})
    groups = {f"{place}.args": method.get("args", {})}
    for name, override in (on if isinstance(on, dict) else {}).items():
        if isinstance(override, dict):
            groups[f"{place}.on.{name}.args"] = override.get("args", {})
    for where, args in groups.items():
        if isinstance(args, dict):
            yield from (f"{where}.{fault}" for fault in argument_faults(record, args))


def _lookup(place: str, kind: Kind, name: object, registry: Registry) -> Iterator[str]:
    if not isinstance(name, str):
        return
    try:
        registry.find(kind, name)
    except PluginError as error:
        yield f"{place}: {error}"
