"""The page on own data works word for word, and lists what the code knows."""

import re
import runpy
from pathlib import Path

import pytest

from milbench.cli import main
from milbench.interchange.feature_files import KEYS, READERS
from milbench.own_data import OwnData
from milbench.sheets.names import KNOWN
from milbench.suite import Suite, load_suite

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
SUITES = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def block_after(name):
    """Return the code block that follows the bold name of a file."""
    return re.search(rf"\*\*`{name}`\*\*[^`]*```\w+\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """Write the example's data in an empty folder and go there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILBENCH_CACHE", str(tmp_path / "cache"))
    Path("example.py").write_text(block_after("example.py"), encoding="utf-8")
    runpy.run_path("example.py")
    return tmp_path


def test_the_first_command_plans_ten_methods_on_5_x_5_folds(hospital, capsys):
    """The command as it stands there, with --dry-run: 250 runs are planned."""
    command = re.search(r"^milbench (run --bags .*)$", PAGE, re.MULTILINE)[1]

    assert main([*command.split(), "--dry-run"]) == 0

    rows = [line for line in capsys.readouterr().out.splitlines() if "hospital  " in line]
    named = re.search(r"That trains (.*?) on 5 x 5", PAGE, re.DOTALL)[1]
    assert [row.split()[2] for row in rows] == re.findall(r"`([\w-]+)`", named)
    assert all(re.search(r" 25 +0 +25\s*$", row) for row in rows)


def test_another_suite_is_planned_as_the_page_has_it(hospital, capsys):
    """The command of that part, with --dry-run: its 10 x 10 folds, on this data."""
    command = re.search(r"^milbench (run --suite classic .*)$", PAGE, re.MULTILINE)[1]

    assert main([*command.split(), "--dry-run"]) == 0

    shown = capsys.readouterr().out
    assert "suite hospital-classic" in shown
    assert re.search(r"^hospital .* dsmil +1 +100 +0 +100\s*$", shown, re.MULTILINE)


def test_the_other_commands_of_the_page_work(hospital, capsys):
    """A run, its leaderboard and a comparison, with fewer runs; then the suite of the page."""
    command = re.search(r"^milbench (run --bags .*)$", PAGE, re.MULTILINE)[1]
    fewer = ["--methods", "abmil,mean", "--repeats", "1", "--folds", "2", "--device", "cpu"]
    assert main([*command.split(), *fewer]) == 0
    shown = capsys.readouterr().out
    promised = re.search(r"^Own data: .*$", PAGE, re.MULTILINE)[0]
    assert promised in shown
    for line in re.findall(r"^milbench (leaderboard hospital|compare .*)$", PAGE, re.MULTILINE):
        assert main(line.split()) == 0
    Path("grades.toml").write_text(block_after("grades.toml"), encoding="utf-8")
    assert main(["validate", "grades.toml"]) == 0
    assert load_suite(Path("grades.toml")).dataset[0].fusion == "late"


@pytest.mark.parametrize("role", KNOWN)
def test_every_known_column_is_listed(role):
    row = re.search(rf"^\| {role} \| (.*) \|$", PAGE, re.MULTILINE)[1]

    assert re.findall(r"`(\w+)`", row) == list(KNOWN[role])


def test_every_ending_and_every_key_is_listed():
    listed = set(re.findall(r"`(\.?\w+)`", PAGE.partition("**Features**")[2]))

    assert set(READERS) - {".pth"} <= listed
    assert set(KEYS) <= listed


def test_every_key_of_a_suite_counts_or_does_not():
    """The part on other suites has each key of a suite file once."""
    section = PAGE.partition("\n## Another suite")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)

    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(Suite.model_fields)


def test_every_key_of_own_data_is_explained():
    """The page on suites has each key of ``[[dataset]]``."""
    section = SUITES.partition("\n`[[dataset]]`")[2].partition("\n`[splits]`")[0]
    rows = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(
        OwnData.model_fields
    )
