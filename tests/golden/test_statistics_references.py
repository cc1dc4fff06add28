"""Tests and corrections against the reference values: R packages, baycomp and exact arithmetic."""

import numpy as np
import pytest

from milbench.metrics import Predictions
from milbench.stats.bootstrap import patient_bootstrap, replicate_variance
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.estimate import estimate
from milbench.stats.holm import holm
from milbench.stats.ranks import mean_ranks

pytestmark = pytest.mark.data


@pytest.mark.parametrize("design", ["1x5", "1x10", "3x5", "10x10"])
def test_corrected_t(reference, design):
    """Cases ``corrected_t.folds_*`` to 1e-8: correctR and baycomp."""
    given, expected = reference(f"corrected_t.folds_{design}")
    differences = np.subtract(given["a"], given["b"]).reshape(given["repeats"], given["k"])

    found = corrected_ttest(differences, test_share=1 / (given["k"] - 1))

    names = ("mean_diff", "se_corrected", "t", "df", "p_two_sided")
    wanted = [expected[name] for name in names]
    assert (found.mean, found.se, found.t, found.df, found.p) == pytest.approx(wanted, abs=1e-8)
    assert (found.low, found.high) == pytest.approx(tuple(expected["ci95"]), abs=1e-8)


def test_holm(reference):
    """Case ``padjust``: R's p.adjust."""
    given, expected = reference("padjust")

    assert holm(given["p"]) == pytest.approx(expected["holm"], abs=1e-12)


@pytest.mark.parametrize("case", ["datasets_by_methods", "datasets_by_methods_ties"])
def test_mean_ranks(reference, case):
    """Cases ``ranks.*``: Borda points are methods minus rank, summed over data sets."""
    given, expected = reference(f"ranks.{case}")
    scores = np.array(next(iter(v for v in given.values() if np.ndim(v) == 2)))

    points = len(scores) * (scores.shape[1] - mean_ranks(scores))

    assert points == pytest.approx(expected["borda"]["points"], abs=1e-12)


def repeated_cv(given, method):
    """Return the rows of a method of case ``repeated_cv.patient_level``."""
    bags, repeats = len(given["y"]), len(given["runs"])
    score = np.concatenate([run[method] for run in given["runs"]])
    return Predictions(
        bag=[f"b{i}" for i in range(bags)] * repeats,
        patient=given["patient"] * repeats,
        label=given["y"] * repeats,
        score=np.column_stack([1.0 - score, score]),
        repeat=np.repeat(np.arange(repeats), bags),
        fold=np.concatenate([run["fold"] for run in given["runs"]]),
        seed=[0] * bags * repeats,
        threshold=[0.5] * bags * repeats,
        classes=("negative", "positive"),
    )


def test_repeated_cross_validation(reference):
    """Case ``repeated_cv.patient_level``: values exact, patient variance within 6 %."""
    given, expected = reference("repeated_cv.patient_level")
    methods = {name: repeated_cv(given, name) for name in "AB"}

    found = patient_bootstrap("auroc", methods, draws=4000, seed=1)

    a, b = found.estimates["A"], found.estimates["B"]
    assert a.value == pytest.approx(expected["auc_A"], abs=1e-10)
    assert a.value - b.value == pytest.approx(expected["delta"], abs=1e-10)
    assert a.per_repeat - b.per_repeat == pytest.approx(expected["repeat_means"], abs=1e-10)
    assert (a.folds - b.folds).ravel() == pytest.approx(expected["fold_diffs"], abs=1e-10)
    between = replicate_variance(a.per_seed - b.per_seed)
    assert between == pytest.approx(expected["var_repeat"], abs=1e-10)
    error = (found.draws[0] - found.draws[1]).std(ddof=1)
    assert error == pytest.approx(expected["bootstrap_se_patients_only"], rel=0.06)


def test_t_of_repeated_cross_validation(reference):
    """The same case by the corrected t-test, from predictions to p."""
    given, expected = reference("repeated_cv.patient_level")
    a, b = (estimate("auroc", repeated_cv(given, name)) for name in "AB")

    found = corrected_ttest(a.folds - b.folds, test_share=1 / (given["k"] - 1))

    assert found.t == pytest.approx(expected["corrected_t"]["t"], abs=1e-10)
    assert found.p == pytest.approx(expected["corrected_t"]["p"], abs=1e-10)


def test_bags_clustered_in_patients(reference):
    """Case ``clustered_auc``: R's cluster bootstrap, interval within 0.02.

    R redraws all patients together, we redraw them by their classes, so ours is a little narrower.
    """
    given, expected = reference("clustered_auc")
    bags = len(given["y"])
    methods = {
        name: repeated_cv({**given, "runs": [{"fold": [0] * bags, name: given[name]}]}, name)
        for name in "AB"
    }

    found = patient_bootstrap("auroc", methods, draws=4000, seed=1)

    wanted = expected["cluster_bootstrap"]
    assert found.estimates["B"].value == pytest.approx(expected["auc_B"], abs=1e-9)
    assert found.interval("A") == pytest.approx(tuple(wanted["ci95_A_percentile"]), abs=0.02)
    paired = found.paired("A", "B")
    assert (paired.low, paired.high) == pytest.approx(
        tuple(wanted["ci95_diff_percentile"]), abs=0.02
    )
