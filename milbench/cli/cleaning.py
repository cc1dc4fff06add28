"""``milbench doctor --clean``: list what nothing in the cache needs, ask, and remove it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from milbench.cli.console import messages, print_json, table
from milbench.cli.console import results as output
from milbench.doctor.finding import in_bytes
from milbench.registry import load_registry

if TYPE_CHECKING:
    from milbench.doctor import Folders
    from milbench.doctor.clean import Waste


def clean(folders: Folders, form: str, *, verify: bool, is_agreed: bool) -> int:
    """List what may go and remove it where the user agrees; 1 where something has to stay."""
    from milbench.doctor.clean import remove, wasted

    found = list(wasted(folders, load_registry(), verify=verify))
    if form == "json":
        print_json([waste._asdict() | {"files": list(map(str, waste.files))} for waste in found])
    else:
        _print(found, folders)
    if not found or not (is_agreed or _agrees(found)):
        return 0
    stay = [path for waste in found for path in remove(waste)]
    for path in stay:
        messages.print(f"{path}: stays; in use, changed just now, or not yours", markup=False)
    return 1 if stay else 0


def _print(found: list[Waste], folders: Folders) -> None:
    if not found:
        output.print(f"{folders.cache}: nothing stale, nothing damaged", markup=False)
        return
    rows = [(waste.name, in_bytes(waste.frees), waste.why) for waste in found]
    output.print(table(("in the cache", "frees", "why"), rows))
    output.print(f"{in_bytes(sum(waste.frees for waste in found))} in all", markup=False)


def _agrees(found: list[Waste]) -> bool:
    """Ask, where somebody can answer."""
    count = sum(len(waste.files) for waste in found)
    if not sys.stdin.isatty():
        messages.print("nothing was removed; --yes removes it", markup=False)
        return False
    return click.confirm(f"Remove {count} files and folders?", err=True)
