"""A third party's method and data set, installed from their own wheel, reach a leaderboard."""

import json

import pytest

SUITE = """
name = "third-party"
datasets = ["stripes"]
encoders = ["row-means"]

[splits]
repeats = 1
folds = 3

[train]
epochs = 3

[report]
reference = "prior"
draws = 300

[[methods]]
name = "prior"

[[methods]]
name = "milbench-mean/mean-linear"
label = "mean-linear"
args = { dropout = 0.1 }
"""


@pytest.mark.usefixtures("installed")
def test_the_example_reaches_a_leaderboard(run, tmp_path):
    """Aggregator, data set and encoder of the example package run and are ranked."""
    suite = tmp_path / "suite.toml"
    suite.write_text(SUITE)
    done = run(suite)

    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "leaderboards/third-party/leaderboard.json").read_text())
    (section,) = table["sections"]
    assert (section["dataset"], section["encoder"]) == ("stripes", "row-means")
    assert {row["method"]: row["runs"]["done"] for row in section["rows"]} == {
        "mean-linear": 3,
        "prior": 3,
    }
    assert "mean-linear" in done.stdout


@pytest.mark.usefixtures("installed")
def test_the_example_runs_in_worker_processes(run, tmp_path):
    """Workers find the same plugins as the main process."""
    suite = tmp_path / "suite.toml"
    suite.write_text(SUITE)
    done = run(suite, "--executor", "processes", "--workers", "2")

    assert done.returncode == 0, done.stderr
    assert "6 done, 0 done before, 0 skipped, 0 failed" in done.stderr
