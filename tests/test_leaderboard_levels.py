"""A data set with a label hierarchy has a table for its coarse level, from the same records."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from milbench import Levels
from milbench.errors import ScoreError
from milbench.leaderboard import Board, Cell, DatasetInfo, MethodInfo, build
from milbench.metrics import LEVEL_METRICS
from milbench.report import render

CLASSES = ("a", "b", "c", "d")
TREE = Levels(name="pairs", names=("pair", "letter"), coarse=("ab", "cd"), parents=(0, 0, 1, 1))
PARENTS = {"name": "pairs", "parents": [0, 0, 1, 1]}
PLAN = tuple((repeat, fold, 0) for repeat in range(2) for fold in range(2))
BAGS = 80


def record(method, repeat, fold, shift, **more):
    """Return a finished run on 40 of 80 bags; the true class scores higher by ``shift``."""
    tested = np.random.default_rng(repeat).permutation(BAGS)[fold * 40 : (fold + 1) * 40]
    label = tested % 4
    logits = np.random.default_rng([repeat, fold, 7]).normal(size=(40, 4))
    logits[np.arange(40), label] += shift
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {
        "schema": 1,
        "key": f"{method}-{repeat}-{fold}",
        "status": "done",
        "dataset": "one",
        "encoder": "precomputed",
        "method": method,
        "repeat": repeat,
        "fold": fold,
        "seed": 0,
        "hashes": {"features": "f", "split": "s", "config": f"c-{method}", "code": "k"},
        "finished": "2026-01-01T00:00:00+00:00",
        "test": {
            "bag": [f"b{i:02}" for i in tested],
            "patient": [f"p{i:02}" for i in tested],
            "label": label.tolist(),
            "score": share.tolist(),
        },
    } | more


def runs(method, shift):
    return [record(method, repeat, fold, shift) for repeat, fold, _ in PLAN]


def with_head(made, threshold=0.5):
    """Return a record whose method says "cd" with 0.6 of every bag."""
    coarse = {"coarse_score": [[0.4, 0.6]] * 40}
    levels = PARENTS | {"answered_by": "head", "threshold": threshold}
    return made | {"test": made["test"] | coarse, "levels": levels}


def board(*methods, **more):
    dataset = DatasetInfo(
        name="one", encoder="precomputed", primary_metric="auroc", classes=CLASSES, levels=TREE
    )
    planned = (Cell(dataset="one", encoder="precomputed", method=m, planned=PLAN) for m in methods)
    given = {
        "suite": "hand",
        "datasets": (dataset,),
        "methods": tuple(MethodInfo(label=name) for name in methods),
        "cells": tuple(planned),
        "secondary": ("accuracy",),
        "draws": 400,
        "reference": methods[0],
    }
    return Board(**(given | more))


def row(section, method):
    return next(row for row in section.rows if row.method == method)


FLAT = runs("flat", 1.0)


def test_the_coarse_value_is_that_of_summed_probabilities():
    """AUROC of "cd" by scikit-learn, fold by fold; records from before trees have no other."""
    fine, coarse = build(board("flat"), FLAT).sections
    expected = [
        roc_auc_score(
            np.array(made["test"]["label"]) >= 2, np.array(made["test"]["score"])[:, 2:].sum(axis=1)
        )
        for made in FLAT
    ]

    assert (fine.level, coarse.level) == ("", "pair")
    assert row(coarse, "flat").primary.value == pytest.approx(np.mean(expected), abs=1e-12)
    assert row(coarse, "flat").coarse_from == "sum"
    assert coarse.classes == ("ab", "cd")
    assert (fine.bags, coarse.bags) == ((20, 20, 20, 20), (40, 40))
    low, high = row(coarse, "flat").primary.low, row(coarse, "flat").primary.high
    assert low < row(coarse, "flat").primary.value < high


@pytest.mark.parametrize(("threshold", "right"), [(0.5, 1), (0.7, 0)])
def test_a_head_of_its_own_is_scored_at_its_own_threshold(threshold, right):
    """Every bag is called "cd" from 0.6 of it on; half of them are."""
    heads = [with_head(made, threshold) for made in runs("deep", 1.0)]
    coarse = build(board("deep"), heads).sections[1]

    assert row(coarse, "deep").coarse_from == "head"
    assert row(coarse, "deep").score("accuracy").value == 0.5
    assert row(coarse, "deep").score("sensitivity").value == right


def test_metrics_of_both_levels_stand_beside_those_of_the_coarse_one():
    """Hierarchical F is the mean of fine accuracy and right branches, from the stored rows."""
    fine, coarse = build(board("flat"), FLAT).sections
    label = np.concatenate([made["test"]["label"] for made in FLAT])
    decided = np.concatenate([np.argmax(made["test"]["score"], axis=1) for made in FLAT])
    branches = np.mean(label // 2 == decided // 2)

    assert coarse.secondary == ("accuracy", *LEVEL_METRICS)
    found = row(coarse, "flat").score("hierarchical-f").value
    assert found == pytest.approx((np.mean(label == decided) + branches) / 2)
    assert row(fine, "flat").score("accuracy").value == pytest.approx(np.mean(label == decided))


def test_the_coarse_level_is_shown_and_not_tested():
    """Ranks, marks and the table over all data sets are those of the fine level."""
    made = build(board("flat", "poor"), [*FLAT, *runs("poor", 0.0)])
    fine, coarse = made.sections

    assert fine.comparisons
    assert not coarse.comparisons
    assert coarse.reference is None
    assert {row.rank for row in coarse.rows} == {None}
    assert made.overall is None


def test_rows_of_another_tree_are_not_used():
    """They answer another question; the rest of the plan is missing, and that is said."""
    other = [
        made | {"levels": {"parents": [0, 1, 1, 1], "answered_by": "sum"}, "key": f"o{i}"}
        for i, made in enumerate(runs("flat", 3.0))
    ]
    fine, coarse = build(board("flat"), [*FLAT, *other]).sections
    alone = build(board("flat"), FLAT)

    assert fine.stale == coarse.stale == 4
    assert row(coarse, "flat").primary == row(alone.sections[1], "flat").primary
    assert build(board("flat"), other).sections == ()


@pytest.mark.parametrize("broken", [[[0.5, 0.5]] * 39, [[0.5]] * 40, [[float("nan"), 1.0]] * 40])
def test_a_damaged_coarse_level_fails_its_run(broken):
    """The rest is shown, with what is wrong."""
    first, *others = FLAT
    damaged = with_head(first)
    damaged["test"]["coarse_score"] = broken
    fine, _ = build(board("flat"), [damaged, *others]).sections

    assert (row(fine, "flat").runs.done, row(fine, "flat").runs.failed) == (3, 1)


@pytest.mark.parametrize("field", [{"secondary": ("consistency",)}, {"metric": "hierarchical-f"}])
def test_metrics_of_two_levels_are_not_asked_for(field):
    """They come with a coarse level and rank nothing."""
    with pytest.raises(ScoreError, match="looks at two levels of classes"):
        build(board("flat", **field), FLAT)


# Every form


@pytest.fixture(scope="module")
def made():
    """Return the leaderboard of a flat method and of one with a coarse head."""
    return build(board("flat", "deep"), [*FLAT, *(with_head(r) for r in runs("deep", 0.5))])


TEXT = "Levels pairs, pair (letter): ab (a, b), cd (c, d)."


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_tables_for_people_name_level_tree_and_source(made, form):
    """A table of its own, the tree in words, and whose coarse head is heard."""
    text = render(made, form)

    assert "one (precomputed), coarse level: pair" in text
    assert TEXT in text
    assert "of deep from a head of its own, of the others the sum of those" in text
    # A narrow column folds its title at spaces.
    titles = ("Hierarchical F", "Consistency", "Mistake height ↓", "Fine acc. given coarse")
    assert all(word in text for title in titles for word in title.split())
    fine, coarse = text.split("coarse level: pair")
    assert "Rank" in fine
    assert "Rank   Method" not in coarse
    assert "| Rank" not in coarse


def test_latex_has_a_float_for_the_coarse_level(made):
    """With the metrics of both levels; without a column of ranks that nobody has."""
    fine, coarse = render(made, "latex").split(r"\begin{table}")[1:]

    assert "Rank" in fine
    assert "{one, pair}" in coarse
    assert r"Hier. F & Consistency & Mistake height $\downarrow$ & Fine given coarse \\" in coarse
    assert "Rank" not in coarse
    assert TEXT in coarse


def test_csv_names_the_level_of_every_line(made):
    """Fine lines have none; coarse ones also say where the probabilities come from."""
    lines = list(csv.DictReader(io.StringIO(render(made, "csv"))))
    whole = [line for line in lines if line["class"] == "macro" and line["repeat"] == "all"]
    found = {(line["level"], line["method"], line["coarse_from"]) for line in whole}

    assert found == {
        ("", "flat", ""),
        ("", "deep", ""),
        ("pair", "flat", "sum"),
        ("pair", "deep", "head"),
    }
    of_flat = [line for line in whole if (line["level"], line["method"]) == ("pair", "flat")]
    assert {"auroc", *LEVEL_METRICS} <= {line["metric"] for line in of_flat}


def test_json_holds_both_levels(made):
    """One section each, in the order of the tables."""
    sections = json.loads(render(made, "json"))["sections"]

    assert [section["level"] for section in sections] == ["", "pair"]
    assert [section["classes"] for section in sections] == [list(CLASSES), ["ab", "cd"]]


def test_the_table_over_all_data_sets_counts_fine_levels_only(made):
    """Two data sets with trees are two columns, not four."""
    one = board("flat").datasets[0]
    two = board("flat", datasets=(one, replace(one, name="two")))
    cells = tuple(replace(cell, dataset=name) for cell in two.cells for name in ("one", "two"))
    second = [made | {"dataset": "two", "key": made["key"] + "-2"} for made in FLAT]

    overall = build(replace(two, cells=cells), [*FLAT, *second]).overall

    assert overall is not None
    assert overall.datasets == ("one", "two")
