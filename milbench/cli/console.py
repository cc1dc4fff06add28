"""The two consoles: results go to stdout, everything else to stderr.

NO_COLOR is respected. Away from a terminal nothing is wrapped or cut, so that output can be piped.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Wider than any row; rich would otherwise wrap piped tables at 80 columns.
UNLIMITED = 100_000


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    return console


results = _console(stderr=False)
messages = _console(stderr=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table whose cells are plain text: names such as ``[red]x`` are shown as they are."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for position, column in enumerate(columns):
        made.add_column(column, overflow="fold", no_wrap=position == 0)
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def facts(lines: Iterable[tuple[str, str]]) -> Table:
    """Return two columns without a head: what, and its value as plain text."""
    made = Table.grid(padding=(0, 3))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in lines:
        made.add_row(Text(name), Text(value))
    return made


def print_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    click.echo(json.dumps(value, indent=2))
