"""The pages on data sets name every one, and their example suites have no faults."""

import re
from pathlib import Path

import pytest

from milbench.check import faults
from milbench.registry import load_registry

DOCS = Path(__file__).resolve().parent.parent / "docs"
LIST = (DOCS / "datasets.md").read_text(encoding="utf-8")
OFFICIAL = (DOCS / "official-sets.md").read_text(encoding="utf-8")
SUITES = re.findall(r"```toml\n(.*?)```", OFFICIAL, re.DOTALL)


KNOWN = {offer.record.name for offer in load_registry().offers("dataset")}


def names_in(cell):
    """Return the names of a cell; ```bags-20`, `-10``` are two, and so are ```bags`, `-small```."""
    first, *others = re.findall(r"`([\w-]+)`", cell)
    stem = first.rpartition("-")[0]
    ends = [name for name in others if name.startswith("-")]
    whole = [name for name in others if not name.startswith("-")]
    return {
        first,
        *whole,
        *(f"{first}{end}" if f"{first}{end}" in KNOWN else f"{stem}{end}" for end in ends),
    }


def test_every_data_set_is_on_a_page():
    """The list names nothing that does not exist; what it lacks stands on a page of its own."""
    rows = re.findall(r"^\| (`[^|]+) \|", LIST.partition("\nValues are raw")[0], re.MULTILINE)
    listed = set().union(*(names_in(row) for row in rows))
    pages = " ".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))

    assert listed <= KNOWN
    assert {name for name in KNOWN - listed if f"`{name}`" not in pages} == set()


@pytest.mark.parametrize("text", SUITES, ids=lambda text: re.search('name = "(.+)"', text)[1])
def test_example_suites_have_no_faults(tmp_path, text):
    """The check behind ``milbench validate`` agrees with each, and its data sets are known."""
    file = tmp_path / "suite.toml"
    file.write_text(text, encoding="utf-8")

    assert faults(file, load_registry()) == []


def test_every_official_set_has_an_example():
    """Each heading of the page has its layout and its suite."""
    headings = re.findall(r"^## (.+)$", OFFICIAL, re.MULTILINE)

    assert len(SUITES) == len(headings) == 11
    for heading, text in zip(headings, SUITES, strict=True):
        assert f'["{heading}' in text
