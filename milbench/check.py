"""Find every error of a suite file at once: its structure, its names, its methods' settings."""

from __future__ import annotations

import difflib
import inspect
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from milbench.code import code_hash
from milbench.errors import PluginError, ScoreError
from milbench.metrics.definitions import rankable, why_not
from milbench.records import TOLD, Aggregator, Dataset, Tiler
from milbench.search import RECIPE_FIELDS, TUNED, why_untuned
from milbench.space import Choice
from milbench.store import Store
from milbench.suite import Train, read_suite, structural_faults
from milbench.view import named_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.registry import Kind, Registry
    from milbench.space import Space


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
        *_tiler_faults(data, registry),
        *_method_faults(data, registry, stored),
        *_reference_faults(data, registry),
        *_metric_faults(data, registry),
    ]


def argument_faults(record: Aggregator | Tiler, args: dict[str, Any]) -> list[str]:
    """Return one line for each setting in ``args`` that the constructor does not take."""
    parameters = inspect.signature(record.load()).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return []
    told = TOLD if isinstance(record, Aggregator) else ()
    known = [name for name in parameters if name not in ("self", *record.given, *told)]
    return [
        f"{name}: no setting of {record.name}{_suggest(name, known)}"
        for name in args
        if name not in known
    ]


def search_faults(record: Aggregator) -> list[str]:
    """Return one line for each fault of the search space that a method declares."""
    search = record.search or {}
    settings = [name for name in search if name not in RECIPE_FIELDS]
    found = argument_faults(record, dict.fromkeys(settings))
    if len(settings) < len(search):
        taken = inspect.signature(record.load()).parameters
        found += [
            f"{name}: a field of the recipe and a setting of {record.name}; rename the setting"
            for name in search
            if name in RECIPE_FIELDS and name in taken
        ]
    found += [f"{name}: {fault}" for name in search for fault in _value_faults(name, search[name])]
    return [f"search.{fault}" for fault in found]


def _value_faults(name: str, space: Space) -> Iterator[str]:
    # A number between the bounds is no integer, even where both are.
    values = space.values if isinstance(space, Choice) else (space.low, space.high, space.at(0.5))
    for value in values:
        wrong = _wrong(name, value)
        if wrong:
            yield f"{wrong}; found {value!r} in {space}"
            return


def _wrong(name: str, value: object) -> str:
    """Return why ``value`` cannot be tried for ``name``, or empty text."""
    try:
        text = json.dumps({name: value}, allow_nan=False)
        if name in RECIPE_FIELDS:
            Train.model_validate_json(text)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        return f"{message[0].lower()}{message[1:]}"
    except (TypeError, ValueError):
        return "expected plain values: numbers, texts, booleans or tuples of them"
    return ""


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; settings: {', '.join(known) or 'none'}"


def _name_faults(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    kinds: dict[str, Kind] = {"datasets": "dataset", "encoders": "encoder"}
    for key, kind in kinds.items():
        names = data.get(key, [])
        given = _given_encoders(data) if kind == "encoder" else set()
        for position, name in enumerate(names if isinstance(names, list) else []):
            if name in given:
                continue
            yield from _lookup(f"{key}[{position}]", kind, name, registry)


def _given_encoders(data: dict[str, Any]) -> set[str]:
    """Return the encoders whose features own data sets of the suite bring."""
    own = data.get("dataset")
    folders = [entry.get("features") for entry in own or () if isinstance(entry, dict)]
    return {name for folder in folders if isinstance(folder, dict) for name in folder}


def _tiler_faults(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    """Yield what is wrong with the tilers of the suite and of its methods."""
    given = data.get("tilers", [])
    asked = {f"tilers[{n}]": tiling for n, tiling in enumerate(given)} if _is_list(given) else {}
    methods = data.get("methods", [])
    for position, method in enumerate(methods if _is_list(methods) else []):
        if isinstance(method, dict) and "tiler" in method:
            asked[f"methods[{position}].tiler"] = method["tiler"]
    for place, tiling in asked.items():
        name = tiling.get("name") if isinstance(tiling, dict) else tiling
        unknown = list(_lookup(place, "tiler", name, registry))
        yield from unknown
        args = tiling.get("args") if isinstance(tiling, dict) else None
        if not unknown and isinstance(name, str) and isinstance(args, dict):
            found = argument_faults(registry.record(Tiler, name), args)
            yield from (f"{place}.args.{fault}" for fault in found)
    if asked:
        yield from _untiled(data, registry)


def _untiled(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    """Yield the data sets that no tiler can cut."""
    names = data.get("datasets", [])
    for position, name in enumerate(names if _is_list(names) else []):
        known = isinstance(name, str) and len(registry.matching("dataset", name)) == 1
        if known and not registry.record(Dataset, name).tiler:
            yield f"datasets[{position}]: {name!r} gives no pictures, which a tiler needs"


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _method_faults(data: dict[str, Any], registry: Registry, stored: Store | None) -> Iterator[str]:
    methods = data.get("methods", [])
    for position, method in enumerate(methods if isinstance(methods, list) else []):
        if not isinstance(method, dict) or not isinstance(method.get("name"), str):
            continue  # a structural fault, already listed
        place = f"methods[{position}]"
        if method.get("encoder") not in _given_encoders(data):
            yield from _lookup(f"{place}.encoder", "encoder", method.get("encoder"), registry)
        unknown = list(_lookup(f"{place}.name", "aggregator", method["name"], registry))
        if unknown or stored is None or not _was_trained(method, registry, stored):
            yield from unknown or _setting_faults(place, method, registry)
        if not unknown and _is_tuned(method.get("train"), data.get("train")):
            record = registry.record(Aggregator, method["name"])
            yield from (f"{place}.name: {record.name}: {fault}" for fault in search_faults(record))


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


def _is_tuned(*trains: object) -> bool:
    """Return whether the first table that gives a budget gives trials."""
    given = [t["tune"] for t in trains if isinstance(t, dict) and isinstance(t.get("tune"), dict)]
    return bool(given) and bool(given[0].get("trials"))


def _reference_faults(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    """Yield why the reference, the tuned row of a method, is no row."""
    report, methods = data.get("report"), data.get("methods")
    reference = report.get("reference") if isinstance(report, dict) else None
    if not isinstance(reference, str) or not reference.endswith(TUNED):
        return
    label = reference.removesuffix(TUNED)
    for method in methods if isinstance(methods, list) else []:
        if not isinstance(method, dict) or method.get("label", method.get("name")) != label:
            continue
        name = str(method.get("name"))
        if len(registry.matching("aggregator", name)) == 1:
            why = why_untuned(registry.record(Aggregator, name))
            yield from [f"report.reference: there is no row {reference!r}: {why}"] * bool(why)


def _metric_faults(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    known = list(_known_datasets(data, registry))
    for dataset in known:
        fault = _unfit(dataset.primary_metric, dataset)
        if fault:
            yield f"datasets: {dataset.name} is ranked by {dataset.primary_metric}: {fault}"
    report = data.get("report")
    metrics = report.get("metrics") if isinstance(report, dict) else None
    for position, metric in enumerate(metrics if isinstance(metrics, list) else []):
        try:
            rankable(str(metric))
        except ScoreError as error:
            yield f"report.metrics[{position}]: {error}"
            continue
        for dataset in known:
            fault = _unfit(str(metric), dataset)
            if fault:
                yield f"report.metrics[{position}]: on {dataset.name}, {fault}"


def _unfit(metric: str, dataset: Dataset) -> str:
    """Return why a data set cannot be scored by a metric, or empty text."""
    try:
        return why_not(metric, is_multi_label=dataset.is_multi_label)
    except ScoreError as error:
        return str(error)


def _known_datasets(data: dict[str, Any], registry: Registry) -> Iterator[Dataset]:
    names = data.get("datasets", [])
    for name in names if _is_list(names) else []:
        if isinstance(name, str) and len(registry.matching("dataset", name)) == 1:
            yield registry.record(Dataset, name)


def _lookup(place: str, kind: Kind, name: object, registry: Registry) -> Iterator[str]:
    if not isinstance(name, str):
        return
    try:
        if kind == "encoder":
            named_encoder(registry, name)
        else:
            registry.find(kind, name)
    except PluginError as error:
        yield f"{place}: {error}"
