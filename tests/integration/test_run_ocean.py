"""From pictures to a ranking: segmentation, boxes, crops, tokens, methods."""

import json
import tomllib
from pathlib import Path

import pytest

from milbench.check import faults
from milbench.registry import load_registry

SUITE = Path(__file__).resolve().parents[2] / "benchmarks" / "ocean.toml"
CHANCE = 0.2  # five classes

SMALL = """
name = "ocean-small"
datasets = ["ocean-toy"]

[splits]
repeats = 1
folds = 3

[train]
optimizer = "adam"
lr = 3e-3
epochs = 15

[report]
reference = "prior"
draws = 300

[[methods]]
name = "prior"

[[methods]]
name = "mean"

[[methods]]
name = "crop-transformer"
args = { tokens = 16, layers = 1, hidden = 32 }
"""


def test_the_suite_has_no_faults_and_names_the_chain():
    """The transformer takes the tokens of the encoder, beside a mean and controls."""
    assert faults(SUITE, load_registry()) == []
    methods = {method["name"] for method in tomllib.loads(SUITE.read_text())["methods"]}
    assert {"prior", "bag-size", "mean", "abmil", "crop-transformer"} <= methods


@pytest.mark.slow
def test_methods_learn_what_the_chain_shows_them(run, tmp_path):
    """By 0.3 of balanced accuracy above chance, on patients that no part of the chain has seen."""
    suite = tmp_path / "small.toml"
    suite.write_text(SMALL)
    done = run(suite)

    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "leaderboards/ocean-small/leaderboard.json").read_text())
    (section,) = table["sections"]
    assert section["encoder"].startswith("crops9(#")
    values = {row["method"]: row["scores"][0]["value"] for row in section["rows"]}
    assert values["prior"] == pytest.approx(CHANCE)
    assert values["mean"] > CHANCE + 0.3
    assert values["crop-transformer"] > CHANCE + 0.3
