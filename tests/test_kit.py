"""A report is what its writers write, and an index that hides nothing."""

import pytest

from milbench.kit import WRITERS, Writer, write_kit
from milbench.leaderboard.board import Board
from milbench.leaderboard.table import Leaderboard, Skipped
from milbench.report.document import Document, File

BOARD = Board(suite="none", datasets=(), methods=(), cells=())
EMPTY = Leaderboard(
    suite="no_ne",
    sections=(),
    skipped=(Skipped(dataset="musk1", encoder="e", reason="no files"),),
    overall=None,
    alpha=0.05,
    rope=0.01,
    draws=200,
    splits="1 x 5 folds",
    versions=(),
)


@pytest.fixture
def document():
    return Document(EMPTY, BOARD, ())


def three_files(document):
    yield File("a.txt", f"suite {document.leaderboard.suite}\n", "the same thing")
    yield File("deep/b.bin", b"\x00\xff", "the same thing")
    yield File("deep/b.txt", "b", "the same thing")


def test_a_writer_is_one_line(document, tmp_path):
    """Text and bytes are written as they are, and the index has a row for all three."""
    kit = write_kit(document, tmp_path, [Writer("mine", f"{__name__}:three_files")])

    assert (tmp_path / "a.txt").read_text() == "suite no_ne\n"
    assert (tmp_path / "deep/b.bin").read_bytes() == b"\x00\xff"
    assert kit.files == tuple(tmp_path / name for name in ("a.txt", "deep/b.bin", "deep/b.txt"))
    links = "[a.txt](a.txt), [deep/b.bin](deep/b.bin), [txt](deep/b.txt)"
    assert f"| {links} | the same thing |" in kit.index.read_text()


def test_what_is_not_installed_is_left_out_with_one_line(document, tmp_path):
    """The line says how to get it, on the terminal and in the index; its code is not imported."""
    missing = Writer("maps", "no_such_module:files", needs="no_such_module", extra="maps")
    kit = write_kit(document, tmp_path, [missing])
    line = "no maps: no_such_module is not installed; pip install 'milbench[maps]'"

    assert kit.left_out == (line,)
    assert kit.files == ()
    assert line in kit.index.read_text()


def test_index_says_what_was_skipped(document, tmp_path):
    """A report of nothing says that it is one."""
    text = write_kit(document, tmp_path, []).index.read_text()

    assert text.startswith("# Report: no_ne\n\n- 0 data sets, 0 of 0 runs done. 1 x 5 folds\n")
    assert "- Skipped musk1: no files\n" in text


def test_every_writer_can_write_about_nothing(document, tmp_path):
    """A suite without results has its tables and no plots."""
    kit = write_kit(document, tmp_path, WRITERS)

    assert {path.name for path in kit.files} >= {"index.html", "table.md", "table.tex"}
    assert not (tmp_path / "plots").exists()


def test_writing_again_gives_the_same_bytes(document, tmp_path):
    """A report without a change of its records does not change."""
    first = [path.read_bytes() for path in write_kit(document, tmp_path).files]

    assert [path.read_bytes() for path in write_kit(document, tmp_path).files] == first
