"""Which differences are marked, by which test, and why others are not."""

from dataclasses import replace

import numpy as np
import pytest

from milbench.errors import StatisticsError
from milbench.stats.bootstrap import Bootstrap, patient_bootstrap
from milbench.stats.codes import MEANINGS
from milbench.stats.compare import compare_all, compare_drawn
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.design import Design
from milbench.stats.estimate import Estimate
from milbench.stats.holm import holm

ENOUGH = Design(
    repeats=3,
    folds=5,
    seeds=1,
    test_share=0.25,
    one_split=False,
    same_folds=False,
    smallest_class=50,
)
CLEAR, NOISY = np.linspace(0.09, 0.11, 15), np.linspace(-0.9, 1.1, 15)  # both of mean 0.1


def bootstrap_of(differences, drawn, design):
    """Return draws of two methods with these differences of folds, and these of patients."""
    folds = np.reshape(differences, (design.repeats, design.folds))
    zero = np.zeros_like(folds)
    estimates = {
        name: Estimate(
            metric="auroc",
            value=float(values.mean()),
            sd=0.1,
            per_class=(),
            folds=values,
            per_repeat=values.mean(axis=1),
            per_seed=np.full((design.repeats, 1), values.mean()),
            codes=design.codes,
            n_patients=100,
            n_bags=100,
        )
        for name, values in (("a", folds), ("b", zero))
    }
    return Bootstrap("auroc", estimates, np.stack([drawn, np.zeros_like(drawn)]), design)


@pytest.mark.parametrize(
    ("change", "by_fold", "spread", "mark"),
    [
        ({}, CLEAR, 0.01, "double-dagger"),
        ({}, NOISY, 0.01, "dagger"),
        ({}, CLEAR, 1.0, ""),  # T alone: the primary test does not agree
        ({}, NOISY, 1.0, ""),
        ({"smallest_class": 49}, NOISY, 0.01, ""),
        ({"smallest_class": 49}, CLEAR, 0.01, "double-dagger"),
        ({"repeats": 1, "folds": 15}, NOISY, 0.01, ""),
        ({"repeats": 1, "folds": 15}, CLEAR, 0.01, "double-dagger"),
        ({"repeats": 1, "folds": 15, "seeds": 3}, NOISY, 0.01, "dagger"),
        ({"repeats": 2, "folds": 2}, CLEAR[[0, 5, 9, 14]], 0.01, ""),  # T on 4 folds claims nothing
        ({"repeats": 3, "folds": 1}, CLEAR[[0, 7, 14]], 0.01, "dagger"),
    ],
)
def test_marks_follow_the_decision_table(change, by_fold, spread, mark):
    """Double dagger for P and T together, dagger for P alone where its guards are met."""
    drawn = np.linspace(0.1 - 2 * spread, 0.1 + 2 * spread, 999)

    (found,) = compare_drawn(bootstrap_of(by_fold, drawn, replace(ENOUGH, **change)))

    assert found.mark == mark


def test_tests_that_disagree_on_the_better_method_do_not_agree():
    """P calls a better by its pooled value, T calls b better by its folds: only P is left."""
    found = bootstrap_of(CLEAR, np.linspace(0.08, 0.12, 999), ENOUGH)
    mirrored = {"a": replace(found.estimates["a"], folds=-found.estimates["a"].folds)}

    (compared,) = compare_drawn(replace(found, estimates={**found.estimates, **mirrored}))

    assert compared.p_t < 0.05
    assert compared.mark == "dagger"


def test_three_methods_end_to_end(experiment):
    """A strong method is marked against two weak ones, which are not marked."""
    methods = {
        "strong": experiment(1, patients=120, folds=5, signal=4.0),
        "weak": experiment(2, patients=120, folds=5, signal=0.5),
        "other": experiment(3, patients=120, folds=5, signal=0.5),
    }

    found = compare_all("auroc", methods, draws=999, seed=1)

    assert [(c.a, c.b, c.mark) for c in found] == [
        ("strong", "weak", "double-dagger"),
        ("strong", "other", "double-dagger"),
        ("weak", "other", ""),
    ]
    assert all(c.low < c.difference < c.high for c in found)
    assert all(c.codes <= set(MEANINGS) for c in found)


def test_holm_is_applied_to_each_test_in_the_family(experiment):
    """Three pairs are one family for P and one for T."""
    methods = {name: experiment(i, signal=i) for i, name in enumerate("abc")}

    found = compare_all("auroc", methods, draws=199, seed=1)

    for test in ("p_patient", "p_t"):
        plain = [getattr(c, test) for c in found]
        assert [getattr(c, f"{test}_holm") for c in found] == pytest.approx(list(holm(plain)))


def test_t_is_the_corrected_test_on_folds(experiment):
    """Four folds: n_test / n_train is 1 / 3."""
    methods = {"a": experiment(1), "b": experiment(2)}
    (found,) = compare_all("auroc", methods, draws=50, seed=1)
    estimates = patient_bootstrap("auroc", methods, draws=50, seed=1).estimates

    expected = corrected_ttest(estimates["a"].folds - estimates["b"].folds, test_share=1 / 3)

    assert (found.p_t, found.t_low, found.t_high) == pytest.approx(
        (expected.p, expected.low, expected.high)
    )
    assert found.minimum_detectable == pytest.approx(expected.minimum_detectable)


def test_a_smaller_loss_is_a_negative_difference(experiment):
    """The sign is a minus b in units of the metric, whichever is better."""
    methods = {
        "good": experiment(1, patients=120, folds=5, signal=4.0),
        "bad": experiment(2, patients=120, folds=5, signal=0.5),
    }

    (found,) = compare_all("log-loss", methods, draws=999, seed=1)

    assert found.difference < 0
    assert found.mark == "double-dagger"


def test_equal_methods_are_equal_in_every_test(experiment):
    """Difference 0 and p 1, by patients and by folds."""
    a = experiment(1)

    (found,) = compare_all("auroc", {"a": a, "b": a}, draws=50, seed=1)

    assert (found.difference, found.p_patient, found.p_t, found.mark) == (0.0, 1.0, 1.0, "")


@pytest.mark.parametrize("design", [{"repeats": 1, "seeds": 5}, {"repeats": 5}])
def test_seeds_of_one_split_are_not_tested(experiment, design):
    """Five trainings on one split: an interval over patients, no T, no mark."""
    methods = {
        "strong": experiment(1, patients=120, folds=1, signal=6.0, **design),
        "weak": experiment(2, patients=120, folds=1, signal=0.0, **design),
    }

    (found,) = compare_all("auroc", methods, draws=999, seed=1)

    assert np.isnan(found.p_t)
    assert "SEED_ONLY_REPLICATION" in found.codes
    assert found.p_patient < 0.05
    assert found.mark == ""


def test_repeats_of_the_same_folds_are_averaged_before_t(experiment):
    """Five folds in three identical repeats are five differences, not fifteen."""
    a, b = (experiment(i, repeats=1, folds=5, seeds=3, patients=100) for i in (1, 2))
    (by_seed,) = compare_all("auroc", {"a": a, "b": b}, draws=50, seed=1)

    a, b = (replace(p, repeat=p.seed, seed=p.repeat) for p in (a, b))
    (by_repeat,) = compare_all("auroc", {"a": a, "b": b}, draws=50, seed=1)

    assert by_repeat.p_t == pytest.approx(by_seed.p_t)
    assert by_repeat.p_patient == pytest.approx(by_seed.p_patient)


def test_too_few_draws_for_the_family_are_said(experiment):
    """Three pairs need p of 0.05 / 3, and 99 draws give no less than 2 / 100."""
    methods = {name: experiment(i) for i, name in enumerate("abc")}

    few = compare_all("auroc", methods, draws=99, seed=1)
    enough = compare_all("auroc", methods, draws=199, seed=1)

    assert all("MIN_P_UNREACHABLE" in c.codes for c in few)
    assert not any("MIN_P_UNREACHABLE" in c.codes for c in enough)


def test_a_metric_that_is_undefined_is_not_compared(experiment):
    """Logits have no Brier score: no p, and a family of the remaining pair."""
    logits = replace(experiment(3), score=np.log(experiment(3).score))
    methods = {"a": experiment(1), "b": experiment(2), "logits": logits}

    defined, *undefined = compare_all("brier", methods, draws=99, seed=1)

    assert np.isnan([c.p_patient_holm for c in undefined]).all()
    assert np.isnan([c.p_t_holm for c in undefined]).all()
    assert all("NONPROBABILITY" in c.codes for c in undefined)
    assert defined.p_patient_holm == defined.p_patient


def test_one_method_has_no_pairs(experiment):
    """There is nothing to compare."""
    assert compare_all("auroc", {"a": experiment(1)}, draws=9, seed=1) == ()


def test_rejections_under_the_null_are_near_alpha(experiment):
    """Two methods of one strength differ significantly in about 5 % of 150 experiments.

    P is near nominal and T conservative. At a rate of 5 % more than 18 of 150 have a chance of
    0.02 %; at 4 % more than 12 have one of 0.8 %.
    """
    rejected = np.zeros(2)
    for number in range(150):
        methods = {
            name: experiment(2 * number + i, patients=100, folds=5) for i, name in enumerate("ab")
        }
        (found,) = compare_all("auroc", methods, draws=199, seed=number)
        rejected += (found.p_patient < 0.05, found.p_t < 0.05)

    assert rejected[0] in range(1, 19)
    assert rejected[1] in range(13)


def test_a_declared_control_has_a_smaller_family(experiment):
    """Three methods against one: Holm over three, each p the one of the pair alone."""
    methods = {name: experiment(i, signal=1.0 + i / 4) for i, name in enumerate("abcd")}
    drawn = patient_bootstrap("auroc", methods, draws=300, seed=1)

    found = compare_drawn(drawn, control="b")

    alone = {(pair.a, pair.b): pair.p_patient for pair in compare_drawn(drawn)}
    assert [(pair.a, pair.b) for pair in found] == [("a", "b"), ("b", "c"), ("b", "d")]
    assert [pair.p_patient for pair in found] == [alone[pair.a, pair.b] for pair in found]
    expected = holm([pair.p_patient for pair in found])
    assert [pair.p_patient_holm for pair in found] == pytest.approx(expected)


def test_an_unknown_control_is_refused(experiment):
    """The message names the methods."""
    drawn = patient_bootstrap("auroc", {"a": experiment(1)}, draws=10, seed=1)

    with pytest.raises(StatisticsError, match="expected one of a"):
        compare_drawn(drawn, control="best")


def test_standard_error_is_the_spread_of_the_draws():
    """Repeats of equal means add nothing to it; a and b the other way round have the same."""
    drawn = np.random.default_rng(4).normal(0.1, 0.02, size=2000)
    repeats = np.tile(np.linspace(0.09, 0.11, 5), 3)
    (pair,) = compare_drawn(bootstrap_of(repeats, drawn, ENOUGH))

    assert pair.se == pytest.approx(drawn.std(ddof=1))
    assert pair.se == pytest.approx((pair.high - pair.low) / (2 * 1.96), rel=0.05)
