"""The suite ``witness`` from end to end: what it trains, and the curve that its table shows."""

import json

import pytest

from milbench.suite_files import suite_files

RATES = (20, 10, 5, 1)


@pytest.fixture
def short(tmp_path):
    """Return a function that writes the suite with some of its methods, five epochs each."""

    def write(*names):
        heading, *methods = (
            suite_files()["witness"].read_text(encoding="utf-8").split("[[methods]]")
        )
        kept = [m for m in methods if any(f'name = "{name}"\n' in m for name in names)]
        assert len(kept) == len(names)
        path = tmp_path / "witness.toml"
        text = "[[methods]]".join([heading.replace("epochs = 20", "epochs = 5"), *kept])
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_suite_shows_a_curve_that_falls(short, run, tmp_path):
    """Trained on 20 of 40: nearly solved at 20, near chance at 1, never better with fewer."""
    done = run(short("prior", "mean", "keras-simple"), "--repeats", "1")

    assert done.returncode == 0, done.stderr
    assert "1 x 1 folds (official), by patient, validation bags as the data sets have them" in (
        done.stdout.replace("\n", " ")
    )
    board = json.loads((tmp_path / "leaderboards" / "witness" / "leaderboard.json").read_text())
    overall = board["overall"]
    assert overall["datasets"] == [f"digits-witness-{rate}" for rate in RATES]
    assert overall["codes"] == ["SHARED_COHORT"]
    curves = {row["method"]: row["values"] for row in overall["standings"]}
    assert curves["prior"] == [0.5] * 4
    for method in ("mean", "keras-simple"):
        curve = curves[method]
        assert curve == sorted(curve, reverse=True)
        assert curve[0] > 0.95
        assert 0.5 < curve[3] < 0.8


def test_one_model_is_tested_at_every_rate(short, run, tmp_path):
    """Validation rows are those of the same training, bit by bit; test rows are of other bags."""
    run(short("mean", "hnm-dsmil"), "--repeats", "1")  # mean is the suite's reference
    runs = tmp_path / "results" / "witness" / "runs"
    paths = [next(runs.glob(f"digits-witness-{rate}/hnm-dsmil/*.json")) for rate in RATES]
    first, *others = (json.loads(path.read_text()) for path in paths)

    assert len(first["validation"]["bag"]) == 40
    for other in others:
        assert other["validation"] == first["validation"]
        assert other["best_epoch"] == first["best_epoch"]
        assert not set(other["test"]["bag"]) & set(first["test"]["bag"])
