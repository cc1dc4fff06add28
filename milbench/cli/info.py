"""``milbench info``: everything known about one name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import facts, print_json, results
from milbench.cli.plain import offer_as_json, plain
from milbench.errors import MilbenchError, PluginError
from milbench.records import TOLD, Aggregator, Dataset, Encoder, Tiler
from milbench.registry import KINDS, load_registry
from milbench.search import search_of, why_untuned
from milbench.suite_files import suite_files, suite_summary

if TYPE_CHECKING:
    from milbench.registry import Offer, Registry


@click.command("info", short_help="Show everything known about one name.")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, *, as_json: bool) -> None:
    """Show every data set, tiler, encoder, aggregator and suite called NAME.

    NAME may be DISTRIBUTION/NAME.
    """
    registry = load_registry()
    found = [_described(offer) for kind in KINDS for offer in registry.matching(kind, name)]
    found += _suites(registry, name)
    if not found:
        raise PluginError(registry.unknown(name))
    if as_json:
        print_json(found)
        return
    for position, described in enumerate(found):
        results.print(*[""] * bool(position), facts(_lines(described)))


def _described(offer: Offer) -> dict[str, Any]:
    described = offer_as_json(offer)
    if isinstance(offer.record, Aggregator):
        described["settings"] = _settings(offer.record)
        described["search"] = _search(offer.record)
    if isinstance(offer.record, Tiler):
        described["settings"] = _settings(offer.record)
    if isinstance(offer.record, Encoder) and offer.record.weights is not None:
        described["file"] = _weights_file(offer.record)
    if isinstance(offer.record, Dataset):
        described["get"] = _how_to_get(offer.record)
        described["tree"] = _tree(offer.record)
    described["bibtex"] = _bibtex(offer)
    return described


def _bibtex(offer: Offer) -> list[str]:
    from milbench.report.bibliography import entries_of

    return [entry.text for entry in entries_of(offer.record.name, offer.record.paper)]


def _settings(record: Aggregator | Tiler) -> dict[str, Any] | str:
    """Return the constructor's settings with their defaults, those a suite may give as ``args``.

    The rest of the record is worth showing when the code behind it cannot be loaded.
    """
    try:
        parameters = list(inspect.signature(record.load()).parameters.values())
    except Exception as error:  # noqa: BLE001  # plugin code raises anything
        return f"not readable: {error}"
    settings = parameters[len(record.given) :]
    told = TOLD if isinstance(record, Aggregator) else ()
    return {p.name: _default(p) for p in settings if p.name not in told}


def _search(record: Aggregator) -> dict[str, Any] | str:
    """Return what a suite with a tuning budget tries, in words, or why it tries nothing."""
    try:
        why = why_untuned(record)
    except Exception as error:  # noqa: BLE001  # plugin code raises anything
        return f"not readable: {error}"
    if why:
        return f"not tuned: {why}"
    return {key: str(space) for key, space in search_of(record, record.recipe).items()}


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return "any"
    return "required" if parameter.default is parameter.empty else plain(parameter.default)


def _how_to_get(record: Dataset) -> str:
    if record.downloads:
        return f"milbench fetch {record.name}"
    return record.how_to_get or ("see url" if record.files else "nothing to get: embedded")


def _weights_file(record: Encoder) -> str:
    """Return where the weights of an encoder are on this machine, or how to get them."""
    from milbench.features.weights import find_weights

    try:
        return str(find_weights(record))
    except MilbenchError as error:
        return str(error)


def _tree(record: Dataset) -> str:
    return "one level" if record.levels is None else record.levels.in_words(record.classes)


def _suites(registry: Registry, name: str) -> list[dict[str, Any]]:
    path = suite_files(registry.suites()).get(name)
    if path is None:
        return []
    return [{"kind": "suite", "name": name, "file": str(path), "summary": suite_summary(path)}]


def _lines(described: dict[str, Any], indent: str = "") -> list[tuple[str, str]]:
    """Return one line a fact; the facts inside a fact are indented below it."""
    lines: list[tuple[str, str]] = []
    for key, value in described.items():
        inside = value if isinstance(value, list) else [value]
        tables = [item for item in inside if isinstance(item, dict) and item]
        text = "" if tables else ", ".join(str(item) for item in inside if item not in ({}, None))
        lines.append((indent + key, text if text or tables else "-"))
        for item in tables:
            lines += _lines(item, indent + "  ")
    return lines
