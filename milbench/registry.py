"""Find a data set, tiler, encoder or aggregator among all plugins, and tell observers of events.

A record's short name is enough while only one distribution offers it; its full name,
``distribution/name``, always is.
"""

from __future__ import annotations

import logging
import os
from copy import copy
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from milbench import hookspecs
from milbench.errors import PluginError
from milbench.plugin_loading import (
    HOOKS,
    Kind,
    Offer,
    Origin,
    Plugin,
    Problem,
    canonical,
    current_entries,
    load_plugin,
    outdated,
    problem_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from milbench.records import Aggregator, Dataset, Encoder, Tiler

__all__ = ["KINDS", "Kind", "Offer", "Origin", "Plugin", "Problem", "Registry", "load_registry"]

log = logging.getLogger(__name__)

R = TypeVar("R", "Dataset", "Tiler", "Encoder", "Aggregator")

KINDS: tuple[Kind, ...] = tuple(HOOKS)


class Registry:
    """All plugins in working order, and what is wrong with the others.

    Parameters
    ----------
    blocked
        Plugins to leave out: ``distribution`` or ``distribution:entry-point``.
    strict
        Raise at the first problem instead of keeping it.

    Attributes
    ----------
    plugins, problems
        Plugins that work, sorted by identity, and one entry for each that does not.
    blocked
        Identities of the plugins that were left out because ``blocked`` names them.

    Raises
    ------
    PluginError
        With ``strict``, if any plugin is broken or outdated.
    """

    def __init__(self, blocked: Collection[str] = (), *, strict: bool = False) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._strict = strict
        self.plugins: tuple[Plugin, ...] = ()
        self.problems: tuple[Problem, ...] = ()
        self.blocked: tuple[str, ...] = ()
        names = {_canonical_source(name) for name in blocked}
        self._load(names)
        for problem in outdated():
            if not _matches(problem.source, names):
                self._add_problem(problem)

    def _load(self, blocked: set[str]) -> None:
        for origin, entry in current_entries():
            if _matches(str(origin), blocked):
                self.blocked += (str(origin),)
                continue
            try:
                self.plugins += (load_plugin(self._manager, origin, entry, self._all()),)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # plugin code raises anything
                self._add_problem(problem_of(origin, error), error)

    def _add_problem(self, problem: Problem, cause: BaseException | None = None) -> None:
        if self._strict:
            raise PluginError(f"plugin {problem.source}: {problem.message}") from cause
        log.warning(
            "plugin %s is left out: %s (see: milbench plugins -v)", problem.source, problem.message
        )
        self.problems += (problem,)

    def beside(self, plugin: Plugin) -> Registry:
        """Return a registry that has the offers of ``plugin`` too; this one stays as it is."""
        other = copy(self)
        other.plugins = (*self.plugins, plugin)
        return other

    def _all(self) -> Iterable[Offer]:
        return (offer for plugin in self.plugins for offer in plugin.offers)

    def offers(self, kind: Kind) -> tuple[Offer, ...]:
        """Return what all plugins offer of one kind, sorted by name."""
        found = (offer for offer in self._all() if offer.kind == kind)
        return tuple(sorted(found, key=lambda offer: (offer.record.name, offer.full_name)))

    def matching(self, kind: Kind, name: str) -> tuple[Offer, ...]:
        """Return the offers of a short or full name: none, one, or several that clash."""
        distribution, slash, short = name.rpartition("/")
        full = f"{canonical(distribution)}/{short}"
        return tuple(
            offer
            for offer in self.offers(kind)
            if (offer.full_name == full if slash else offer.record.name == name)
        )

    def find(self, kind: Kind, name: str) -> Offer:
        """Return the one offer of a short or full name.

        Raises
        ------
        PluginError
            If no plugin offers the name, or if two distributions offer the short name.
        """
        found = self.matching(kind, name)
        if not found:
            raise PluginError(self.unknown(name, (kind,)))
        if len(found) > 1:
            choices = " or ".join(offer.full_name for offer in found)
            raise PluginError(f"{kind} {name!r} has {len(found)} sources; write {choices}")
        return found[0]

    def record(self, kind: type[R], name: str) -> R:
        """Return the record of a short or full name: ``record(Aggregator, "abmil")``.

        Raises
        ------
        PluginError
            As :meth:`find` does.
        """
        found = self.find(cast("Kind", kind.__name__.lower()), name).record
        return cast("R", found)

    def unknown(self, name: str, kinds: tuple[Kind, ...] = KINDS) -> str:
        """Say that no plugin offers a name: what is near it, and what to do next."""
        offers = [offer for kind in kinds for offer in self.offers(kind)]
        known = [offer.full_name if "/" in name else offer.record.name for offer in offers]
        near = get_close_matches(name, dict.fromkeys(known))
        meant = f", did you mean {' or '.join(map(repr, near))}?" if near else "."
        left_out = f" Left out: {', '.join(p.source for p in self.problems)}"
        return (
            f"unknown {kinds[0] if len(kinds) == 1 else 'name'} {name!r}{meant} "
            f"See: milbench list {'|'.join(f'{kind}s' for kind in kinds)}"
            f"{left_out if self.problems else ''}"
        )

    def suites(self) -> tuple[Path, ...]:
        """Return the suite files that plugins bring, those of milbench itself apart."""
        return tuple(path for plugin in self.plugins for path in plugin.suites)

    def run_finished(self, run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Tell every observer of a finished run; what one raises is logged and goes no further."""
        self._observe("milbench_run_finished", run=run, result=result)

    def suite_finished(self, suite: str, store: Path) -> None:
        """Tell every observer that a suite ended; what one raises is logged and goes no further."""
        self._observe("milbench_suite_finished", suite=suite, store=store)

    def _observe(self, hook: str, **facts: object) -> None:
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            try:
                impl.function(*(facts[name] for name in impl.argnames))
            except Exception as error:  # plugin code raises anything
                log.warning("plugin %s: %s failed: %r", impl.plugin_name, hook, error)
                log.debug("its traceback:", exc_info=error)


def _canonical_source(name: str) -> str:
    distribution, colon, entry_point = name.strip().partition(":")
    return canonical(distribution) + colon + entry_point


def _matches(source: str, names: set[str]) -> bool:
    return not names.isdisjoint({source, source.partition(":")[0]})


@cache
def load_registry() -> Registry:
    """Return the registry of this process; ``load_registry.cache_clear()`` forgets it.

    ``MILBENCH_BLOCK=a,b`` leaves plugins out, ``MILBENCH_STRICT=1`` raises at the first problem.
    """
    blocked = [name for name in os.environ.get("MILBENCH_BLOCK", "").split(",") if name.strip()]
    return Registry(blocked, strict=os.environ.get("MILBENCH_STRICT", "0") not in {"", "0"})
