"""``milbench leaderboard`` on the results of a real run of two controls."""

import csv
import io
import json
import re

import pytest

from milbench.cli import main

SUITE = """
name = "controls"
datasets = ["digits-bags"]
splits = { repeats = 1, folds = 3, validation = 0 }
report = { draws = 200 }
methods = [{ name = "prior" }, { name = "bag-size" }]
"""
FILES = ("index.html", "leaderboard.json", "results.csv", "table.md", "table.tex")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a suite file, its results and the tables that ``run`` wrote."""
    folder = tmp_path_factory.mktemp("controls")
    (folder / "controls.toml").write_text(SUITE)
    status = main(
        ["run", "--suite", f"{folder}/controls.toml", "--executor", "inline", "--device", "cpu",
         "--cache", f"{folder}/cache", "--results", f"{folder}/results",
         "--leaderboards", f"{folder}/tables", "--data", f"{folder}/none"]
    )  # fmt: skip
    assert status == 0
    return folder


def ask(folder, *options) -> int:
    return main(
        ["leaderboard", f"{folder}/controls.toml", "--results", f"{folder}/results", *options]
    )


def test_a_suite_for_own_data_has_no_leaderboard(capsys):
    """And says where one is, in place of an empty table."""
    assert main(["leaderboard", "own"]) == 2
    assert "suite 'own' names no data set" in capsys.readouterr().err


def test_terminal_is_the_default(folder, capsys):
    """The table goes to stdout, with the prior at exactly one half."""
    assert ask(folder) == 0
    line = next(li for li in capsys.readouterr().out.splitlines() if "prior (control)" in li)
    assert "0.500 [0.500, 0.500]" in line


def test_formats_for_programs_are_alone_on_stdout(folder, capsys):
    """CSV and JSON can be piped."""
    assert ask(folder, "--format", "csv") == 0
    methods = {line["method"] for line in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert methods == {"prior", "bag-size"}
    assert ask(folder, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["suite"] == "controls"


def test_files_are_those_that_the_run_wrote(folder, capsys):
    """The tables follow from the stored results alone, byte for byte."""
    assert ask(folder, "--out", f"{folder}/again") == 0
    capsys.readouterr()
    for name in FILES:
        first = (folder / "tables" / "controls" / name).read_bytes()
        assert (folder / "again" / "controls" / name).read_bytes() == first


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("markdown", "# Leaderboard: controls"),
        ("latex", "% Needs"),
        ("html", "<!doctype html>"),
        ("terminal", "digits-bags"),
    ],
)
def test_one_format_goes_to_one_file(folder, form, start):
    """A name with an ending is a file."""
    path = folder / f"one.{form}"
    assert ask(folder, "--format", form, "--out", str(path)) == 0
    assert path.read_text().startswith(start)


def test_planned_runs_that_are_missing_are_shown(folder, capsys):
    """A method added to the suite after the run appears with 0 runs."""
    text = SUITE.replace('{ name = "prior" }', '{ name = "prior" }, { name = "mean" }')
    (folder / "more.toml").write_text(text)
    assert main(["leaderboard", f"{folder}/more.toml", "--results", f"{folder}/results"]) == 0
    out = capsys.readouterr().out
    assert "0/3" in next(li for li in out.splitlines() if "mean" in li.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "auc"], "no metric 'auc'"),
        (["--draws", "3"], "--draws"),
        (["--format", "pdf"], "--format"),
    ],
)
def test_wrong_usage_is_one_message_and_status_2(folder, capsys, options, message):
    """No traceback, nothing on stdout."""
    assert ask(folder, *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_several_suites_do_not_fit_one_file(capsys):
    """'all' needs a folder for anything but the terminal."""
    assert main(["leaderboard", "all", "--format", "csv"]) == 2
    assert "give --out a folder" in capsys.readouterr().err


def test_ranks_draws_who_was_not_told_apart(folder, capsys):
    """The diagram is added where it is asked for."""
    assert ask(folder, "--ranks") == 0
    assert "Joined: not told apart" in capsys.readouterr().out
    assert ask(folder) == 0
    assert "Joined: not told apart" not in capsys.readouterr().out


def test_report_is_everything_and_an_index(folder, capsys):
    """``milbench report`` writes the same tables, the plots, and an index that leads to each."""
    out = folder / "reports"
    asked = ["report", f"{folder}/controls.toml", "--results", f"{folder}/results", "--out"]
    assert main([*asked, str(out)]) == 0

    captured = capsys.readouterr()
    made = {path.relative_to(out / "controls").as_posix() for path in out.rglob("*.*")}
    index = (out / "controls" / "README.md").read_text()
    assert captured.out == ""
    assert f"see {out / 'controls' / 'README.md'}" in captured.err
    assert set(re.findall(r"\]\(([^)]+)\)", index)) == made - {"README.md"}
    assert {*FILES, "plots/digits-bags-roc.pdf"} <= made
    for name in FILES:
        first = (folder / "tables" / "controls" / name).read_bytes()
        assert (out / "controls" / name).read_bytes() == first
