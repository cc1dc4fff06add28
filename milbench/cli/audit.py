"""``milbench audit``: what is wrong with splits, whichever program wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milbench.cli.console import messages, print_json, results, table

if TYPE_CHECKING:
    from milbench.audit import Audit
    from milbench.interchange.labels import Columns, Labels
    from milbench.interchange.split_files import SplitFiles

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

labels_option = click.option(
    "--labels", type=FILE, help="Table of slides with their label, and patient and site if known."
)


def column_options(command: Any) -> Any:
    """Add the options that name columns of the table of labels."""
    for what in ("site", "label", "patient", "slide"):
        command = click.option(
            f"--{what}-column", metavar="NAME", help=f"Column of --labels with the {what}."
        )(command)
    return command


@click.command(short_help="Look for leaks and missing classes in anyone's splits.")
@click.argument("splits", type=click.Path(path_type=Path, exists=True))
@labels_option
@column_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the splits of the slides in --labels to this file, as suites read them.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def audit(
    splits: Path, labels: Path | None, out: Path | None, form: str, **columns: str | None
) -> int:
    """Look at the file or folder SPLITS for what gives wrong numbers.

    Patients or slides in two parts of a fold, test parts that overlap, slides without a label or
    a part, classes that a part lacks, and a site that tells the class. Ends with status 0 when
    there is no leak and no fault, with 1 otherwise.
    """
    from milbench.audit import audit as audit_splits
    from milbench.interchange.split_readers import read_split_files

    read, known = read_split_files(splits), known_labels(labels, columns)
    found = audit_splits(read, known)
    if form == "json":
        print_json(as_json(found, read.notes))
    else:
        print_audit(found, read.notes)
    if out is not None:
        _write(out, read, known)
    return 1 if found.leaks or found.faults else 0


def _write(out: Path, read: SplitFiles, known: Labels) -> None:
    from milbench.interchange.stored_splits import stored_form

    known = known.over(read.inside)
    slides = [slide for slide, label in known.label.items() if label]
    if not slides:
        raise click.UsageError("--out needs --labels: the slides that a suite has")
    stored = stored_form(read, {slide: known.patient_of(slide) or slide for slide in slides})
    stored.save(out)
    messages.print(f"wrote {out}: {stored.n_repeats} x {stored.n_folds} folds", markup=False)


def known_labels(path: Path | None, columns: dict[str, str | None]) -> Labels:
    """Return the labels in the table at ``path``, or none where there is no table.

    Raises
    ------
    DatasetError
        If the table is damaged, or a column that is named is not there.
    """
    from milbench.interchange.labels import Labels, read_labels

    return Labels() if path is None else read_labels(path, named_columns(columns))


def named_columns(columns: dict[str, str | None]) -> Columns:
    """Return the columns that the options name."""
    from milbench.interchange.labels import Columns

    return Columns(**{name.removesuffix("_column"): value for name, value in columns.items()})


def print_audit(found: Audit, notes: tuple[str, ...]) -> None:
    """Print the sizes of the folds and what was found, the verdict last."""
    results.print(f"{found.producer}: recognised by {found.why}", markup=False)
    for note in notes:
        results.print(f"note: {note}", markup=False)
    sizes = [(name, *parts.values()) for name, parts in found.sizes.items()]
    results.print(table(("fold", "train", "val", "test"), sizes))
    if found.findings:
        rows = [(one.level, one.code, one.where or "all", one.text) for one in found.findings]
        results.print(table(("level", "code", "fold", "found"), rows))
    results.print(f"verdict: {found.verdict}", markup=False)
    if found.leaks:
        messages.print(
            'a suite refuses splits that leak, unless it says leaks = "allowed" in [splits]; '
            "its leaderboard then says so",
            markup=False,
        )


def as_json(found: Audit, notes: tuple[str, ...]) -> dict[str, Any]:
    """Return everything that was found as plain values."""
    return {
        "producer": found.producer,
        "why": found.why,
        "verdict": found.verdict,
        "notes": list(notes),
        "folds": {name: dict(parts) for name, parts in found.sizes.items()},
        "findings": [{"level": one.level, **one._asdict()} for one in found.findings],
    }
