"""A suite whose runs are all done is ranked from its records: nothing heavy is loaded or read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from milbench.cli import main
from milbench.features import open_features

SUITE = """
name = "again"
datasets = ["digits-bags"]
splits = { repeats = 1, folds = 3, validation = 0 }
train = { epochs = 1, patience = 0, select = "last" }
report = { draws = 200 }
methods = [{ name = "mean" }, { name = "abmil", args = { hidden = [8] } }, { name = "bag-size" }]
"""
SCRIPT = """
import sys
from milbench.cli import main
status = main(sys.argv[1:])
print("modules:", *sys.modules, file=sys.stderr)
sys.exit(status)
"""
NEEDLESS = {"torch", "sklearn", "scipy.stats", "pandas"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a suite of two networks and a control, every run of it done."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "again.toml").write_text(SUITE)
    assert main(["run", *options(folder), "--executor", "inline", "--device", "cpu"]) == 0
    return folder


def options(folder: Path) -> list[str]:
    places = [f"--{name}={folder / name}" for name in ("results", "cache", "data", "leaderboards")]
    return ["--suite", f"{folder}/again.toml", *places]


def fresh(*arguments: str) -> tuple[str, set[str]]:
    """Run a command in a process of its own; return what it said and what it had loaded."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILBENCH_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, modules = done.stderr.rpartition("modules:")
    return done.stdout + said, set(modules.split())


def test_a_rerun_loads_no_library_that_trains(finished):
    """Neither the device nor the methods' settings are asked of torch when all is done."""
    said, loaded = fresh("run", *options(finished))

    assert "again: 0 done, 9 done before" in said
    assert "milbench.stats.bootstrap" in loaded
    assert not loaded & NEEDLESS


def test_a_leaderboard_loads_no_library_that_trains(finished):
    """Ranking stored results needs numpy, and of scipy only its special functions."""
    suite, results = f"{finished}/again.toml", f"{finished}/results"
    said, loaded = fresh("leaderboard", suite, "--results", results)

    assert "mean" in said
    assert "milbench.stats.bootstrap" in loaded
    assert not loaded & NEEDLESS


def test_a_comparison_loads_no_library_that_trains(finished):
    """Both tests, the probabilities and each class need numpy and special functions only."""
    suite, results = f"{finished}/again.toml", f"{finished}/results"
    said, loaded = fresh("compare", "abmil", "mean", "--suite", suite, "--results", results)

    assert "abmil - mean" in said
    assert "milbench.stats.pair" in loaded
    assert not loaded & NEEDLESS


def test_a_rerun_writes_the_same_tables(finished):
    """The tables follow from the records, whether they were just trained or found."""
    folder = finished / "leaderboards" / "again"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    fresh("run", *options(finished))

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_setting_that_no_run_had_is_checked(tiny, run):
    """Results of the right settings do not excuse a misspelt one that is added later."""
    suite = tiny(["tiny-mean"])
    run(suite)
    suite.write_text(suite.read_text() + "args = { depth = 3 }\n")
    done = run(suite)

    assert done.returncode == 2
    assert "methods[0].args.depth: no setting of tiny-mean" in done.stderr


GUESS = """
import numpy as np
import torch
from milbench import Aggregator, Dataset, LabelledBag, Output, hookimpl

class Guess:
    def __init__(self, in_dim, n_classes, share=0.5):
        self.logits = torch.zeros(n_classes)

    def fit(self, train, valid, context):
        pass

    def predict(self, bag):
        return Output(logits=self.logits)

def bags(data):
    for number in range(12):
        yield LabelledBag(id=str(number), label=number % 2, x=np.ones((2, 2)))

@hookimpl
def milbench_aggregators():
    yield Aggregator(name="guess", target=Guess, summary="-")

@hookimpl
def milbench_datasets():
    yield Dataset(name="ones", target=bags, summary="-", classes=("no", "yes"))
"""


def test_settings_are_checked_again_when_the_code_changed(install, site, run, tmp_path):
    """A setting that the method took once and takes no more is a fault, whatever was stored."""
    module = install("milbench-guess", GUESS)
    suite = tmp_path / "guess.toml"
    suite.write_text(
        'name = "guess"\ndatasets = ["ones"]\nsplits = { repeats = 1, folds = 2 }\n'
        'report = { draws = 200 }\nmethods = [{ name = "guess", args = { share = 0.2 } }]\n'
    )
    assert "2 done, 0 done before" in run(suite).stderr
    assert "0 done, 2 done before" in run(suite).stderr

    (site / f"{module}.py").write_text(GUESS.replace("share", "portion"))
    sys.modules.pop(module)
    done = run(suite)

    assert done.returncode == 2
    assert "methods[0].args.share: no setting of guess" in done.stderr


def test_features_are_read_whole_only_before_training(tiny, run, tmp_path):
    """A flipped bit changes no number that is shown, and is found before anything is trained."""
    suite = tiny(["tiny-mean"])
    run(suite)
    (path,) = (tmp_path / "cache").rglob("*.h5")
    damaged = bytearray(path.read_bytes())
    damaged[open_features(path).array.offset] ^= 1
    path.write_bytes(damaged)

    again = run(suite)
    assert "0 done, 12 done before" in again.stderr
    assert path.name not in again.stderr

    more = run(suite, "--fresh")
    assert "does not match the hash" in more.stderr
    assert "12 done, 0 done before" in more.stderr
