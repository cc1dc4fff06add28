"""Data sets of users' own tables: those of suites that ``run --bags`` left in the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from milbench.doctor.finding import Finding
from milbench.errors import MilbenchError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from milbench.registry import Registry
    from milbench.suite import Suite

FILE = "suite.toml"


class OwnSuite(NamedTuple):
    """A suite with its own data sets in ``registry``, or why it cannot be used."""

    path: Path
    suite: Suite | None
    registry: Registry
    fault: str = ""


def own_suites(registry: Registry, results: Path, cache: Path) -> list[OwnSuite]:
    """Return the suites below ``results``, each with a registry that knows its own data sets."""
    from milbench.suite import load_suite  # noqa: PLC0415  # loads pydantic
    from milbench.tables.offer import with_own_data  # noqa: PLC0415  # loads numpy

    found = []
    for path in sorted(results.glob(f"*/{FILE}")):
        try:
            known = with_own_data(registry, path, cache)
            found.append(OwnSuite(path, load_suite(path), known))
        except MilbenchError as error:
            found.append(OwnSuite(path, None, registry, str(error)))
    return found


def examine(suites: Iterable[OwnSuite], data: Path) -> Iterator[Finding]:
    """Yield each own data set: found, absent, or broken; the first bag is read."""
    for own in suites:
        if own.suite is None:
            step = f"see: milbench validate {own.path}"
            yield Finding("data set", own.path.parent.name, "broken", own.fault, step)
            continue
        for said in own.suite.dataset:
            yield _examine(own, said.name, said.bags, data)


def _examine(own: OwnSuite, name: str, bags: str, data: Path) -> Finding:
    step = f"put the files back, or correct {own.path}"
    try:
        record = own.registry.find("dataset", name).record
        next(iter(record.load()(data)))
    except MissingDataError as error:
        return Finding("data set", name, "note", str(error), step)
    except (MilbenchError, StopIteration) as error:
        return Finding("data set", name, "broken", str(error) or "no bag in its files", step)
    return Finding("data set", name, "ok", f"own data of {bags}")
