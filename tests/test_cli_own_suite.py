"""Any suite can be run on own data: its methods, splits, training, protocol and report count."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from milbench.cli import main
from milbench.suite import Suite, load_suite

# What a plugin of someone else may bring; its data sets and views are nobody's here.
THEIRS = """
name = "theirs"
datasets = ["musk1"]
encoders = ["precomputed"]

[splits]
scheme = "published"
repeats = 2
folds = 3
validation = 0.25
seed = 7

[protocol]
standardise = false

[train]
epochs = 3

[report]
reference = "small"
metrics = ["accuracy"]

[[methods]]
name = "prior"

[[methods]]
name = "mean"
train = { lr = 0.01 }
on.musk1.train = { lr = 0.1 }

[[methods]]
name = "abmil"
label = "small"
args = { hidden = [8] }

[[methods]]
name = "abmil-cnn"
encoder = "pixels"
"""


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write twelve slides of twelve patients, their table and a suite, and go there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "features").mkdir()
    rows = [["slide", "patient", "class", "split"]]
    for slide in range(12):
        x = np.full((2, 3), slide, dtype=np.float32)
        np.save(tmp_path / "features" / f"{slide}.npy", x)
        rows.append([str(slide), f"p{slide}", "ab"[slide % 2], "train" if slide < 8 else "test"])
    with (tmp_path / "clinic.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    (tmp_path / "theirs.toml").write_text(THEIRS, encoding="utf-8")
    return tmp_path


Planned = Callable[..., Suite]


@pytest.fixture
def planned(clinic: Path) -> Planned:
    """Return a function that plans own data and returns the suite that was written."""

    def plan(
        *arguments: str, name: str = "clinic-theirs", split: str = "", features: str = "features"
    ) -> Suite:
        data = ["--bags", "clinic.csv", "--split-column", split]
        data += ["--features", features] if features else []
        assert main(["run", *data, "--dry-run", *arguments]) == 0
        return load_suite(clinic / "results" / name / "suite.toml")

    return plan


def test_a_suite_s_own_settings_count_and_its_data_sets_do_not(
    planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    """Published folds are those of its data sets, so folds are drawn; a row of pictures goes."""
    suite = planned("--suite", "theirs.toml")

    assert (suite.name, suite.datasets, suite.encoders) == ("clinic-theirs", ("clinic",), ())
    assert suite.splits.model_dump(exclude_defaults=True) == {
        "repeats": 2, "folds": 3, "validation": 0.25, "seed": 7
    }  # fmt: skip
    assert suite.splits.scheme == "kfold"
    assert (suite.protocol.standardise, suite.train.epochs) == (False, 3)
    assert (suite.report.reference, suite.report.metrics) == ("small", ("accuracy",))
    assert [(row.row, row.args, row.train.given(), row.on) for row in suite.methods] == [
        ("prior", {}, {}, {}),
        ("mean", {}, {"lr": 0.01}, {}),
        ("small", {"hidden": [8]}, {}, {}),
    ]
    assert "abmil-cnn: left out; it cuts or encodes pictures" in capsys.readouterr().err


def test_a_suite_says_how_slides_are_seen_unless_an_option_does(
    clinic: Path, planned: Planned
) -> None:
    """With plain images in place of features its encoders count, and so do rows of pictures."""
    pictures = pytest.importorskip("PIL.Image", reason="images are written with pillow")
    (clinic / "images").mkdir()
    for slide in range(12):
        x = np.full((40, 40, 3), 20 * slide, dtype=np.uint8)
        pictures.fromarray(x).save(clinic / "images" / f"{slide}.png")
    text = THEIRS.replace('"precomputed"', '"pixels"')
    text = text.replace("datasets", 'tilers = [{ name = "grid", args = { px = 20 } }]\ndatasets')
    (clinic / "theirs.toml").write_text(text, encoding="utf-8")
    images = ("--suite", "theirs.toml", "--slides", "images")

    theirs = planned(*images, features="")
    ours = planned(*images, "--encoder", "colour-texture", "--tiler", "whole", features="")

    assert (theirs.encoders, theirs.tilers[0].args) == (("pixels",), {"px": 20})
    assert [row.name for row in theirs.methods] == ["prior", "mean", "abmil", "abmil-cnn"]
    assert (ours.encoders, ours.tilers[0].name) == (("colour-texture",), "whole")


def test_options_come_before_the_suite(planned: Planned) -> None:
    """A row that is asked for keeps the suite's settings; one that it has not is as published."""
    suite = planned(
        "--suite", "theirs.toml", "--methods", "mean,gated_abmil", "--repeats", "1", "--folds", "2"
    )

    assert (suite.splits.repeats, suite.splits.folds, suite.splits.seed) == (1, 2, 7)
    assert [(row.name, row.train.given()) for row in suite.methods] == [
        ("mean", {"lr": 0.01}),
        ("gated-abmil", {}),
    ]
    assert suite.report.reference == "mean"  # the suite's is no row


def test_official_parts_of_the_table_come_before_drawn_folds(planned: Planned) -> None:
    suite = planned("--suite", "theirs.toml", split="split")

    assert (suite.splits.scheme, suite.splits.repeats, suite.protocol.seeds) == ("official", 1, 5)


def test_a_suite_of_official_parts_needs_them(
    clinic: Path, planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless folds are asked for."""
    text = THEIRS.replace('"published"', '"official"')
    (clinic / "theirs.toml").write_text(text, encoding="utf-8")
    data = ("--bags", "clinic.csv", "--features", "features", "--split-column", "")

    assert main(["run", "--suite", "theirs.toml", *data]) == 2
    assert "clinic.csv has none: name their column with --split-column" in capsys.readouterr().err
    assert planned("--suite", "theirs.toml", "--folds", "2").splits.scheme == "kfold"


def test_a_name_is_that_of_suite_and_data(planned: Planned) -> None:
    suite = planned("--suite", "theirs.toml", "--name", "mine", name="mine")

    assert (suite.name, suite.datasets) == ("mine", ("mine",))


def test_a_suite_without_data_sets_is_for_own_data(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``own`` is one: right as it is, left out of ``all``, and run only with a table."""
    assert main(["validate", "own"]) == 0
    assert "no faults; no data set, so for own data" in capsys.readouterr().out

    assert main(["validate", "all"]) == 0
    assert "own.toml" not in capsys.readouterr().out

    assert main(["run", "--suite", "own"]) == 2
    assert "--suite own --bags TABLE --features DIR" in capsys.readouterr().err


def test_a_suite_with_faults_is_refused_by_its_own_path(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clinic / "theirs.toml").write_text(THEIRS.replace("epochs", "epoch"), encoding="utf-8")
    data = ("--bags", "clinic.csv", "--features", "features")

    assert main(["run", "--suite", "theirs.toml", *data]) == 2
    assert "theirs.toml: 1 fault\n  train.epoch: unknown key" in capsys.readouterr().err
