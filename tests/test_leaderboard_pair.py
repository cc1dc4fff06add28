"""Two methods from records to text: one data set, several, and an official test set."""

import math

import numpy as np
import pytest

from milbench.errors import StatisticsError
from milbench.leaderboard import Board, Cell, DatasetInfo, MethodInfo
from milbench.leaderboard.pair import compare_pair
from milbench.report.json_document import to_text
from milbench.report.pair import class_lines, heading, left_out_lines, lines, overall_lines, title
from milbench.stats.random_effects import random_effects

PATIENTS = 120
CROSS = tuple((repeat, fold, 0) for repeat in range(3) for fold in range(2))
ONE = ((0, 0, 0),)


def record(dataset, method, run, shift, classes):
    """Return a finished run; a bag of a class scores higher there by ``shift``."""
    repeat, fold, seed = run
    order = np.random.default_rng(repeat).permutation(PATIENTS)
    tested = order[fold * PATIENTS // 2 : (fold + 1) * PATIENTS // 2]
    noise = np.random.default_rng([repeat, fold, len(dataset), len(method)])
    label = tested % classes
    power = np.exp(noise.normal(size=(len(tested), classes)) + shift * np.eye(classes)[label])
    return {
        "key": f"{dataset}-{method}-{run}", "status": "done", "reason": "",
        "dataset": dataset, "encoder": "precomputed", "method": method,
        "repeat": repeat, "fold": fold, "seed": seed, "threshold": 0.5,
        "hashes": {"features": "f", "split": "s", "config": method, "code": "k"},
        "finished": "2026-01-01T00:00:00+00:00",
        "test": {
            "bag": [f"b{i:03}" for i in tested],
            "patient": [f"p{i:03}" for i in tested],
            "label": label.tolist(),
            "score": (power / power.sum(axis=1, keepdims=True)).tolist(),
        },
    }  # fmt: skip


def study(*datasets, plan=CROSS, classes=2, shifts=(2.0, 1.0), **more):
    """Return a board of methods ``a`` and ``bb`` on these data sets, and all its records."""
    names = tuple(f"c{number}" for number in range(classes))
    board = Board(
        suite="hand",
        datasets=tuple(
            DatasetInfo(name=name, encoder="precomputed", primary_metric="auroc", classes=names,
                        **more)
            for name in datasets
        ),
        methods=(MethodInfo(label="a"), MethodInfo(label="bb")),
        cells=tuple(
            Cell(dataset=name, encoder="precomputed", method=method, planned=plan)
            for name in datasets
            for method in ("a", "bb")
        ),
        draws=300,
    )  # fmt: skip
    records = [
        record(name, method, run, shift, classes)
        for name in datasets
        for method, shift in zip(("a", "bb"), shifts, strict=True)
        for run in plan
    ]
    return board, records


def text(found, number=0):
    """Return the lines of a data set by what they say."""
    _, _, pair = found.studies[number]
    return dict(lines(pair, found.question))


def test_a_pair_in_cross_validation():
    """P alone marks it: six folds that train on one half are little for T."""
    found = compare_pair(*study("one"), "a", "bb")

    shown = text(found)
    assert "better: a" in shown["difference"]
    assert shown["evidence"].startswith("† (P claims")
    assert shown["folds"].count("|") == 2
    assert "a better 9" in shown["probability"] or "a better 100" in shown["probability"]
    assert "repeats by P" in shown["would show it"]
    assert heading(found) == "a - bb in suite hand"
    assert title(*found.studies[0]) == "one (precomputed): AUROC, 120 patients, 120 bags"


def test_the_other_way_round_is_mirrored():
    """Bb - a: the difference and its interval change sign, p stays."""
    board, records = study("one")

    first = compare_pair(board, records, "a", "bb").studies[0][2]
    second = compare_pair(board, records, "bb", "a").studies[0][2]

    assert second.patient.difference == -first.patient.difference
    assert second.patient.low == pytest.approx(-first.patient.high)
    assert second.patient.p == first.patient.p
    assert second.fold.p == pytest.approx(first.fold.p)


def test_an_official_test_set_has_its_own_tests():
    """One run each: DeLong, rank swap and McNemar; T and P claim nothing."""
    shown = text(compare_pair(*study("one", plan=ONE), "a", "bb"))

    assert shown["evidence"].startswith("DeLong: significant (DeLong claims")
    assert "p " in shown["DeLong"]
    assert "decided alone" in shown["McNemar"]
    assert shown["T, training sets"] == "n/t"
    assert shown["equal within 0.01"] == "n/t"
    assert "TOO_FEW_FOLDS" in shown
    assert "SINGLE_RUN" in shown


def test_three_classes_are_shown_by_auroc_and_sensitivity():
    """One line a class each, exploratory."""
    found = compare_pair(*study("one", classes=3), "a", "bb")
    _, _, pair = found.studies[0]

    assert [classes.metric for classes in pair.classes] == ["auroc", "sensitivity"]
    rows = list(class_lines(pair.classes[0], "a", "bb"))
    assert [row[0] for row in rows] == ["c0", "c1", "c2"]
    assert [row[1] for row in rows] == ["40", "40", "40"]


def test_three_cohorts_have_a_mean_and_no_test():
    """The forest is that of the three differences with their errors; wins are counted."""
    found = compare_pair(*study("one", "three", "fourth"), "a", "bb")

    pairs = [pair for _, _, pair in found.studies]
    expected = random_effects(
        "123", [pair.patient.difference for pair in pairs], [pair.se for pair in pairs]
    )
    assert found.forest.mean == pytest.approx(expected.mean)
    shown = dict(overall_lines(found))
    assert shown["over cohorts"].startswith("random effects shown")
    assert shown["signed rank"] == "n/t (MIN_P_UNREACHABLE)"
    assert shown["wins, ties, losses"] == "3, 0, 0"
    assert "a further one" in shown["mean over these"]


def test_six_cohorts_are_tested():
    """All six for a: exact p 2 / 2**6, shown as 0.031."""
    names = ["d" * size for size in range(1, 7)]
    shown = dict(overall_lines(compare_pair(*study(*names), "a", "bb")))

    assert shown["over cohorts"].startswith("signed rank claims")
    assert shown["signed rank"].endswith("p 0.031")


def test_one_cohort_says_nothing_in_general():
    """Two data sets of the same patients are one cohort: no forest and no test."""
    found = compare_pair(*study("one", "three", cohort="same"), "a", "bb")

    assert found.forest is None
    assert found.tested is None
    shown = dict(overall_lines(found))
    assert list(shown) == ["over cohorts"]
    assert "one cohort says nothing of methods in general" in shown["over cohorts"]


def test_what_is_incomplete_is_said():
    """A data set with a missing run is left out, the other one is compared."""
    board, records = study("one", "three")
    kept = [r for r in records if r["key"] != f"one-bb-{CROSS[0]}"]

    found = compare_pair(board, kept, "a", "bb")

    assert [name for name, _, _ in found.studies] == ["three"]
    assert dict(left_out_lines(found)) == {"one": "not compared: bb has 5 of 6 runs"}
    only = compare_pair(board, records, "a", "bb", "one")
    assert [name for name, _, _ in only.studies] == ["one"]
    with pytest.raises(StatisticsError, match="complete together on no data set"):
        compare_pair(board, [], "a", "bb")


def test_a_fold_without_a_class_has_no_number():
    """The value is undefined: dashes and the code, and no test, but no failure either."""
    board, records = study("one")
    for found in records:
        if found["fold"] == 0 and found["repeat"] == 0:
            ones = [i for i, label in enumerate(found["test"]["label"]) if label]
            found["test"] = {k: [v[i] for i in ones] for k, v in found["test"].items()}

    shown = text(compare_pair(board, records, "a", "bb"))

    assert shown["difference"] == "- (undefined)"
    assert shown["P, patients"] == shown["T, training sets"] == "n/t"
    assert "FOLD_MISSING_CLASS" in shown


def test_few_patients_of_fixed_models():
    """Below 20 in a class the exact permutation decides."""
    board, records = study("one", plan=ONE, shifts=(0.5, 0.5))
    for found in records:
        found["test"] = {key: values[:30] for key, values in found["test"].items()}

    shown = text(compare_pair(board, records, "a", "bb"))

    assert shown["evidence"].startswith("rank swap: not significant (rank swap claims")


def test_hostile_names_are_text():
    """A line break in a class does not break the table; JSON has no NaN."""
    board, records = study("one", plan=ONE)
    named = board.datasets[0].__class__(
        name="one", encoder="precomputed", primary_metric="auroc", classes=("no\nyes", "[red]x")
    )
    found = compare_pair(
        Board(suite="hand", datasets=(named,), methods=board.methods, cells=board.cells, draws=200),
        records, "a", "bb",
    )  # fmt: skip
    rows = list(class_lines(found.studies[0][2].classes[0], "a", "bb"))

    assert [row[0] for row in rows] == ["no\\nyes", "[red]x"]
    assert math.isnan(found.studies[0][2].fold.p)
    assert "NaN" not in to_text(found)
