"""``milbench validate``: every error of a suite file at once, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from milbench.cli.console import messages, print_json, results
from milbench.cli.options import suite_paths
from milbench.registry import load_registry
from milbench.suite_files import has_data_sets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.registry import Registry


@click.command(short_help="List every error of a suite file at once.")
@click.argument("suite")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: path and faults.")
def validate(suite: str, *, as_json: bool) -> int:
    """Check SUITE, a name, a file or 'all', and list every error in it.

    Unknown keys, wrong types, unknown data sets, tilers, encoders, aggregators and settings are
    all listed, each with its place. Ends with status 0 when there are none, 2 otherwise. What a
    right suite tunes is shown with its space.
    """
    from milbench.suite import listing

    registry = load_registry()
    found = {path: _faults(path, registry) for path in suite_paths(suite, registry)}
    if as_json:
        print_json([{"path": str(path), "faults": lines} for path, lines in found.items()])
    else:
        for path, lines in found.items():
            if lines:
                messages.print(listing(path, lines), markup=False)
            else:
                alone = "" if has_data_sets(path) else "; no data set, so for own data (run --bags)"
                results.print(f"{path}: no faults{alone}", markup=False)
                for line in _tuning(path, registry):
                    results.print(f"  {line}", markup=False)
    return 2 if any(found.values()) else 0


def _faults(path: Path, registry: Registry) -> list[str]:
    """Return the faults of a suite file, those of its own data among them."""
    from milbench.check import faults
    from milbench.tables.offer import own_faults, splits_faults, with_own_data

    found = own_faults(path, registry) + splits_faults(path)
    return found or faults(path, with_own_data(registry, path, None))


def _tuning(path: Path, registry: Registry) -> Iterator[str]:
    """Yield what each method of a suite with a budget is tuned over, or why it is not."""
    from milbench.jobs import rows, tuning_of, untuned
    from milbench.suite import load_suite
    from milbench.tables.offer import with_own_data

    suite = load_suite(path)
    registry = with_own_data(registry, path, None)
    for row in rows(suite, registry):
        tuning = tuning_of(suite, registry, row, dataset="")
        if tuning is not None:
            space = "; ".join(f"{key} {words}" for key, words in tuning.space.items())
            yield f"{row.label}: {row.trials} trials a run; {space}"
    for method, reason in untuned(suite, registry).items():
        yield f"{method}: not tuned: {reason}"
