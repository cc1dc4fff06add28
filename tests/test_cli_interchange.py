"""From another tool's folder to a leaderboard, and back, on the command line."""

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from milbench.cli import main

SLIDES = [f"{number:03d}" for number in range(24)]  # two of each of twelve patients


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def milbench(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line in this process."""

    def call(*arguments: object) -> Done:
        status = main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return call


def label_of(slide: str) -> str:
    return "tumor" if int(slide) // 2 % 2 else "normal"


def splits_text(test: list[str]) -> str:
    """Return a fold in CLAM's form; the last training patients are for validation."""
    rest = [slide for slide in SLIDES if slide not in test]
    columns = {"train": rest[:-8], "val": rest[-8:], "test": test}
    lines = [",train,val,test"]
    for row in range(max(map(len, columns.values()))):
        cells = [them[row] if row < len(them) else "" for them in columns.values()]
        lines.append(",".join([str(row), *cells]))
    return "\n".join(lines) + "\n"


@pytest.fixture
def clam(tmp_path: Path) -> Path:
    """Write a folder as CLAM leaves it: tensors, a table, and two folds that divide the slides."""
    folder, rng = tmp_path / "clam", np.random.default_rng(0)
    (folder / "pt_files").mkdir(parents=True)
    (folder / "splits").mkdir()
    rows = ["case_id,slide_id,label"]
    for slide in SLIDES:
        x = rng.normal(loc=float(label_of(slide) == "tumor"), size=(4, 3))
        torch.save(torch.from_numpy(x.astype(np.float32)), folder / "pt_files" / f"{slide}.pt")
        rows.append(f"p{int(slide) // 2},{slide},{label_of(slide)}")
    (folder / "mine.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for fold, test in enumerate((SLIDES[:12], SLIDES[12:])):
        (folder / "splits" / f"splits_{fold}.csv").write_text(splits_text(test), encoding="utf-8")
    return folder


def leak(folder: Path) -> None:
    """Move one slide of a test patient to the training part of the first fold."""
    path = folder / "splits" / "splits_0.csv"
    path.write_text(splits_text(SLIDES[1:12]), encoding="utf-8")


def folders(tmp_path: Path) -> list[object]:
    names = ("results", "leaderboards", "cache")
    return [part for name in names for part in (f"--{name}", tmp_path / name)]


def leaderboard(tmp_path: Path, name: str) -> dict[str, object]:
    path = tmp_path / "leaderboards" / name / "leaderboard.json"
    document: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_a_folder_of_clam_reaches_a_leaderboard_by_the_command_it_ends_with(
    tmp_path: Path, clam: Path, milbench: Command
) -> None:
    """What ``import`` prints last is run as it stands, on CLAM's own folds."""
    done = milbench("import", clam, "--as", "mine", "--out", tmp_path / "data")
    assert done.status == 0, done.err
    assert "clam: recognised by the folder pt_files" in done.out
    assert "verdict: passes" in done.out
    command = shlex.split(done.out.partition("run it: milbench ")[2])
    run = milbench(*command, "--methods", "prior,pooled-logistic", *folders(tmp_path))

    assert run.status == 0, run.err
    assert "4 done, 0 done before, 0 skipped, 0 failed" in run.err
    assert "as the data sets come with them" in run.out


def test_a_name_that_a_run_would_refuse_is_refused(
    tmp_path: Path, clam: Path, milbench: Command
) -> None:
    """Else the command that import ends with could not be run."""
    done = milbench("import", clam, "--as", "musk1", "--out", tmp_path / "data")

    assert (done.status, (tmp_path / "data").exists()) == (2, False)
    assert "'musk1' is the name of a suite or data set; give another: --as NAME" in done.err


def test_a_dry_run_writes_nothing(tmp_path: Path, clam: Path, milbench: Command) -> None:
    """It says what is recognised, and the audit of the splits."""
    done = milbench("import", clam, "--as", "mine", "--out", tmp_path / "data", "--dry-run")

    assert (done.status, (tmp_path / "data").exists()) == (0, False)
    assert "24 slides with features, 24 of them with a label" in done.out


def test_splits_that_leak_are_refused_unless_said_and_then_marked(
    tmp_path: Path, clam: Path, milbench: Command
) -> None:
    """The import leaves them out of the command; a suite that allows them is marked on each row."""
    leak(clam)
    done = milbench("import", clam, "--as", "mine", "--out", tmp_path / "data")
    assert "LEAKS in 1 of 2 folds" in done.out
    assert "--splits" not in done.out.partition("run it:")[2]

    suite = tmp_path / "leaking.toml"
    place = (tmp_path / "data" / "mine").as_posix()
    text = (
        'name = "leaking"\n[splits]\nscheme = "given"\nrepeats = 1\nfolds = 2\nleaks = "{}"\n'
        f'[[dataset]]\nname = "mine"\nbags = "{place}/bags.csv"\nfeatures = "{place}/features"\n'
        f'splits = "{place}/splits.csv"\n[[methods]]\nname = "prior"\n'
        '[[methods]]\nname = "bag-size"\n'
    )
    suite.write_text(text.format("refused"), encoding="utf-8")
    refused = milbench("run", "--suite", suite, *folders(tmp_path))
    assert refused.status == 1
    assert "PATIENT_LEAK: patient 'p0' has bags in train and test" in refused.err

    suite.write_text(text.format("allowed"), encoding="utf-8")
    allowed = milbench("run", "--suite", suite, *folders(tmp_path))
    assert allowed.status == 0, allowed.err
    assert "The splits leak, as the suite allows, in 1 of 2 folds" in allowed.out
    (section,) = leaderboard(tmp_path, "leaking")["sections"]
    assert all("PATIENT_LEAK" in row["codes"] for row in section["rows"])


def test_audit_ends_with_its_verdict(tmp_path: Path, clam: Path, milbench: Command) -> None:
    """0 where nothing is wrong, 1 at a leak, 2 where there are no splits; JSON says the same."""
    labels = ("--labels", clam / "mine.csv")
    assert milbench("audit", clam / "splits", *labels).status == 0
    leak(clam)
    done = milbench("audit", clam / "splits", *labels, "--format", "json")
    assert done.status == 1
    found = json.loads(done.out)
    assert found["verdict"] == "LEAKS in 1 of 2 folds"
    assert found["findings"][0]["code"] == "PATIENT_LEAK"
    assert milbench("audit", clam / "pt_files").status == 2


def test_audit_writes_splits_as_suites_read_them(
    tmp_path: Path, clam: Path, milbench: Command
) -> None:
    """Every labelled slide has a role in every fold."""
    out = tmp_path / "splits.csv"
    done = milbench("audit", clam / "splits", "--labels", clam / "mine.csv", "--out", out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert "1 x 2 folds" in done.err
    assert len(rows) == 2 * len(SLIDES)
    assert [row["role"] for row in rows[:2]] == ["test", "test"]
    assert rows[0]["group_id"] == "p0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--as", "../mine"), "is no name of a data set"),
        (("--from", "stamp"), "nothing of stamp is there"),
        (("--from", "clam2"), "expected one of clam, trident"),
        (("--label-column", "grade"), "no column 'grade' for the label"),
    ],
)
def test_wrong_usage_ends_with_a_line(
    tmp_path: Path, clam: Path, milbench: Command, arguments: tuple[str, ...], message: str
) -> None:
    """Status 2, and what to do."""
    done = milbench("import", clam, "--out", tmp_path / "data", *arguments)

    assert done.status == 2
    assert message in done.err


def test_imported_data_are_exported_with_the_splits_and_predictions_of_a_suite(
    tmp_path: Path, clam: Path, milbench: Command
) -> None:
    """Own data of a suite go out as CLAM has them; so do its predictions, one file a run."""
    done = milbench("import", clam, "--as", "mine", "--out", tmp_path / "data")
    command = shlex.split(done.out.partition("run it: milbench ")[2])
    milbench(*command, "--methods", "pooled-logistic", *folders(tmp_path))
    suite = tmp_path / "results" / "mine" / "suite.toml"
    stores = ["--results", tmp_path / "results", "--cache", tmp_path / "cache"]
    form = ["--format", "clam", "--out"]

    sent = milbench("export", "mine", "--suite", suite, *form, tmp_path / "sent", *stores)
    told = milbench("export", suite, "--predictions", *form, tmp_path / "told", *stores[:2])

    assert (sent.status, told.status) == (0, 0), sent.err + told.err
    for fold in (0, 1):
        again = tmp_path / "sent" / "splits" / "mine" / f"splits_{fold}.csv"
        assert again.read_bytes() == (clam / "splits" / f"splits_{fold}.csv").read_bytes()
    names = sorted(path.name for path in (tmp_path / "told" / "mine").rglob("*.csv"))
    assert names == ["fold_0.csv", "fold_1.csv", "runs.csv", "summary.csv"]
    full = milbench("export", "mine", "--suite", suite, *form, tmp_path / "sent", *stores)
    assert full.status == 2
    assert "is there already" in full.err
