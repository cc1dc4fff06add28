"""From records to a leaderboard: what counts, what is tested, and that nothing is hidden."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from milbench.errors import ScoreError
from milbench.leaderboard import Board, Cell, DatasetInfo, MethodInfo, build
from milbench.leaderboard.overall import overall_of
from milbench.leaderboard.pair import compare_pair
from milbench.leaderboard.table import Tuned
from milbench.report import render

CLASSES = ("negative", "positive")
PLAN = tuple((repeat, fold, 0) for repeat in range(3) for fold in range(2))
PATIENTS = 120


def record(method: str, repeat: int, fold: int, shift: float, **more) -> dict:
    """Return a finished run: every second patient is positive, half of them are tested.

    A positive scores higher by ``shift`` standard deviations of the noise.
    """
    order = np.random.default_rng(repeat).permutation(PATIENTS)
    tested = order[fold * PATIENTS // 2 : (fold + 1) * PATIENTS // 2]
    noise = np.random.default_rng([repeat, fold, 7]).normal(size=PATIENTS)
    positive = 1 / (1 + np.exp(-(noise[tested] + shift * (tested % 2))))
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
        "hashes": {"features": "f1", "split": "s1", "config": f"c-{method}", "code": "k1"},
        "fit_seconds": 2.0,
        "predict_seconds": 0.5,
        "peak_memory_mb": 100.0,
        "parameters": 10,
        "threshold": 0.5,
        "versions": {"milbench": "0.1.0"},
        "device": "cpu",
        "finished": "2026-01-01T00:00:00+00:00",
        "test": {
            "bag": [f"b{i:03}" for i in tested],
            "patient": [f"p{i:03}" for i in tested],
            "label": [int(i % 2) for i in tested],
            "score": [[1 - p, p] for p in positive.tolist()],
        },
    } | more


def runs(method: str, shift: float, **more) -> list[dict]:
    return [record(method, repeat, fold, shift, **more) for repeat, fold, _ in PLAN]


def board(*methods: str, **more) -> Board:
    datasets = more.pop(
        "datasets",
        (DatasetInfo(name="one", encoder="precomputed", primary_metric="auroc", classes=CLASSES),),
    )
    given = {
        "suite": "hand",
        "datasets": datasets,
        "methods": tuple(MethodInfo(label=name) for name in methods),
        "cells": tuple(
            Cell(dataset=d.name, encoder=d.encoder, method=name, planned=PLAN)
            for d in datasets
            for name in methods
        ),
        "secondary": ("log-loss",),
        "draws": 400,
    }
    return Board(**(given | more))


def row(made, method: str, section: int = 0):
    return next(r for r in made.sections[section].rows if r.method == method)


def auroc(records: list[dict]) -> float:
    """Return the mean of scikit-learn's AUROC over the runs, all repeats having the same folds."""
    return float(
        np.mean(
            [roc_auc_score(r["test"]["label"], np.array(r["test"]["score"])[:, 1]) for r in records]
        )
    )


GOOD, FAIR, POOR = runs("good", 3.0), runs("fair", 1.0), runs("poor", 0.0)
THREE = [*POOR, *GOOD, *FAIR]


def test_value_is_the_mean_over_folds_of_the_fold_wise_metric():
    """AUROC of each fold by scikit-learn, averaged."""
    made = build(board("good", "poor"), [*GOOD, *POOR])
    assert row(made, "good").primary.value == pytest.approx(auroc(GOOD), abs=1e-12)
    low, high = row(made, "good").primary.low, row(made, "good").primary.high
    assert low < row(made, "good").primary.value < high


def test_rows_are_sorted_by_the_primary_metric():
    """The best comes first."""
    made = build(board("poor", "fair", "good"), THREE)
    assert [r.method for r in made.sections[0].rows] == ["good", "fair", "poor"]


def test_clear_differences_are_marked_and_ranked():
    """Shifts of 3, 1 and 0 SD among 120 patients: every pair differs."""
    made = build(board("good", "fair", "poor", reference="fair"), THREE)
    assert [r.rank for r in made.sections[0].rows] == [(1, 1), (2, 2), (3, 3)]
    assert [r.is_top for r in made.sections[0].rows] == [True, False, False]
    good, poor = row(made, "good").versus, row(made, "poor").versus
    assert good.mark
    assert poor.mark
    assert good.is_better
    assert not poor.is_better
    assert row(made, "fair").versus is None


@pytest.mark.parametrize("order", [("good", "fair"), ("fair", "good")])
def test_difference_is_the_method_minus_the_reference(order):
    """Whatever the order of the methods in the suite."""
    made = build(board(*order, reference="fair"), [*GOOD, *FAIR])
    versus = row(made, "good").versus
    assert versus.difference == pytest.approx(auroc(GOOD) - auroc(FAIR), abs=1e-12)
    assert versus.low < versus.difference < versus.high


def test_equal_methods_share_first_rank_and_bold():
    """Two methods with the same predictions: no mark, both on top, difference 0."""
    made = build(board("good", "twin", reference="good"), [*GOOD, *runs("twin", 3.0)])
    assert {r.rank for r in made.sections[0].rows} == {(1, 2)}
    assert all(r.is_top for r in made.sections[0].rows)
    assert row(made, "twin").versus.difference == 0
    assert row(made, "twin").versus.mark == ""


def test_smaller_can_be_better():
    """By log loss the sharper method wins although its number is smaller."""
    one = DatasetInfo(name="one", encoder="precomputed", primary_metric="log-loss", classes=CLASSES)
    sharp = runs("sharp", 0.0)
    for r in sharp:
        r["test"] = r["test"] | {
            "score": [[0.9, 0.1] if y == 0 else [0.1, 0.9] for y in r["test"]["label"]]
        }
    made = build(board("poor", "sharp", datasets=(one,), reference="poor"), [*POOR, *sharp])
    best = made.sections[0].rows[0]
    assert best.method == "sharp"
    assert best.primary.value == pytest.approx(-math.log(0.9))
    assert best.versus.difference < 0
    assert best.versus.is_better
    assert best.rank == (1, 1)
    assert [r.is_top for r in made.sections[0].rows] == [True, False]


def test_failed_run_keeps_a_method_out_of_the_tests_but_on_the_table():
    """5 of 6 runs: value over what exists, the failure counted with its reason, no rank."""
    broken = [*FAIR[:-1], FAIR[-1] | {"status": "failed", "reason": "loss is NaN"}]
    made = build(board("good", "fair", reference="good"), [*GOOD, *broken])
    found = row(made, "fair")
    assert (found.runs.done, found.runs.planned, found.runs.failed) == (5, 6, 1)
    assert found.reasons == ("1 failed: loss is NaN",)
    assert "INCOMPLETE_GRID" in found.codes
    assert found.rank is None
    assert found.versus is None
    assert not math.isnan(found.primary.value)
    assert made.sections[0].comparisons == ()


def test_incomplete_method_leaves_the_tests_of_the_others_alone():
    """Two complete methods are compared as if the third were not there."""
    pair = build(board("good", "fair", reference="good"), [*GOOD, *FAIR])
    three = build(board("good", "poor", "fair", reference="good"), [*GOOD, *POOR[1:], *FAIR])
    assert three.sections[0].comparisons == pair.sections[0].comparisons
    assert row(three, "fair").rank == (2, 2)
    assert row(three, "fair").versus.mark


def test_missing_folds_keep_their_numbers():
    """Fold 1 alone stays fold 1."""
    made = build(board("good", "fair"), [*GOOD, FAIR[1]])
    assert row(made, "fair").primary.folds == ((0, 1, pytest.approx(auroc(FAIR[1:2]))),)


def test_method_without_any_result_has_a_row():
    """Every run failed: the row is there, last, without a value."""
    dead = [r | {"status": "failed", "reason": "out of memory", "test": None} for r in FAIR]
    made = build(board("fair", "good"), [*dead, *GOOD])
    last = made.sections[0].rows[-1]
    assert last.method == "fair"
    assert math.isnan(last.primary.value)
    assert last.reasons == ("6 failed: out of memory",)


def test_run_with_a_nan_score_counts_as_failed():
    """A diverged run is not dropped, and its bag is named."""
    broken = json.loads(json.dumps(FAIR))
    broken[0]["test"]["score"][0] = [math.nan, math.nan]
    found = row(build(board("fair"), broken), "fair")
    assert (found.runs.done, found.runs.failed) == (5, 1)
    assert broken[0]["test"]["bag"][0] in found.reasons[0]


@pytest.mark.parametrize("column", ["bag", "patient", "label", "score"])
def test_a_run_with_a_row_too_few_fails_though_another_has_one_more(column):
    """Together the columns would be of one length again; each run is judged by its own."""
    short, long, *whole = [json.loads(json.dumps(r)) for r in FAIR]
    long["test"][column].append(short["test"][column].pop())

    found = row(build(board("fair"), [short, long, *whole]), "fair")

    assert (found.runs.done, found.runs.failed) == (4, 2)


def test_a_run_without_rows_fails_alone():
    """Nothing was tested, so the run says nothing; the others are whole."""
    empty = FAIR[0] | {"test": {"bag": [], "patient": [], "label": [], "score": []}}

    found = row(build(board("fair"), [empty, *FAIR[1:]]), "fair")

    assert (found.runs.done, found.runs.failed) == (5, 1)


def test_newest_record_of_a_run_wins():
    """A run that was repeated counts once, with its newest result."""
    older = FAIR[0] | {"status": "failed", "key": "old", "finished": "2025-01-01T00:00:00+00:00"}
    for records in ([older, *FAIR], [*FAIR, older]):
        made = build(board("fair"), records)
        assert row(made, "fair").runs.is_complete
        assert made.sections[0].stale == 1


@pytest.mark.parametrize(
    "change",
    [
        {"hashes": {"features": "f0", "split": "s1", "config": "c-good", "code": "k1"}},
        {"hashes": {"features": "f1", "split": "s0", "config": "c-good", "code": "k1"}},
        {"hashes": {"features": "f1", "split": "s1", "config": "c-old", "code": "k1"}},
        {"hashes": {"features": "f1", "split": "s1", "config": "c-good", "code": "k0"}},
        {"protocol": {"standardise": False}},
    ],
    ids=["features", "split", "settings", "code", "protocol"],
)
def test_records_of_another_ground_are_never_mixed_in(change):
    """Older features, splits, settings, code or protocol: ignored, and counted as stale."""
    before = {"finished": "2025-01-01T00:00:00+00:00"}
    old = [r | change | before | {"key": r["key"] + "-old"} for r in runs("good", 0.0)]
    made = build(board("good", "fair"), [*old, *GOOD[:2], *FAIR])
    assert row(made, "good").runs.done == 2
    assert row(made, "good").primary.value == pytest.approx(auroc(GOOD[:2]))
    assert made.sections[0].stale == 6


def test_newer_features_retire_the_older_ones():
    """One record of new features makes all others stale: they cannot be compared with it."""
    new = record("good", 0, 0, 3.0, key="n", finished="2026-02-01T00:00:00+00:00")
    new["hashes"] = new["hashes"] | {"features": "f2"}
    made = build(board("good", "fair"), [*GOOD, *FAIR, new])
    assert made.sections[0].features == "f2"
    assert made.sections[0].stale == 12
    assert row(made, "good").runs.done == 1


def test_runs_outside_the_plan_are_counted_and_not_used():
    """A fourth repeat, and a method that is no row (any more)."""
    extra = [record("good", 3, 0, 0.0), record("gone", 0, 0, 0.0)]
    made = build(board("good"), [*GOOD, *extra])
    assert made.sections[0].unplanned == 2
    assert made.sections[0].stale == 0
    assert row(made, "good").primary.value == pytest.approx(auroc(GOOD))


def test_data_set_without_results_is_listed_with_its_reason():
    """Skipped for a stated reason, or simply not run yet."""
    one, two = (
        DatasetInfo(name=name, encoder="precomputed", primary_metric="auroc", classes=CLASSES,
                    skipped_reason=reason)
        for name, reason in (("two", "no file clean2.data"), ("three", ""))
    )  # fmt: skip
    made = build(board("good", datasets=(one, two)), GOOD)
    assert [s.reason for s in made.skipped] == [
        "no file clean2.data",
        "no results yet; run: milbench run --suite hand",
    ]
    assert made.sections == ()


def test_skipped_method_says_why():
    """A method that needs what the bags lack is shown with the count and the reason."""
    lacks = [r | {"status": "skipped", "reason": "needs coords", "test": None} for r in FAIR]
    found = row(build(board("good", "fair"), [*GOOD, *lacks]), "fair")
    assert found.runs.skipped == 6
    assert found.reasons == ("6 skipped: needs coords",)


def test_other_metric_is_exploratory():
    """Ranked by a metric that was not declared: values and intervals, but no test."""
    made = build(board("good", "fair", reference="fair", metric="log-loss"), [*GOOD, *FAIR])
    section = made.sections[0]
    assert section.is_exploratory
    assert section.comparisons == ()
    assert {(r.rank, r.versus, r.is_top) for r in section.rows} == {(None, None, False)}
    assert all("EXPLORATORY" in r.codes for r in section.rows)
    assert not math.isnan(section.rows[0].primary.low)


def test_unpaired_methods_are_shown_and_not_tested():
    """A method planned with fewer folds cannot be compared; the table says so."""
    asked = board("good", "fair")
    cells = (asked.cells[0], replace(asked.cells[1], planned=PLAN[:4]))
    made = build(replace(asked, cells=cells), [*GOOD, *FAIR[:4]])
    section = made.sections[0]
    assert section.comparisons == ()
    assert "UNPAIRED_SPLITS" in section.notes[0]
    assert all(not math.isnan(r.primary.low) for r in section.rows)


def test_threshold_of_a_run_decides_its_bags():
    """With the threshold at 2 no bag is positive: sensitivity 0, accuracy the negatives' share."""
    made = build(
        board("good", secondary=("sensitivity", "accuracy")), runs("good", 3.0, threshold=2.0)
    )
    assert row(made, "good").score("sensitivity").value == 0
    assert row(made, "good").score("accuracy").value == pytest.approx(0.5)


def test_sizes_count_bags_and_patients_of_each_class():
    """120 patients with a bag each, half of them positive."""
    section = build(board("good"), GOOD).sections[0]
    assert (section.bags, section.patients, section.n_patients) == ((60, 60), (60, 60), 120)


def test_cost_is_the_mean_over_finished_runs():
    """Six runs of 2 s, one of them 8 s: 3 s."""
    made = build(board("good"), [GOOD[0] | {"fit_seconds": 8.0}, *GOOD[1:]])
    assert row(made, "good").cost.fit_seconds == pytest.approx(3.0)


def test_unknown_metric_is_refused():
    """The message names those there are."""
    with pytest.raises(ScoreError, match="no metric 'auc'; there are: auroc"):
        build(board("good", metric="auc"), GOOD)


def text_of(made) -> str:
    return render(made, "json") + render(made, "csv") + render(made, "latex")


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(len(THREE))))
def test_order_of_records_has_no_effect(order):
    """The leaderboard is a function of the set of records."""
    asked = board("good", "fair", "poor", reference="fair", draws=200)
    assert text_of(build(asked, [THREE[i] for i in order])) == text_of(build(asked, THREE))


def test_times_change_nothing_but_times():
    """A slower machine gives the same leaderboard but for what it costs."""
    slow = [r | {"fit_seconds": 99.0, "predict_seconds": 9.0, "peak_memory_mb": 1.0} for r in THREE]
    asked = board("good", "fair", "poor", reference="fair")
    fast_rows = build(asked, THREE).sections[0].rows
    slow_rows = build(asked, slow).sections[0].rows
    for fast, late in zip(fast_rows, slow_rows, strict=True):
        assert late.cost != fast.cost
        assert repr(replace(late, cost=fast.cost)) == repr(fast)


def several(*names: str, **more) -> tuple[DatasetInfo, ...]:
    return tuple(
        DatasetInfo(
            name=name, encoder="precomputed", primary_metric="auroc", classes=CLASSES, **more
        )
        for name in names
    )


def on(dataset: str, records: list[dict]) -> list[dict]:
    return [r | {"dataset": dataset, "key": f"{dataset}-{r['key']}"} for r in records]


def test_mean_rank_and_tally_over_data_sets():
    """By hand: a is 1st, 1st; b 2nd, 3rd; c 3rd, 2nd. Against b: a wins twice, c loses and wins."""
    shifts = {"one": {"a": 3.0, "b": 1.5, "c": 0.0}, "two": {"a": 3.0, "b": 0.0, "c": 1.5}}
    records = [
        r
        for name, of in shifts.items()
        for m, shift in of.items()
        for r in on(name, runs(m, shift))
    ]
    made = build(board("c", "b", "a", datasets=several("one", "two"), reference="b"), records)
    found = {s.method: (s.mean_rank, s.tally) for s in made.overall.standings}
    assert found == {"a": (1.0, (2, 0, 0)), "b": (2.5, None), "c": (2.5, (1, 0, 1))}
    assert made.overall.standings[0].method == "a"
    assert "needs at least 6 cohorts; here 2 cohorts" in made.overall.note


def seven(**more):
    """Return a board of three methods on seven data sets, and its records: good, fair, poor."""
    names = [f"d{i}" for i in range(7)]
    records = [
        r
        for number, name in enumerate(names)
        for method, shift in (("good", 3.0), ("fair", 1.0), ("poor", 0.0))
        for r in on(name, runs(method, shift + number / 20))
    ]
    return board("poor", "good", "fair", datasets=several(*names), **more), records


def test_seven_cohorts_are_tested():
    """Each pair differs the same way on all seven: p 2 / 2**7, Holm times 3; ranks 1, 2 and 3."""
    made = build(*seven()).overall

    assert [pair.p_holm for pair in made.across.pairs] == pytest.approx([3 / 64] * 3)
    assert made.across.ranks == {"good": (1, 1), "fair": (2, 2), "poor": (3, 3)}
    assert made.across.points == {"good": 14.0, "fair": 7.0, "poor": 0.0}
    assert len(set(made.across.letters.values())) == 3
    assert made.across.friedman["kendall_w"] == pytest.approx(1.0)
    assert "good is better than poor" in made.note
    assert made.codes == ()


def test_a_method_with_a_gap_is_not_tested_over_cohorts():
    """The others are compared among themselves; six cohorts of shared patients are fewer."""
    asked, records = seven()
    made = build(asked, [r for r in records if r["key"] != "d3-poor-0-0"]).overall
    assert set(made.across.ranks) == {"good", "fair"}

    shared = replace(asked, datasets=tuple(replace(d, cohort="one") for d in asked.datasets))
    made = build(shared, records).overall
    assert made.across is None
    assert made.codes == ("SHARED_COHORT",)


def test_another_metric_or_several_are_not_tested_over_cohorts():
    """A metric chosen afterwards proves nothing, and two metrics have no common unit."""
    asked, records = seven()
    assert build(replace(asked, metric="accuracy"), records).overall.across is None

    first, *others = asked.datasets
    mixed = (replace(first, primary_metric="accuracy"), *others)
    made = build(replace(asked, datasets=mixed), records).overall
    assert made.across is None
    assert "ranked by different metrics" in made.note


def test_mean_over_data_sets_is_that_of_the_pair_in_full():
    """``milbench compare`` reaches the same forest by way of the two methods alone."""
    asked, records = seven(reference="poor")
    forests = build(asked, records).overall.forests
    expected = compare_pair(asked, records, "good", "poor").forest

    assert sorted(forests) == ["fair", "good"]
    assert forests["good"].mean == pytest.approx(expected.mean)
    assert forests["good"].high == pytest.approx(expected.high)
    assert [study.name for study in forests["good"].studies] == [d.name for d in asked.datasets]
    assert forests["good"].mean > forests["fair"].mean > 0


def test_no_mean_over_data_sets_without_a_reference_or_apart_cohorts():
    """There is nothing to differ from, and shared patients must not count twice."""
    asked, records = seven()
    assert build(asked, records).overall.forests == {}

    shared = tuple(replace(d, cohort="one") for d in asked.datasets)
    made = build(replace(asked, datasets=shared, reference="poor"), records)
    assert made.overall.forests == {}


def test_ranks_and_letters_stand_in_the_last_table():
    """Best first: 1 and a, 2 and b, 3 and c; a suite of two data sets has no such columns."""
    table = render(build(*seven()), "markdown").partition("All data sets")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]

    place = [cell.strip() for cell in rows[0]].index("Letters")
    cells = {row[1].strip(): (row[place - 1].strip(), row[place].strip()) for row in rows[2:5]}
    assert cells == {"good": ("1", "a"), "fair": ("2", "b"), "poor": ("3", "c")}
    two = build(board("good", datasets=several("one", "two")), on("one", GOOD) + on("two", GOOD))
    assert "Letters" not in render(two, "markdown")


def test_tests_over_cohorts_are_in_the_document():
    """JSON holds every pair with its p and probabilities."""
    document = json.loads(render(build(*seven()), "json"))

    pair = document["overall"]["across"]["pairs"][0]
    assert {pair["a"], pair["b"]} == {"poor", "good"}
    assert sum(pair["probability"]) == pytest.approx(1.0)


def test_values_of_all_data_sets_stand_side_by_side():
    """Each is the value that ranks its section; an incomplete method has none on that data set."""
    records = [r for d in ("one", "two") for m in ("a", "b") for r in on(d, runs(m, 1.0))]
    made = build(board("a", "b", datasets=several("one", "two")), records[:-1])
    tables = [{row.method: row.primary.value for row in s.rows} for s in made.sections]
    values = {s.method: s.values for s in made.overall.standings}

    assert made.overall.metrics == ("auroc", "auroc")
    assert values["a"] == (tables[0]["a"], tables[1]["a"])
    assert values["b"][0] == tables[0]["b"]
    assert math.isnan(values["b"][1])


def test_difference_within_the_rope_is_a_tie():
    """Twins tie on both data sets."""
    records = [r for d in ("one", "two") for m in ("a", "b") for r in on(d, runs(m, 1.0))]
    made = build(board("a", "b", datasets=several("one", "two"), reference="a"), records)
    assert {s.method: s.tally for s in made.overall.standings}["b"] == (0, 2, 0)


def test_difference_of_exactly_the_rope_is_a_tie():
    """In doubles 0.71 - 0.70 is larger than 0.01; that must not make a win."""
    records = [r for d in ("one", "two") for m in ("a", "b") for r in on(d, runs(m, 1.0))]
    asked = board("a", "b", datasets=several("one", "two"), reference="a")
    sections = [
        replace(
            section,
            rows=tuple(with_value(r, 0.70 if r.method == "a" else value) for r in section.rows),
        )
        for section, value in zip(build(asked, records).sections, (0.71, 0.711), strict=True)
    ]
    assert {s.method: s.tally for s in overall_of(asked, sections).standings}["b"] == (1, 1, 0)


def with_value(of, value: float):
    return replace(of, scores=(replace(of.primary, value=value), *of.scores[1:]))


def test_smaller_can_be_better_over_data_sets():
    """Ranked by log loss, the smaller value wins on both data sets."""
    records = [r for d in ("one", "two") for m in ("a", "b") for r in on(d, runs(m, 1.0))]
    by_loss = tuple(replace(d, primary_metric="log-loss") for d in several("one", "two"))
    asked = board("a", "b", datasets=by_loss, reference="a")
    sections = [
        replace(s, rows=tuple(with_value(r, 0.7 if r.method == "a" else 0.6) for r in s.rows))
        for s in build(asked, records).sections
    ]
    first = overall_of(asked, sections).standings[0]
    assert (first.method, first.mean_rank, first.tally) == ("b", 1.0, (2, 0, 0))


def test_method_incomplete_on_one_data_set_has_no_mean_rank():
    """It is listed with what it lacks; the others are ranked without it."""
    records = [r for d in ("one", "two") for m in ("a", "b") for r in on(d, runs(m, 1.0))]
    made = build(board("a", "b", datasets=several("one", "two"), reference="a"), records[:-1])
    last = made.overall.standings[-1]
    assert (last.method, last.missing, last.tally) == ("b", ("two: 5/6",), None)
    assert math.isnan(last.mean_rank)
    assert made.overall.standings[0].mean_rank == 1.0


def test_one_data_set_has_no_overall_table():
    """It would repeat the section."""
    assert build(board("good"), GOOD).overall is None


def test_shared_patients_are_flagged():
    """Two data sets of one cohort count once: said by note and code."""
    records = [r for d in ("one", "two") for r in on(d, GOOD)]
    made = build(board("good", datasets=several("one", "two", cohort="same")), records)
    assert made.overall.codes == ("SHARED_COHORT",)
    assert "here 1 cohort" in made.overall.note


def test_records_of_older_settings_are_counted_where_nothing_else_is_left():
    """A suite whose settings changed says why its table is empty, and how much there was."""
    cells = (Cell(dataset="one", encoder="precomputed", method="a", planned=PLAN, settings="new"),)
    old = [
        {**run, "hashes": {**run["hashes"], "settings": "old"}}
        for run in (record("a", 0, fold, 1.0) for fold in range(2))
    ]
    made = build(board("a", cells=cells), old)

    assert not made.sections
    assert "(2 of older ones)" in made.skipped[0].reason


def test_a_tuned_row_says_its_budget_and_how_often_it_changed_nothing():
    """Of six runs two chose the published setting; a published row says nothing of the kind."""
    tuned = runs("a (tuned)", 1.0, trials=[{}, {}, {}])
    for record, chosen in zip(tuned, (0, 1, 2, 0, 1, 1), strict=True):
        record["chosen"] = chosen
    plan = board("a", "a (tuned)")
    plan = replace(plan, methods=(plan.methods[0], replace(plan.methods[1], trials=3)))

    made = build(plan, [*runs("a", 0.5), *tuned])

    (section,) = made.sections
    assert {row.method: row.tuned for row in section.rows} == {
        "a": None,
        "a (tuned)": Tuned(trials=3, kept=2),
    }
    assert made.trials == (3,)
    assert len(section.comparisons) == 1
