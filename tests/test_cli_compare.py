"""``milbench compare`` on the results of a real run of two controls."""

import json

import pytest

from milbench.cli import main

SUITE = """
name = "pairs"
datasets = ["digits-bags"]
splits = { repeats = 3, folds = 3, validation = 0 }
report = { draws = 400 }
methods = [{ name = "prior" }, { name = "bag-size" }, { name = "bag-size", label = "again" }]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a suite file and its results; one method is planned and not run."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "pairs.toml").write_text(SUITE)
    status = main(
        ["run", "--suite", f"{folder}/pairs.toml", "--executor", "inline", "--device", "cpu",
         "--cache", f"{folder}/cache", "--results", f"{folder}/results",
         "--leaderboards", f"{folder}/tables", "--data", f"{folder}/none"]
    )  # fmt: skip
    assert status == 0
    (folder / "more.toml").write_text(SUITE.replace('"prior" }', '"prior" }, { name = "mean" }'))
    return folder


def ask(folder, *options, suite="pairs.toml") -> int:
    return main(
        ["compare", *options, "--suite", f"{folder}/{suite}", "--results", f"{folder}/results"]
    )


def test_a_pair_is_shown_in_full(folder, capsys):
    """Values, both tests, probabilities, what more would show, and each class."""
    assert ask(folder, "bag-size", "prior") == 0
    out = capsys.readouterr().out

    values = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "0.500 [0.500, 0.500]" in values["prior"]
    assert "better: " in values["difference"]
    assert "P claims" in values["evidence"]
    for name in ("P, patients", "T, training sets", "equal within 0.01", "would show it"):
        assert name in values
    assert "sensitivity of each class, exploratory" in out


def test_the_numbers_are_those_of_the_leaderboard(folder, capsys):
    """Values and difference to the reference, from the table of the same suite."""
    assert ask(folder, "bag-size", "prior", "--json") == 0
    pair = json.loads(capsys.readouterr().out)["studies"][0][2]
    board = ["leaderboard", f"{folder}/pairs.toml", "--results", f"{folder}/results"]
    assert main([*board, "--format", "json"]) == 0
    section = json.loads(capsys.readouterr().out)["sections"][0]

    values = {row["method"]: row["scores"][0]["value"] for row in section["rows"]}
    assert pair["values"] == [values["bag-size"], values["prior"]]
    tested = next(c for c in section["comparisons"] if {c["a"], c["b"]} == {"bag-size", "prior"})
    # The family of the leaderboard has other methods in it: before Holm nothing changes.
    assert pair["patient"]["p"] == tested["p_patient"]
    assert pair["fold"]["p"] == tested["p_t"]
    assert abs(pair["patient"]["difference"]) == abs(tested["difference"])


def test_the_only_suite_with_results_needs_no_name(folder, capsys):
    """Its name is that of the folder; here no suite file of that name is installed."""
    assert main(["compare", "prior", "bag-size", "--results", f"{folder}/results"]) == 2
    assert "suite 'pairs': no such suite" in capsys.readouterr().err
    assert main(["compare", "prior", "bag-size", "--results", f"{folder}/none"]) == 2
    assert "say which: --suite NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["prior", "abmil"], "has no method 'abmil'; it has: prior, bag-size"),
        (["prior", "prior"], "prior against itself"),
        (["prior", "bag-size", "--dataset", "musk1"], "has no data set 'musk1'"),
    ],
)
def test_wrong_names_are_one_message_and_status_2(folder, capsys, asked, message):
    """No traceback, nothing on stdout."""
    assert ask(folder, *asked) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_missing_runs_are_said(folder, capsys):
    """A method that was planned and not run is not compared, with the counts and what to do."""
    assert ask(folder, "prior", "mean", suite="more.toml") == 2
    error = capsys.readouterr().err
    assert "digits-bags: mean has 0 of 9 runs" in error
    assert "milbench run --suite pairs" in error
