"""``milbench plugins``: which plugins work, what each offers, and why others were left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import print_json, results, table
from milbench.registry import KINDS, load_registry

if TYPE_CHECKING:
    from milbench.registry import Plugin, Registry

COUNTED = (*(f"{kind}s" for kind in KINDS), "suites", "observers")


@click.command("plugins", short_help="List the plugins and what is wrong with any.")
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of each problem.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, tracebacks included.")
def plugins(*, verbose: bool, as_json: bool) -> None:
    """List every installed plugin: distribution, version, entry point, and what it offers.

    MILBENCH_BLOCK=a,b leaves plugins out (DISTRIBUTION or DISTRIBUTION:ENTRY-POINT);
    MILBENCH_STRICT=1 makes any problem an error.
    """
    registry = load_registry()
    facts = _facts(registry)
    if as_json:
        print_json(facts)
        return
    columns = ("distribution", "version", "entry_point", *COUNTED)
    rows = [[plugin[column] for column in columns] for plugin in facts["plugins"]]
    results.print(table([column.replace("_", " ") for column in columns], rows))
    if registry.blocked:
        results.print(f"blocked by MILBENCH_BLOCK: {', '.join(registry.blocked)}", markup=False)
    for problem in registry.problems:
        results.print(f"left out: {problem.source}: {problem.message}", markup=False)
        if verbose and problem.traceback:
            results.print(problem.traceback, markup=False)


def _facts(registry: Registry) -> dict[str, Any]:
    return {
        "plugins": [_plugin(plugin) for plugin in registry.plugins],
        "blocked": list(registry.blocked),
        "problems": [
            {"source": p.source, "message": p.message, "traceback": p.traceback}
            for p in registry.problems
        ],
    }


def _plugin(plugin: Plugin) -> dict[str, Any]:
    counts = Counter(f"{offer.kind}s" for offer in plugin.offers)
    counts["suites"] = len(plugin.suites)
    counts["observers"] = sum(hook.endswith("_finished") for hook in plugin.hooks)
    return {
        "distribution": plugin.origin.distribution,
        "version": plugin.origin.version,
        "entry_point": plugin.origin.entry_point,
        **{name: counts[name] for name in COUNTED},
    }
