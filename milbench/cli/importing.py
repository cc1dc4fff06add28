"""``milbench import``: what another tool wrote becomes a data set of one's own."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.audit import column_options, labels_option, named_columns, print_audit
from milbench.cli.console import messages, results
from milbench.cli.options import FOLDER
from milbench.errors import DatasetError
from milbench.records import NAME

if TYPE_CHECKING:
    from milbench.audit import Audit
    from milbench.interchange.feature_layouts import Found
    from milbench.interchange.repack import Packed


@click.command("import", short_help="Take over features, labels and splits of other tools.")
@click.argument("folder", type=FOLDER)
@click.option("--as", "name", metavar="NAME", help="Of the data set; else the folder's name.")
@labels_option
@click.option(
    "--splits", type=click.Path(path_type=Path, exists=True), help="File or folder of splits."
)
@click.option("--from", "producer", metavar="TOOL", help="Where a folder fits several tools.")
@click.option(
    "--out",
    type=FOLDER,
    envvar="MILBENCH_DATA",
    default=Path("data"),
    show_default=True,
    help="Folder that the data set's folder is made in.",
)
@column_options
@click.option("--dry-run", is_flag=True, help="Say what is recognised, and write nothing.")
def import_(folder: Path, name: str | None, out: Path, *, dry_run: bool, **options: Any) -> int:
    """Recognise what tool wrote FOLDER, and write it once more as milbench reads it.

    CLAM, TRIDENT, STAMP, slideflow, torchmil, MIL_BASELINE, DSMIL, HistoSSLscaling, HMIL, the
    classical files, and any folder with one file of features a slide. Ends with the command that
    runs it.
    """
    from milbench.audit import audit
    from milbench.interchange.feature_layouts import Asked, recognise

    place = out / _free(_name(name, folder))
    said = {key: options.pop(key) for key in ("producer", "labels", "splits")}
    asked = Asked(**said, columns=named_columns(options))
    found = recognise(folder, asked)
    _print_found(found, folder)
    looked = None if found.splits is None else audit(found.splits, found.labels)
    if looked is not None and found.splits is not None:
        print_audit(looked, found.splits.notes)
    if not dry_run:
        _print_packed(_pack(found, place), place, looked)
    return 0


def _name(given: str | None, folder: Path) -> str:
    name = given or re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not NAME.fullmatch(name):
        raise DatasetError(
            f"{name!r} is no name of a data set: lower-case letters, digits and hyphens, a letter "
            "first; give one with --as NAME"
        )
    return name


def _free(name: str) -> str:
    """Return the name of a data set, once it is known that a run can take it."""
    from milbench.registry import load_registry
    from milbench.suite_files import suite_files

    registry = load_registry()
    if name in suite_files(registry.suites()) or registry.matching("dataset", name):
        raise DatasetError(f"{name!r} is the name of a suite or data set; give another: --as NAME")
    return name


def _print_found(found: Found, folder: Path) -> None:
    from milbench.interchange.feature_layouts import usable, without_features

    layout = found.layout
    encoder = f", encoder {layout.encoder}" if layout.encoder else ""
    results.print(f"{layout.producer}: recognised by {layout.why}{encoder}", markup=False)
    results.print(
        f"{len(layout.slides)} slides with features, {len(usable(found).slides)} of them with a "
        f"label from {found.labels.where or folder}",
        markup=False,
    )
    absent, _ = without_features(found)
    if absent:
        messages.print(f"{len(absent)} labelled slides have no features", markup=False)
    for note in layout.notes:
        results.print(f"note: {note}", markup=False)


def _pack(found: Found, place: Path) -> Packed:
    from rich.progress import Progress

    from milbench.interchange.repack import repack

    with Progress(console=messages, transient=True) as progress:
        task = progress.add_task(found.layout.producer, total=len(found.layout.slides))
        return repack(found, place, lambda _: progress.advance(task))


def _print_packed(packed: Packed, place: Path, looked: Audit | None) -> None:
    """Say what was written, what was left out, and how to run it."""
    for line in packed.left_out:
        messages.print(f"left out: {line}", markup=False)
    kind = packed.kind
    coords = f"coordinates in {kind.unit or 'an unknown unit'}" if kind.has_coords else "no coords"
    written = f"{len(packed.slides)} slides of {kind.dim} features, {kind.dtype}, {coords}"
    results.print(f"wrote {place}: {written}", markup=False)
    command = [
        *("milbench", "run", "--bags", place / "bags.csv"),
        *("--features", place / "features", "--name", place.name),
    ]
    if packed.splits is not None and (looked is None or not looked.leaks):
        command += ["--splits", place / "splits.csv"]
    elif packed.splits is not None:
        messages.print(
            f"the splits leak, so the command below draws others; {place / 'splits.csv'} has them",
            markup=False,
        )
    results.print(f"run it: {' '.join(quote(str(part)) for part in command)}", markup=False)
