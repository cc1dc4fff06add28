"""``milbench list``: what can be named in a suite."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import print_json, results, table
from milbench.cli.plain import offer_as_json, plain
from milbench.records import Aggregator, Dataset, Encoder, Tiler
from milbench.registry import load_registry
from milbench.suite_files import suite_files, suite_summary

if TYPE_CHECKING:
    from milbench.registry import Kind, Offer

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "dataset": ("classes", "task", "metric", "data"),
    "tiler": ("fidelity", "needs"),
    "encoder": ("features", "weights", "trained on"),
    "aggregator": ("paper", "fidelity", "control", "tunes"),
}
WHAT: dict[str, Kind] = {f"{kind}s": kind for kind in COLUMNS}


@click.command("list", short_help="List data sets, tilers, encoders, aggregators, suites, ...")
@click.argument("what", type=click.Choice([*WHAT, "suites", "published"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every field.")
def listing(what: str, *, as_json: bool) -> None:
    """List everything of one kind that milbench and its plugins offer.

    "published" are the numbers of others that stand beside ours.
    """
    if what == "published":
        _list_published(as_json=as_json)
        return
    registry = load_registry()
    if what == "suites":
        _list_suites(as_json=as_json)
        return
    offers = registry.offers(WHAT[what])
    if as_json:
        print_json([offer_as_json(offer) for offer in offers])
        return
    columns = ("name", *COLUMNS[WHAT[what]], "source", "summary")
    shared = {name for name, count in Counter(o.record.name for o in offers).items() if count > 1}
    results.print(table(columns, [_row(offer, shared) for offer in offers]))


def _list_suites(*, as_json: bool) -> None:
    found = suite_files(load_registry().suites())
    rows = [(name, suite_summary(path), str(path)) for name, path in found.items()]
    if as_json:
        print_json([dict(zip(("name", "summary", "path"), row, strict=True)) for row in rows])
    else:
        results.print(table(("name", "summary", "file"), rows))


def _list_published(*, as_json: bool) -> None:
    from milbench.published import read_published

    entries = read_published()
    if as_json:
        print_json([plain(entry) for entry in entries])
        return
    columns = ("name", "method", "data set", "metric", "value", "protocol", "source", "suite", "by")
    rows = [
        (e.name, e.method, e.dataset, e.metric, e.value, e.protocol, e.source, e.suite, e.cited)
        for e in entries
    ]
    results.print(table(columns, rows))


def _row(offer: Offer, shared: set[str]) -> tuple[Any, ...]:
    """Return one row; a short name that several distributions offer is shown in full."""
    record = offer.record
    name = offer.full_name if record.name in shared else record.name
    return (name, *_facts(record), offer.origin, record.summary)


def _facts(record: Dataset | Tiler | Encoder | Aggregator) -> tuple[Any, ...]:
    match record:
        case Dataset():
            data = "files" if record.files or record.downloads else "embedded"
            return (_classes(record), record.task, record.primary_metric, data)
        case Tiler():
            return (record.fidelity, ", ".join(sorted(record.needs)))
        case Encoder():
            width = "varies" if record.dim is None else record.dim
            return (width, _weights(record), ", ".join(record.pretraining_data))
        case Aggregator():
            control = "control" if record.control else ""
            return (_cited(record.paper), record.fidelity, control, _tunes(record))


def _weights(record: Encoder) -> str:
    """Return how the weights of an encoder are got; empty where it has none."""
    weights = record.weights
    if weights is not None:
        open_as = "open" if weights.hub or weights.url else "by hand"
        return "granted" if weights.gated else open_as
    if record.pretrain is None:
        return ""
    return "own tiles" if record.pretrained_on == "train" else "own tiles, test too"


def _cited(paper: str) -> str:
    """Return the first author and the year of a citation; ``info`` shows all of it."""
    text = paper.partition("http")[0]
    year = re.search(r"\b(?:19|20)\d\d\b", text)
    return f"{re.split('[, ]', text)[0]} {year.group()}" if year else "-"


def _classes(record: Dataset) -> str:
    """Return the count of classes, after that of the coarse ones where there are any."""
    coarse = "" if record.levels is None else f"{len(record.levels.coarse)}/"
    return f"{coarse}{len(record.classes)}"


def _tunes(record: Aggregator) -> str:
    """Return the keys of the search space; whether the default applies is known to the code."""
    return "default" if record.search is None else ", ".join(record.search) or "nothing"
