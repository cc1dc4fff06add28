"""One pair in full: equality, probabilities, sources of error, plans, classes, other rows."""

from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from milbench.errors import StatisticsError
from milbench.metrics.froc import Detections, mean_sensitivity
from milbench.metrics.survival import c_index, concordance
from milbench.stats.bayes import correlated_posterior
from milbench.stats.bootstrap import patient_bootstrap, replicate_variance
from milbench.stats.compare import compare_all
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.equivalence import tost
from milbench.stats.false_discovery import benjamini_hochberg
from milbench.stats.influence import closed_form, cross_validated_auc
from milbench.stats.pair import study_pair
from milbench.stats.pairing import align
from milbench.stats.per_class import one_vs_rest, per_class, wilson
from milbench.stats.planner import Goal, Seen, plan_from
from milbench.stats.question import Question
from milbench.stats.units import mean_of, unit_bootstrap
from milbench.stats.variation import variation

# Equality and probabilities


def test_methods_that_never_differ_are_equal():
    """P of equality 0, probability of equality 1."""
    found = corrected_ttest(np.zeros((1, 5)), test_share=0.25)

    assert tost(found, 0.01).p == 0.0
    assert correlated_posterior(found, 0.01) == (0.0, 1.0, 0.0)


def test_a_refused_test_has_no_probabilities():
    """A constant difference has no spread: NaN throughout."""
    found = corrected_ttest(np.full((1, 5), 0.1), test_share=0.25)

    assert np.isnan(tost(found, 0.01).p)
    assert np.isnan(correlated_posterior(found, 0.01)).all()


def test_not_significant_is_not_equal():
    """A wide interval is neither different nor equal."""
    found = corrected_ttest(np.array([[0.2, -0.2, 0.1, -0.1, 0.05]]), test_share=0.25)

    assert found.p > 0.05
    assert tost(found, 0.01).p > 0.05


def test_equality_is_an_interval_inside_the_margin():
    """P is alpha exactly where the interval of level 1 - 2 alpha touches the margin."""
    found = corrected_ttest(np.array([[0.02, -0.01, 0.03, 0.01, 0.0]]), test_share=0.25)
    edge = max(abs(tost(found, 1.0).low), abs(tost(found, 1.0).high))

    assert tost(found, edge).p == pytest.approx(0.05)


@pytest.mark.parametrize(
    "call", [partial(tost, margin=0.0), partial(correlated_posterior, rope=-1)]
)
def test_impossible_margins_are_refused(call):
    """No margin, no equality."""
    with pytest.raises(StatisticsError, match="expected"):
        call(corrected_ttest(np.array([[0.1, 0.2]]), test_share=0.25))


def test_probabilities_sum_to_one_and_agree_with_scipy():
    """Three areas of one t distribution."""
    found = corrected_ttest(np.array([[0.2, -0.2, 0.1, 0.1, 0.05]]), test_share=0.25)

    first, equal, second = correlated_posterior(found, 0.02)

    law = stats.t(df=found.df, loc=found.mean, scale=found.se)
    assert (first, second) == pytest.approx((law.sf(0.02), law.cdf(-0.02)))
    assert first + equal + second == pytest.approx(1.0)


def test_false_discovery_keeps_nan_out_of_the_family():
    """By hand: of two p, the smaller is doubled."""
    found = benjamini_hochberg([0.02, np.nan, 0.5])

    assert found == pytest.approx([0.04, np.nan, 0.5], nan_ok=True)


# Where the error comes from


def test_variances_by_hand(experiment):
    """Two repeats with two seeds: between repeats, within them, between folds."""
    a, b = experiment(1, repeats=2, seeds=2), experiment(2, repeats=2, seeds=2)
    drawn = patient_bootstrap("auroc", {"a": a, "b": b}, draws=200, seed=1)
    first, second = drawn.estimates["a"], drawn.estimates["b"]
    per_seed = first.per_seed - second.per_seed
    folds = first.folds - second.folds

    found = variation(drawn, "a", "b")

    assert found.patient == pytest.approx((drawn.draws[0] - drawn.draws[1]).var(ddof=1))
    assert found.repeat == pytest.approx(per_seed.mean(axis=1).var(ddof=1))
    assert found.seed == pytest.approx(np.mean(per_seed.var(axis=1, ddof=1)))
    assert found.fold == pytest.approx(np.mean(folds.var(axis=1, ddof=1)))
    assert found.in_table == pytest.approx(replicate_variance(per_seed))
    assert found.share_of_patients == pytest.approx(
        found.patient / drawn.standard_error("a", "b") ** 2
    )


def test_one_run_cannot_tell(experiment):
    """A single repeat and seed: no variance between them."""
    drawn = patient_bootstrap("auroc", {"a": experiment(1, repeats=1)}, draws=100, seed=1)

    found = variation(drawn, "a")

    assert np.isnan([found.repeat, found.seed]).all()
    assert found.in_table == 0.0


# Plans


SEEN = Seen(
    difference=0.05,
    patient_variance=0.01**2,
    repeat_variance=0.03**2,
    fold_sd=0.04,
    patients=200,
    repeats=1,
    folds=5,
    test_share=0.25,
    smallest_class=80,
)


def test_repeats_by_hand():
    """Z 2.8016: (0.05 / 2.8016)^2 - 0.0001 = 0.0002185 may be left, 0.0009 / that is 4.1: 5."""
    found = plan_from(SEEN)

    assert found.repeats_p == 5
    assert found.detectable == pytest.approx(2.8016 * np.sqrt(0.0001 + 0.0009), rel=1e-4)
    assert found.least == pytest.approx(2.8016 * 0.01, rel=1e-4)


def test_the_plan_of_t_is_the_first_that_is_enough():
    """By scipy's quantiles: one repeat fewer is not enough; 0.05 is not with any number."""
    found = plan_from(SEEN.__class__(**{**as_fields(SEEN), "difference": 0.06})).repeats_t

    def needed(repeats):
        df = 5 * repeats - 1
        t = stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)
        return t * 0.04 * np.sqrt(1 / (5 * repeats) + 0.25)

    assert needed(found) <= 0.06 < needed(found - 1)
    assert plan_from(SEEN).repeats_t is None
    assert (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * 0.04 * 0.5 > 0.05  # what is left then


def test_no_repeats_replace_patients():
    """A difference below what these patients can show: more patients only."""
    few = SEEN.__class__(**{**as_fields(SEEN), "difference": 0.02, "repeats": 100})

    found = plan_from(few)

    assert found.repeats_p is None
    # (0.02 / 2.8016)^2 - 0.0009 / 100 = 4.196e-5; 200 * 0.0001 / that
    assert found.patients == pytest.approx(477, abs=1)


def as_fields(seen):
    return {name: getattr(seen, name) for name in seen.__slots__}


def test_patients_meet_the_guard():
    """A huge difference still needs 50 patients in the smallest class."""
    sure = SEEN.__class__(**{**as_fields(SEEN), "difference": 0.5, "smallest_class": 20})

    assert plan_from(sure).patients == 500


def test_several_pairs_need_more():
    """Holm's first step divides alpha."""
    assert plan_from(SEEN, Goal(pairs=10)).repeats_p > plan_from(SEEN).repeats_p


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"power": 1.0}, {"pairs": 0}])
def test_impossible_goals_are_refused(wrong):
    """Chances lie between 0 and 1."""
    with pytest.raises(StatisticsError, match="between 0 and 1"):
        Goal(**wrong)


# Classes


def test_wilson_by_hand():
    """8 of 10: statsmodels' and every textbook's 0.490 to 0.943."""
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_each_class_is_a_question_of_its_own(experiment):
    """AUROC of the class's score against the rest, by scikit-learn."""
    a = experiment(1, classes=3, patients=60, repeats=1, folds=1)
    b = experiment(2, classes=3, patients=60, repeats=1, folds=1)

    found = per_class("auroc", {"a": a, "b": b}, draws=200, seed=1)

    for one in found.values:
        rows, number = (a if one.method == "a" else b), int(one.class_name[-1])
        expected = roc_auc_score(rows.label == number, rows.score[:, number])
        assert one.value == pytest.approx(expected, abs=1e-12)
    assert len(found.differences) == 3
    assert all("EXPLORATORY" in one.codes for one in found.differences)
    adjusted = benjamini_hochberg([one.p for one in found.differences])
    assert [one.p_adjusted for one in found.differences] == pytest.approx(adjusted)


def test_sensitivity_of_a_class_is_its_recall(experiment):
    """Decided for by the largest score; Wilson's interval with one bag a patient."""
    a = experiment(1, classes=3, patients=60, repeats=1)

    found = per_class("sensitivity", {"a": a}, draws=200, seed=1)

    for one in found.values:
        own = a.label == int(one.class_name[-1])
        expected = (a.score.argmax(axis=1)[own] == int(one.class_name[-1])).mean()
        assert one.value == pytest.approx(expected)
        assert (one.low, one.high) == pytest.approx(wilson(expected, one.patients))


@pytest.mark.parametrize(("positive", "has_value"), [(9, True), (4, False)])
def test_rare_classes_have_no_interval(experiment, positive, has_value):
    """Below 10 patients no interval and no p, below 5 no value."""
    a, b = experiment(1, repeats=1, folds=1), experiment(2, repeats=1, folds=1)
    kept = np.flatnonzero((a.label == 0) | (np.cumsum(a.label) <= positive))
    found = per_class("sensitivity", {"a": a.take(kept), "b": b.take(kept)}, draws=100, seed=1)

    rare = [one for one in found.values if one.class_name == "class1"]
    assert [np.isnan(one.value) for one in rare] == [not has_value] * 2
    assert np.isnan([one.low for one in rare]).all()
    pair = next(one for one in found.differences if one.class_name == "class1")
    assert np.isnan(pair.p)
    assert "FEW_PATIENTS" in pair.codes


def test_two_classes_have_one_auroc(experiment):
    """That of the rest is the same."""
    found = per_class("auroc", {"a": experiment(1, repeats=1)}, draws=100, seed=1)

    assert [one.class_name for one in found.values] == ["class1"]


def test_a_threshold_decides_for_a_class(experiment):
    """With two classes, decisions are those of the stored threshold."""
    a = experiment(1, repeats=1)
    high = a.__class__(**{**{n: getattr(a, n) for n in FIELDS}, "threshold": np.ones(len(a))})

    assert one_vs_rest("sensitivity", high, 1).score[:, 1].sum() == 0.0


FIELDS = ("bag", "patient", "label", "score", "repeat", "fold", "seed", "classes")


# Other rows


def test_slides_of_a_patient_come_along():
    """Copies of every slide do not narrow the interval of a mean over slides."""
    values = np.random.default_rng(1).normal(size=30)
    patients = np.arange(30)

    once = unit_bootstrap({"m": mean_of(values)}, patients, draws=4000, seed=1).interval("m")
    twice = unit_bootstrap(
        {"m": mean_of(np.tile(values, 2))}, np.tile(patients, 2), draws=4000, seed=1
    ).interval("m")

    assert twice[1] - twice[0] == pytest.approx(once[1] - once[0], rel=0.1)
    assert values.mean() == pytest.approx(np.mean(once), abs=0.1)


def test_the_error_of_a_mean_is_known():
    """The standard deviation of draws is that of a mean: sd / sqrt(n), with n in the sd."""
    values = np.random.default_rng(2).normal(size=50)

    found = unit_bootstrap({"m": mean_of(values)}, np.arange(50), draws=8000, seed=1)

    assert found.values[0] == pytest.approx(values.mean())
    assert found.draws.std() == pytest.approx(values.std() / np.sqrt(50), rel=0.05)


def test_survival_is_drawn_by_event():
    """Patients with and without event are drawn among each other; A against A has p 1."""
    generator = np.random.default_rng(3)
    time, event, risk = generator.random(40), np.arange(40) % 2, generator.random(40)
    measure = partial(concordance, time, event, risk)

    found = unit_bootstrap({"a": measure, "b": measure}, np.arange(40), event, draws=50, seed=1)

    assert found.values[0] == pytest.approx(c_index(time, event, risk))
    assert found.paired("a", "b").p == 1.0


def test_lesions_are_compared_over_patients():
    """A detector that finds every lesion against one that finds none."""
    slides = range(20)
    all_found = [Detections(f"s{i}", f"p{i}", lesions=(0.9,)) for i in slides]
    none_found = [Detections(f"s{i}", f"p{i}", lesions=(None,)) for i in slides]
    statistics = {
        "a": partial(mean_sensitivity, all_found),
        "b": partial(mean_sensitivity, none_found),
    }

    found = unit_bootstrap(statistics, [s.patient for s in all_found], draws=50, seed=1)

    pair = found.paired("a", "b")
    assert pair.difference == 1.0
    assert np.isnan(pair.p)
    assert pair.codes == {"DEGENERATE_VARIANCE"}


def test_nothing_to_draw_is_refused():
    """No patients, no methods or no draws."""
    with pytest.raises(StatisticsError, match="at least one of each"):
        unit_bootstrap({}, ["p"], draws=10, seed=1)


# All together


def test_a_pair_is_what_the_leaderboard_tests(experiment):
    """Same draws, same difference, p, interval and mark as of the family of one pair."""
    methods = {"a": experiment(1, patients=120), "b": experiment(2, patients=120, signal=0.5)}

    found = study_pair("auroc", methods, Question(draws=500, seed=3))

    (expected,) = compare_all("auroc", methods, draws=500, seed=3)
    assert (found.patient.p, found.fold.p) == (expected.p_patient, expected.p_t)
    assert (found.patient.low, found.patient.high) == (expected.low, expected.high)
    assert found.mark == expected.mark
    assert found.folds.shape == (3, 4)
    assert found.fixed is None


def test_a_hold_out_pair_has_the_tests_of_fixed_models(experiment):
    """One run each: DeLong decides, T is not asked for."""
    design = {"repeats": 1, "folds": 1, "patients": 80}
    methods = {"a": experiment(1, **design), "b": experiment(2, **design)}

    found = study_pair("auroc", methods, Question(draws=300))

    assert found.fixed is not None
    assert found.procedures[0][:2] == ("DeLong", "claims")
    # The bootstrap over the same patients has about the same error.
    assert found.se == pytest.approx(found.fixed.difference.se, rel=0.2)


def test_closed_form_and_bootstrap_agree(experiment):
    """On large folds the two errors of P over patients are about the same."""
    methods = align({"a": experiment(1, patients=200), "b": experiment(2, patients=200)})

    found = closed_form(*methods.values())

    drawn = patient_bootstrap("auroc", methods, draws=2000, seed=1)
    assert found.difference == pytest.approx(drawn.paired("a", "b").difference, abs=1e-12)
    assert np.sqrt(found.patient_variance) == pytest.approx(
        drawn.differences("a", "b").std(), rel=0.12
    )


def test_ledell_of_several_repeats_is_refused(experiment):
    """It knows no variance between repeats."""
    with pytest.raises(StatisticsError, match="expected the folds of one"):
        cross_validated_auc(experiment(1, repeats=2))
