"""Load the plugins that installed distributions name: each one whole, or not at all.

A fault in one plugin never stops the rest. pluggy's own loader ends the program at the first
ImportError and skips a second entry point of the same name without a word, so this one replaces it.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, PackageMetadata, entry_points
from pathlib import Path
from typing import Literal, NamedTuple

import pluggy

from milbench import hookspecs
from milbench.errors import PluginError
from milbench.records import Aggregator, Dataset, Encoder, Tiler

Kind = Literal["dataset", "tiler", "encoder", "aggregator"]
Record = Dataset | Tiler | Encoder | Aggregator


class Hook(NamedTuple):
    """The hook that registers one kind of record."""

    name: str
    record: type[Record]


HOOKS: dict[Kind, Hook] = {
    "dataset": Hook("milbench_datasets", Dataset),
    "tiler": Hook("milbench_tilers", Tiler),
    "encoder": Hook("milbench_encoders", Encoder),
    "aggregator": Hook("milbench_aggregators", Aggregator),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plugin comes from: a distribution, its version, and one of its entry points."""

    distribution: str
    version: str
    entry_point: str

    def __str__(self) -> str:
        """Return the plugin's identity, ``distribution:entry-point``."""
        return f"{self.distribution}:{self.entry_point}"


@dataclass(frozen=True, slots=True)
class Offer:
    """One record with the plugin that offers it."""

    kind: Kind
    record: Record
    origin: Origin

    @property
    def full_name(self) -> str:
        """``distribution/name``, which tells records of the same short name apart."""
        return f"{self.origin.distribution}/{self.record.name}"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin in working order: what it offers, and which hooks it implements."""

    origin: Origin
    hooks: tuple[str, ...]
    offers: tuple[Offer, ...]
    suites: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one plugin was left out; ``traceback`` is empty when no code of it ran."""

    source: str
    message: str
    traceback: str = ""


def canonical(distribution: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def origin_of(entry: EntryPoint) -> Origin:
    """Return where an entry point comes from; damaged metadata gives ``unknown``."""
    metadata: PackageMetadata | dict[str, str] = entry.dist.metadata if entry.dist else {}
    name, version = (
        str(metadata[key]) if key in metadata else "unknown" for key in ("Name", "Version")
    )
    return Origin(canonical(name), version, entry.name)


def current_entries() -> list[tuple[Origin, EntryPoint]]:
    """Return the entry points of this plugin API, sorted so that every machine loads them alike."""
    entries = entry_points(group=hookspecs.GROUP)
    return sorted(((origin_of(entry), entry) for entry in entries), key=lambda pair: str(pair[0]))


def outdated() -> list[Problem]:
    """Report plugins of another API version without importing them.

    A distribution that also has entry points for this version supports both, and is no problem.
    """
    found: list[Problem] = []
    supported = {origin.distribution for origin, _ in current_entries()}
    for group in sorted(entry_points().groups):
        match = re.fullmatch(rf"{hookspecs.PROJECT}\.v(\d+)", group)
        if match is None or group == hookspecs.GROUP:
            continue
        version = int(match[1])
        found += [
            Problem(str(origin), _outdated_message(origin, version))
            for origin in sorted(map(origin_of, entry_points(group=group)), key=str)
            if origin.distribution not in supported
        ]
    return found


def _outdated_message(origin: Origin, version: int) -> str:
    update = "milbench" if version > hookspecs.API_VERSION else origin.distribution
    return (
        f"written for plugin API {version}, this milbench has {hookspecs.API_VERSION}; "
        f"install a newer {update}"
    )


def problem_of(origin: Origin, error: BaseException) -> Problem:
    """Turn what a plugin raised into one line and its traceback."""
    text = " ".join(str(error).split())
    known = isinstance(error, PluginError | pluggy.PluginValidationError)
    message = text if known else f"{type(error).__name__}: {text}"
    return Problem(str(origin), message, "".join(traceback.format_exception(error)))


def load_plugin(
    manager: pluggy.PluginManager, origin: Origin, entry: EntryPoint, taken: Iterable[Offer]
) -> Plugin:
    """Import one plugin, check it and ask what it offers; on any fault the manager forgets it.

    Parameters
    ----------
    taken
        What the plugins before it offer; no full name is offered twice.

    Raises
    ------
    PluginError
        If it breaks the contract of :mod:`milbench.hookspecs`.
    Exception
        Whatever the plugin's own code raises.
    """
    source = str(origin)
    if manager.has_plugin(source):
        raise PluginError(f"{source} is named twice in the group {hookspecs.GROUP}; rename one")
    try:
        manager.register(entry.load(), name=source)
        hooks = _check_hooks(manager, source)
        offers = tuple(offer for kind in HOOKS for offer in _offers(manager, origin, kind))
        _check_names(offers, taken)
        return Plugin(origin, hooks, offers, tuple(_suites(manager, source)))
    except BaseException:
        if manager.has_plugin(source):
            manager.unregister(name=source)
        raise


def _check_hooks(manager: pluggy.PluginManager, source: str) -> tuple[str, ...]:
    """Return the names of the hooks a plugin implements; pluggy has checked their arguments."""
    plugin = manager.get_plugin(source)
    known = hook_names()
    for name, function in inspect.getmembers(plugin, inspect.isfunction):
        if name in known and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
            raise PluginError(f"{name} is not marked as a hook; write @hookimpl above it")
    callers = manager.get_hookcallers(plugin) or []
    for name, impl in ((caller.name, impl) for caller in callers for impl in _of(caller, source)):
        if name not in known and not impl.optionalhook:
            near = get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise PluginError(f"unknown hook {name}; {advice}")
        if impl.wrapper or impl.hookwrapper:
            raise PluginError(f"{name} is a hook wrapper; API {hookspecs.API_VERSION} has none")
    if not callers:
        raise PluginError("implements no hook; mark its functions with @hookimpl")
    return tuple(sorted(caller.name for caller in callers))


def hook_names() -> list[str]:
    """Return the names of all hooks of this plugin API."""
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    return [name for name, value in functions if hasattr(value, f"{hookspecs.PROJECT}_spec")]


def _of(caller: pluggy.HookCaller, source: str) -> list[pluggy.HookImpl]:
    return [impl for impl in caller.get_hookimpls() if impl.plugin_name == source]


def _yielded(manager: pluggy.PluginManager, source: str, hook: str) -> Iterable[object]:
    """Yield what one plugin's implementation of a hook without arguments yields."""
    for impl in _of(getattr(manager.hook, hook), source):
        items = impl.function()
        if not isinstance(items, Iterable):
            raise PluginError(f"{hook} returned {type(items).__name__}; yield its items")
        yield from items


def _offers(manager: pluggy.PluginManager, origin: Origin, kind: Kind) -> Iterable[Offer]:
    hook, expected = HOOKS[kind]
    for item in _yielded(manager, str(origin), hook):
        if not isinstance(item, expected):
            raise PluginError(
                f"{hook} yields {type(item).__name__} {item!r:.60}; "
                f"expected milbench.{expected.__name__}"
            )
        yield Offer(kind, item, origin)


def _check_names(offers: Iterable[Offer], taken: Iterable[Offer]) -> None:
    holders = {(offer.kind, offer.full_name): offer.origin for offer in taken}
    for offer in offers:
        key = (offer.kind, offer.full_name)
        if key in holders:
            raise PluginError(
                f"{offer.kind} {offer.record.name!r} is already offered by {holders[key]}; "
                "rename one"
            )
        holders[key] = offer.origin


def _suites(manager: pluggy.PluginManager, source: str) -> Iterable[Path]:
    for item in _yielded(manager, source, "milbench_suites"):
        if not isinstance(item, Path) or item.suffix != ".toml" or not item.is_file():
            raise PluginError(
                f"milbench_suites yields {item!r:.200}; expected the Path of an existing .toml file"
            )
        yield item
