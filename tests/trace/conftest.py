"""The stored results of one small real run, and copies of it to damage."""

import shutil

import pytest

from milbench.cli import main

SUITE = """
name = "traced"
datasets = ["digits-bags"]
splits = { repeats = 2, folds = 3, validation = 0 }
report = { draws = 200, reference = "bag-size" }
methods = [{ name = "prior" }, { name = "bag-size" }, { name = "mean", train = { epochs = 1 } }]
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a folder with a suite file, its results and the tables that ``run`` wrote."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "traced.toml").write_text(SUITE)
    status = main(
        ["run", "--suite", f"{folder}/traced.toml", "--executor", "inline", "--device", "cpu",
         "--cache", f"{folder}/cache", "--results", f"{folder}/results",
         "--leaderboards", f"{folder}/tables", "--data", f"{folder}/none"]
    )  # fmt: skip
    assert status == 0
    return folder


@pytest.fixture
def copy(made, tmp_path):
    """Return a copy of it that a test may change."""
    return shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns("cache"))
