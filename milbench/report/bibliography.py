"""Find the BibTeX entries of a citation: by its links among the known works, else from its text.

A record cites by text with a year and a link. The known works lie in ``works.bib``; whatever is not
there becomes a ``@misc`` that says what the record says, and nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from milbench.published import short_citation
from milbench.report.escape import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK = re.compile(r"https?://[^\s,;]+")
# Entries are separated by an @ at the start of a line, as works.bib is written.
ENTRY = re.compile(r"^@\w+\{(?P<key>[^,\s]+),\n(?P<body>.*?)^\}$", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(?P<name>\w+) = \{(?P<value>.*)\},?$", re.MULTILINE)
# Words of a record that cite nothing.
EMPTY = frozenset({"", "-", "no paper", "ours"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One BibTeX entry: its key, and its text."""

    key: str
    text: str


def entries_of(name: str, paper: str) -> list[Entry]:
    """Return one entry for each work that the citation ``paper`` of a record names.

    Parameters
    ----------
    name
        Of the record; the key of what is not known.
    """
    found = (_entry(name, part) for part in paper.split("; ") if part.strip() not in EMPTY)
    return list({entry.key: entry for entry in found}.values())


def known(key: str) -> Entry:
    """Return the known work of that key.

    Raises
    ------
    KeyError
        If there is none.
    """
    return _by_key()[key]


def _entry(name: str, citation: str) -> Entry:
    works = _by_identity()
    for identity in _identities(citation):
        if identity in works:
            return works[identity]
    return _misc(name, citation)


def _identities(citation: str) -> Iterator[str]:
    links = [link.rstrip(".)") for link in LINK.findall(citation)]
    yield from map(_identity, links)
    if not links:
        yield short_citation(citation)


def _identity(link: str) -> str:
    """Return what names a work, however its link is written."""
    name = re.sub(r"^https?://(www\.)?", "", link).rstrip("/")
    name = re.sub(r"^(dx\.)?doi\.org/", "doi:", name)
    name = re.sub(r"^arxiv\.org/(abs|pdf)/", "arxiv:", name)
    return re.sub(r"^(arxiv:\d+\.\d+)(v\d+)?(\.pdf)?$", r"\1", name).lower()


def _misc(name: str, citation: str) -> Entry:
    links = LINK.findall(citation)
    text = LINK.sub("", citation).strip(" ,")
    year = re.search(r"\b(?:19|20)\d\d\b", text)
    if links and not re.search(r"[^\W\d]", text):  # no word but, at most, a year
        text = links[0]
    key = re.sub(r"[^a-z0-9]+", "-", f"{name} {short_citation(citation)}".lower()).strip("-")
    fields = [f"  title = {{{{{escape(text)}}}}}"]
    fields += [f"  year = {{{year.group()}}}"] if year else []
    fields += [f"  url = {{{links[0].rstrip('.)')}}}"] if links else []
    return Entry(key, f"@misc{{{key},\n" + ",\n".join(fields) + "\n}")


@cache
def _by_key() -> dict[str, Entry]:
    return {entry.key: entry for entry, _ in _works()}


@cache
def _by_identity() -> dict[str, Entry]:
    return {identity: entry for entry, identities in _works() for identity in identities}


@cache
def _works() -> tuple[tuple[Entry, tuple[str, ...]], ...]:
    text = Path(__file__).with_name("works.bib").read_text(encoding="utf-8")
    return tuple(_read(found) for found in ENTRY.finditer(text))


def _read(found: re.Match[str]) -> tuple[Entry, tuple[str, ...]]:
    fields = {f["name"]: f["value"] for f in FIELD.finditer(found["body"])}
    identities = [fields[name] for name in ("annote",) if name in fields]
    kinds = {"doi": "doi", "eprint": "arxiv"}
    identities += [f"{k}:{fields[name]}".lower() for name, k in kinds.items() if name in fields]
    identities += [_identity(fields["url"])] if "url" in fields else []
    # What it is found by is for us; a bibliography style prints some of such notes.
    text = re.sub(r",\n  annote = \{.*\}(?=\n\})", "", found[0])
    return Entry(found["key"], text), tuple(identities)
