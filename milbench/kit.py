"""Everything a paper needs about a suite: a list of writers, and the folder that they fill.

A writer is a function of a document that yields files. It is named by text, so that what it needs
is imported when it writes; one that needs an extra which is not installed is left out, and a line
says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from milbench.atomic import write_atomic
from milbench.report.format import printable
from milbench.report.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from milbench.leaderboard.table import Leaderboard
    from milbench.report.document import Document, File

INDEX = "README.md"


@dataclass(frozen=True, slots=True)
class Writer:
    """One part of a report.

    Parameters
    ----------
    name
        What it writes.
    target
        ``module:function``; the function takes a :class:`milbench.report.document.Document` and
        yields :class:`milbench.report.document.File`.
    needs, extra
        A package that must be installed, and the extra of milbench that brings it; empty for none.
    """

    name: str
    target: str
    needs: str = ""
    extra: str = ""

    @property
    def is_possible(self) -> bool:
        """Return whether what the writer needs is installed."""
        return not self.needs or find_spec(self.needs) is not None

    def files(self, document: Document) -> Iterable[File]:
        """Return the files, importing the code on first use."""
        module, _, attribute = self.target.partition(":")
        write: Callable[[Document], Iterable[File]] = getattr(import_module(module), attribute)
        return write(document)


WRITERS: tuple[Writer, ...] = (
    Writer("tables", "milbench.report.files:files"),
    Writer("bibliography and paragraph", "milbench.report.paper_files:files"),
    Writer("plots", "milbench.plots.files:files", needs="matplotlib", extra="plots"),
)


@dataclass(frozen=True, slots=True)
class Kit:
    """What was written: every file but the index, the index, and one line for what was not."""

    files: tuple[Path, ...]
    index: Path
    left_out: tuple[str, ...]


def write_kit(document: Document, folder: Path, writers: Sequence[Writer] = WRITERS) -> Kit:
    """Write the files of all ``writers`` into ``folder``, and an index of them.

    Each file is replaced as a whole; other files of the folder are left alone.
    """
    made = [file for writer in writers if writer.is_possible for file in writer.files(document)]
    left_out = tuple(
        f"no {writer.name}: {writer.needs} is not installed; pip install 'milbench[{writer.extra}]'"
        for writer in writers
        if not writer.is_possible
    )
    for file in made:
        write_atomic(folder / file.name, file.content)
    write_atomic(folder / INDEX, "\n".join(_index(document.leaderboard, made, left_out)) + "\n")
    return Kit(tuple(folder / file.name for file in made), folder / INDEX, left_out)


def _index(
    leaderboard: Leaderboard, made: Sequence[File], left_out: Sequence[str]
) -> Iterator[str]:
    yield f"# Report: {escape(leaderboard.suite)}"
    yield ""
    yield from (f"- {escape(line)}" for line in _state(leaderboard))
    yield ""
    yield "| file | |"
    yield "|---|---|"
    about = {file.about: [f for f in made if f.about == file.about] for file in made}
    for text, same in about.items():
        links = ", ".join(
            f"[{escape(name)}]({file.name})" for name, file in zip(_short(same), same, strict=True)
        )
        yield f"| {links} | {escape(text)} |"
    yield from ("", *(f"- {escape(line)}" for line in left_out)) if left_out else ()


def _short(same: Sequence[File]) -> Iterator[str]:
    """Yield the names of files that show the same, an ending where the rest was said before."""
    said: set[str] = set()
    for file in same:
        stem, _, ending = file.name.rpartition(".")
        yield ending if stem in said else file.name
        said.add(stem)


def _state(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield what the files rest on, so that nobody takes an unfinished grid for a finished one."""
    sections = [section for section in leaderboard.sections if not section.level]
    rows = [row for section in sections for row in section.rows]
    done = sum(row.runs.done for row in rows)
    planned = sum(row.runs.planned for row in rows)
    yield f"{len(sections)} data sets, {done} of {planned} runs done. {leaderboard.splits}".rstrip()
    for section in sections:
        lacking = [row.method for row in section.rows if not row.runs.is_complete]
        if lacking:
            yield f"Incomplete on {printable(section.dataset)}, not tested: {', '.join(lacking)}"
    for skipped in leaderboard.skipped:
        yield f"Skipped {skipped.dataset}: {skipped.reason}"
