"""Edited code is trained again, whichever file of a method was edited."""

import sys
from hashlib import sha256

import pytest

from milbench import Aggregator
from milbench.code import code_hash

METHOD = (
    "from shapes.blocks import Block\nfrom shapes import parts\nimport json\n\nclass Method: ...\n"
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the folder of a package whose method takes a block from a file beside it."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "method.py").write_text(METHOD)
    (folder / "blocks.py").write_text("from .deeper import thing\nclass Block: ...\n")
    (folder / "deeper.py").write_text("thing = 1\n")
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("from .inner import thing\n")
    (folder / "parts" / "inner.py").write_text("from ..far import thing\n")
    (folder / "far.py").write_text("thing = 2\n")
    (folder / "other.py").write_text("class Other: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "shapes"]:
        del sys.modules[name]


def hashed(target):
    return code_hash(Aggregator(name="method", target=target, summary="a method"))


@pytest.mark.parametrize(
    "file", ["method.py", "blocks.py", "deeper.py", "parts/__init__.py", "parts/inner.py", "far.py"]
)
def test_every_file_that_a_method_is_made_of_counts(package, file):
    """Its own, one that it imports, and one that this imports in turn."""
    before = hashed("shapes.method:Method")
    with (package / file).open("a") as opened:
        opened.write("# edited\n")

    assert hashed("shapes.method:Method") != before


def test_a_file_beside_it_does_not_count(package):
    """An edit of another method leaves the results of this one."""
    before = hashed("shapes.method:Method")
    (package / "other.py").write_text("# edited\n")

    assert hashed("shapes.method:Method") == before


def test_a_method_of_one_file_has_the_hash_of_the_file(package):
    """As before imports were followed, so that results keep their names."""
    expected = sha256((package / "other.py").read_bytes()).hexdigest()[:16]

    assert hashed("shapes.other:Other") == expected


def test_code_without_a_file_is_unknown():
    """A builtin has no source."""
    assert hashed("builtins:dict") == "unknown"


def test_hashing_imports_no_method(package):
    """The modules are read as text."""
    hashed("shapes.method:Method")

    assert "shapes.method" not in sys.modules
    assert "shapes.blocks" not in sys.modules
