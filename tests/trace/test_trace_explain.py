"""``milbench explain``: every fact behind a number, and what there is where an address is wrong."""

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from milbench.cli import main


def ask(made, address, *options):
    return main(["explain", f"{made}/{address}", "--results", f"{made}/results", *options])


def explained(made, capsys, address):
    assert ask(made, address, "--format", "json") == 0
    return json.loads(capsys.readouterr().out)


def records(made, found):
    """Read the files that the explanation names."""
    root = made / "results" / "traced"
    return [json.loads((root / run["file"]).read_text()) for run in found["runs"]]


def scores(record):
    return np.array(record["test"]["score"])[:, 1]


def test_a_ranking_metric_is_the_mean_of_its_runs(made, capsys):
    """Each run's AUROC by scikit-learn, from the file that is named; the number is their mean."""
    found = explained(made, capsys, "traced.toml:bag-size:digits-bags:auroc")
    by_hand = [roc_auc_score(r["test"]["label"], scores(r)) for r in records(made, found)]

    assert [run["value"] for run in found["runs"]] == pytest.approx(by_hand, abs=1e-9)
    assert found["score"]["value"] == pytest.approx(np.mean(by_hand), abs=1e-9)
    assert [run["fold"] for run in found["runs"]] == [0, 1, 2, 0, 1, 2]


def test_a_count_metric_is_pooled_in_each_repeat(made, capsys):
    """Decisions of all folds of a repeat by scikit-learn, then the mean of the two repeats."""
    found = explained(made, capsys, "traced.toml:bag-size:digits-bags:balanced-accuracy")
    stored = records(made, found)
    by_hand = []
    for repeat in (0, 1):
        own = [r for r in stored if r["repeat"] == repeat]
        label = np.concatenate([r["test"]["label"] for r in own])
        decided = np.concatenate([scores(r) for r in own]) >= 0.5
        by_hand.append(balanced_accuracy_score(label, decided))

    assert [value for _, value in found["repeats"]] == pytest.approx(by_hand, abs=1e-9)
    assert found["score"]["value"] == pytest.approx(np.mean(by_hand), abs=1e-9)


def test_the_number_is_that_of_the_leaderboard(made, capsys):
    """Value, interval, rank and difference of the row in the file that the run wrote."""
    found = explained(made, capsys, "traced.toml:mean:digits-bags:auroc")
    document = json.loads((made / "tables" / "traced" / "leaderboard.json").read_text())
    (row,) = [r for r in document["sections"][0]["rows"] if r["method"] == "mean"]

    assert found["score"] == row["scores"][0]
    assert found["row"]["rank"] == row["rank"]
    assert found["row"]["versus"] == row["versus"]
    assert found["is_reproduced"] is True


def test_origin_is_that_of_the_records(made, capsys):
    """Hashes, versions, settings and the file of splits."""
    found = explained(made, capsys, "traced.toml:mean:digits-bags:auroc")
    first = records(made, found)[0]

    assert found["hashes"]["features"] == [first["hashes"]["features"]]
    assert found["hashes"]["suite"] == [first["suite_hash"]]
    assert found["versions"]["torch"] == [first["versions"]["torch"]]
    assert found["recipe"] == first["recipe"]
    assert (made / "results" / "traced" / found["splits_file"]).is_file()
    assert all(run["is_intact"] for run in found["runs"])


def test_a_metric_that_is_no_column_is_computed(made, capsys):
    """Accuracy is not among the suite's metrics; it is explained without an interval."""
    assert ask(made, "traced.toml:prior:digits-bags:accuracy") == 0
    out = capsys.readouterr().out

    assert "digits-bags:accuracy = 0.500000" in out
    assert "none: auroc is the metric of the table" in out
    assert "the same to the last bit" in out


def test_an_edited_run_is_pointed_out(copy, capsys):
    """A changed time is no changed number, but the record is no longer what was written."""
    path = next((copy / "results" / "traced" / "runs").rglob("digits-bags/mean/*.json"))
    path.write_text(path.read_text().replace('"fit_seconds":', '"fit_seconds": 1'))

    assert ask(copy, "traced.toml:mean:digits-bags:auroc") == 0
    assert capsys.readouterr().out.count("EDITED since it was written") == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("traced.toml", "methods: prior, bag-size, mean"),
        ("traced.toml:maen:digits-bags:auroc", "no method 'maen'; did you mean 'mean'?"),
        ("traced.toml:mean:digit-bags:auroc", "no data set 'digit-bags'; did you mean"),
        ("traced.toml:mean:digits-bags:auc", "no metric 'auc'; did you mean 'auroc'?"),
        ("traced.toml:mean:digits-bags/parity:auroc", "no data set 'digits-bags/parity'"),
        ("traced.toml:mean:digits-bags:consistency", "no metric 'consistency'"),
    ],
)
def test_a_bad_address_lists_what_there_is(made, capsys, address, message):
    """One message with the nearest name, status 2, nothing on stdout."""
    assert ask(made, address) == 2
    captured = capsys.readouterr()

    assert message in captured.err
    assert captured.out == ""


def test_a_number_without_runs_says_how_to_get_them(made, tmp_path, capsys):
    """The suite is there and its results are not."""
    address = f"{made}/traced.toml:mean:digits-bags:auroc"
    assert main(["explain", address, "--results", str(tmp_path)]) == 2

    assert "no results yet; run: milbench run --suite traced" in capsys.readouterr().err
