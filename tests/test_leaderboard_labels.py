"""The leaderboard of bags with several labels: one label is two classes; others' rows fail."""

from dataclasses import replace

import numpy as np
import pytest

from milbench.errors import ScoreError
from milbench.leaderboard import Board, Cell, DatasetInfo, MethodInfo, build
from milbench.report import render

PATIENTS = 60
PLAN = tuple((repeat, fold, 0) for repeat in range(3) for fold in range(2))
CLASSES = DatasetInfo(
    name="one", encoder="precomputed", primary_metric="auroc", classes=("not red", "red")
)
LABEL = replace(CLASSES, classes=("red",), is_multi_label=True)


def record(method, repeat, fold, shift, **more):
    """Return a finished run on two classes: every third patient is positive."""
    order = np.random.default_rng(repeat).permutation(PATIENTS)
    tested = order[fold * PATIENTS // 2 : (fold + 1) * PATIENTS // 2]
    noise = np.random.default_rng([repeat, fold, 7]).normal(size=PATIENTS)[tested]
    positive = 1 / (1 + np.exp(-(noise + shift * (tested % 3 == 0))))
    return {
        "schema": 1,
        "key": f"{method}-{repeat}-{fold}",
        "status": "done",
        "reason": "",
        "suite": "hand",
        "dataset": "one",
        "encoder": "precomputed",
        "method": method,
        "repeat": repeat,
        "fold": fold,
        "seed": 0,
        "hashes": {"features": "f", "split": "s", "config": method, "code": "k"},
        "threshold": 0.6,
        "finished": "2026-01-01T00:00:00+00:00",
        "test": {
            "bag": [f"b{i:03}" for i in tested],
            "patient": [f"p{i:03}" for i in tested],
            "label": [int(i % 3 == 0) for i in tested],
            "score": [[1 - p, p] for p in positive.tolist()],
        },
    } | more


def as_label(found):
    """Return the same run with its class as the only label."""
    test = found["test"]
    label, score = [[one] for one in test["label"]], [[one[1]] for one in test["score"]]
    threshold = [found["threshold"]]
    return {**found, "threshold": threshold, "test": {**test, "label": label, "score": score}}


def board(dataset, secondary=("f1", "log-loss", "balanced-accuracy", "ece")):
    names = ("good", "poor")
    return Board(
        suite="hand",
        datasets=(dataset,),
        methods=tuple(MethodInfo(label=name) for name in names),
        cells=tuple(
            Cell(dataset="one", encoder="precomputed", method=name, planned=PLAN) for name in names
        ),
        reference="poor",
        secondary=secondary,
        draws=300,
    )


@pytest.fixture
def runs():
    return [record(m, r, f, s) for m, s in (("good", 2.0), ("poor", 0.3)) for r, f, _ in PLAN]


def test_one_label_gives_the_table_of_two_classes(runs):
    """Every value, spread, interval, p, rank and mark, to rounding."""
    (expected,) = build(board(CLASSES), runs).sections

    (found,) = build(board(LABEL), [as_label(run) for run in runs]).sections

    assert [row.method for row in found.rows] == [row.method for row in expected.rows]
    for ours, theirs in zip(found.rows, expected.rows, strict=True):
        assert (ours.rank, ours.codes, ours.is_top) == (theirs.rank, theirs.codes, theirs.is_top)
        for one, other in zip(ours.scores, theirs.scores, strict=True):
            named = (one.value, one.sd, one.low, one.high)
            wanted = (other.value, other.sd, other.low, other.high)
            np.testing.assert_allclose(named, wanted, atol=1e-9, err_msg=one.metric)
    ours, theirs = found.rows[0].versus, expected.rows[0].versus
    assert (ours.mark, ours.is_better) == (theirs.mark, theirs.is_better)
    assert (ours.p_patient, ours.p_t) == pytest.approx((theirs.p_patient, theirs.p_t), abs=1e-9)
    assert (found.bags, found.patients, found.n_bags) == ((20,), (20,), 60)


def test_every_form_tells_that_values_are_means_over_labels(runs):
    """The form for a terminal, for papers and for the browser; numbers of one class keep theirs."""
    made = build(board(LABEL), [as_label(run) for run in runs])

    for form in ("markdown", "terminal", "html"):
        text = " ".join(render(made, form).split())
        assert "60 bags, each with any of the labels red 20; 40 with none" in text
    assert "the mean over labels: one" in render(made, "latex")
    assert '"several": {' in render(made, "json")
    assert "several" not in render(build(board(CLASSES), runs), "json")


def test_rows_of_one_class_do_not_count_for_labels(runs):
    """Where a data set became one of several labels: failures, told with the reason."""
    made = build(board(replace(LABEL, classes=("green", "red"))), runs)

    (section,) = made.sections
    assert section.rows[0].runs.failed == 6
    assert "rows with one class a bag, and one has several" in section.rows[0].reasons[0]


def test_a_metric_without_meaning_is_refused_with_the_data_set(runs):
    """Both ways."""
    with pytest.raises(ScoreError, match="one: kappa is of one class a bag"):
        build(board(LABEL, secondary=("kappa",)), [])
    with pytest.raises(ScoreError, match="one: subset-accuracy is of several labels a bag"):
        build(board(CLASSES, secondary=("subset-accuracy",)), runs)
