"""Published numbers with their source: what stands beside ours, and how far to trust it.

They come from ``benchmarks/published.toml``. No number there is computed here, and none is compared
by a test: protocols differ.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from milbench.errors import TraceError
from milbench.suite_files import PUBLISHED, built_in_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Protocol = Literal["clean", "oracle", "unknown"]
Source = Literal["primary", "secondary", "memory"]

PROTOCOLS: dict[Protocol, str] = {
    "clean": "nothing was chosen on the reported bags",
    "oracle": "something was chosen on the reported bags, so the number is too high",
    "unknown": "it is not known whether anything was chosen on the reported bags",
}
SOURCES: dict[Source, str] = {
    "primary": "read in the authors' paper, code or result files",
    "secondary": "read in a summary by somebody else",
    "memory": "from memory, unverified: read the paper before you quote it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published number.

    Parameters
    ----------
    name
        What ``milbench reproduce`` calls it.
    dataset, method, metric
        Names as in a suite, also of data sets that milbench does not have.
    spread, spread_kind
        As printed, and what it is; None and empty where there is none.
    paper
        Citation with year and link.
    protocol, source
        Keys of :data:`PROTOCOLS` and :data:`SOURCES`.
    seen
        Where exactly it was read.
    encoder
        In words; empty where bags are no pictures.
    design, differs
        In words: the splits, and what else is not as in milbench.
    suite
        The suite that has this method on this data set; empty where there is none.
    """

    name: str
    dataset: str
    method: str
    metric: str
    value: float
    paper: str
    protocol: Protocol
    source: Source
    seen: str
    spread: float | None = None
    spread_kind: str = ""
    encoder: str = ""
    design: str = ""
    differs: str = ""
    suite: str = ""

    @property
    def cited(self) -> str:
        """Return the first author and the year."""
        return short_citation(self.paper)

    @property
    def caution(self) -> str:
        """Return in one or two words how far to trust the number; empty for a clean primary one."""
        words = [f"protocol {self.protocol}"] * (self.protocol != "clean")
        words += {"primary": [], "secondary": ["second-hand"], "memory": ["unverified"]}[
            self.source
        ]
        return ", ".join(words)


def read_published(path: Path | None = None) -> tuple[Published, ...]:
    """Return every published number of the file at ``path``; the built-in one when None.

    Raises
    ------
    TraceError
        If the file is damaged, an entry lacks a field or has an unknown one, or a name is not
        unique.
    """
    file = path or built_in_folder() / PUBLISHED
    try:
        works = tomllib.loads(file.read_text(encoding="utf-8"))["work"]
        found = tuple(entry for work in works for entry in _entries(work))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TraceError(f"{file}: {error}") from error
    names = [entry.name for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise TraceError(f"{file}: {name!r} appears {names.count(name)} times; name each once")
    return found


def short_citation(paper: str) -> str:
    """Return first author and year of a citation; the site where there is no paper."""
    text, _, link = paper.partition("http")
    year = re.search(r"\b(?:19|20)\d\d\b", text) or re.search(r"\((\d{4})\)", link)
    author = re.split("[, ;]", text)[0]
    author = link.split("/")[2] if text.startswith("no paper") else author
    return f"{author} {year.group().strip('()')}" if year else author


def _entries(work: dict[str, Any]) -> Iterator[Published]:
    shared = {key: value for key, value in work.items() if key != "results"}
    if "spread" in shared:
        shared["spread_kind"] = shared.pop("spread")
    known = {field.name for field in fields(Published)}
    for result in work["results"]:
        given = shared | result
        named = result.get("name", "an entry without a name")
        if unknown := sorted(given.keys() - known):
            raise ValueError(
                f"{named}: unknown key {unknown[0]!r}; keys: {', '.join(sorted(known))}"
            )
        for key, allowed in (("protocol", Protocol), ("source", Source)):
            if given.get(key) not in get_args(allowed):
                raise ValueError(f"{named}: {key} is one of {', '.join(get_args(allowed))}")
        yield Published(**given)
