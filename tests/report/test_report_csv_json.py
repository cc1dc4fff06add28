"""The leaderboard for other programs: long CSV and JSON."""

import csv
import io
import json

import pytest

from milbench.report.csv_long import COLUMNS, to_csv
from milbench.report.json_document import to_json


def lines(leaderboard) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(leaderboard))))


def chosen(leaderboard, **wanted) -> list[dict[str, str]]:
    return [li for li in lines(leaderboard) if all(li[k] == v for k, v in wanted.items())]


def test_csv_has_one_row_for_each_value(plain):
    """4 methods x (4 macro + 2 x 2 per class + 2 folds) and 1 skipped data set."""
    assert len(lines(plain)) == 4 * (4 + 4 + 2) + 1
    assert list(lines(plain)[0]) == list(COLUMNS)


def test_csv_value_over_all_runs_carries_the_evidence(plain):
    """Interval, rank interval and mark belong to the primary metric over all runs."""
    (line,) = chosen(plain, method="dsmil", metric="auroc", repeat="all", **{"class": "macro"})
    assert (line["value"], line["low"], line["high"]) == ("0.94", "0.90472", "0.97528")
    assert (line["rank_low"], line["rank_high"], line["mark"]) == ("1", "1", "double-dagger")
    assert (line["n"], line["params"], line["fit_s"]) == ("92", "1234", "1.25")


def test_csv_class_rows_say_how_many_bags_the_class_has(plain):
    """Column n counts all bags, n_pos those of the class."""
    (line,) = chosen(plain, method="abmil", metric="auroc", **{"class": "positive"})
    assert (line["n"], line["n_pos"]) == ("92", "47")
    assert float(line["value"]) == 0.42


def test_csv_has_a_row_for_each_fold(plain):
    """Repeat and fold are numbers there."""
    folds = [li for li in chosen(plain, method="abmil", metric="auroc") if li["fold"] != "all"]
    assert [(li["repeat"], li["fold"], float(li["value"])) for li in folds] == [
        ("0", "0", 0.91),
        ("0", "1", 0.93),
    ]


def test_csv_keeps_what_is_missing(plain):
    """An incomplete method and a skipped data set say so."""
    line = chosen(plain, method="max", metric="auroc", fold="all")[0]
    assert line["status"] == "incomplete"
    assert "2 failed: TrainingError: loss is NaN" in line["info"]
    (skipped,) = chosen(plain, status="skipped")
    assert (skipped["dataset"], skipped["info"]) == ("musk2", "no file clean2.data")


def test_csv_quotes_hostile_names(hostile):
    """A comma or a quotation mark in a name comes back as it went in."""
    assert chosen(hostile, method='a|b*c,d"e')


def test_json_is_strict_and_complete(two):
    """No NaN token; values, intervals, codes with meanings and versions are there."""
    document = json.loads(to_json(two), parse_constant=pytest.fail)
    assert document["schema"] == 1
    assert document["overall"]["standings"][3]["mean_rank"] is None
    best = document["sections"][0]["rows"][0]
    assert best["scores"][0]["high"] == 0.97528
    assert best["versus"]["mark"] == "double-dagger"
    assert document["codes"]["INCOMPLETE_GRID"].startswith("some planned runs are missing")
    assert document["versions"][0] == ["milbench", "0.1.0"]
