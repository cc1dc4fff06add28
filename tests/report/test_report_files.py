"""The files that a suite keeps."""

import json

from milbench.report import write_all


def test_every_format_is_written(plain, tmp_path):
    """Five files in a new folder, and nothing temporary is left."""
    written = write_all(plain, tmp_path / "classic")
    names = ["index.html", "leaderboard.json", "results.csv", "table.md", "table.tex"]
    assert sorted(path.name for path in written) == names
    assert sorted(path.name for path in (tmp_path / "classic").iterdir()) == names
    assert json.loads((tmp_path / "classic/leaderboard.json").read_text())["suite"] == "classic"


def test_writing_again_gives_the_same_bytes(plain, tmp_path):
    """A generated file without a change of its records does not change."""
    first = [path.read_bytes() for path in write_all(plain, tmp_path)]
    assert [path.read_bytes() for path in write_all(plain, tmp_path)] == first
