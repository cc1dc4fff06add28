"""The patient-level bootstrap against plain loops and scipy, and what must not change it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from milbench.errors import StatisticsError
from milbench.metrics import METRICS
from milbench.metrics.predictions import COLUMNS
from milbench.stats import bootstrap as module
from milbench.stats.bootstrap import patient_bootstrap, replicate_variance
from milbench.stats.draws import drawn_patients, strata_of


def counts_of(predictions, draws, seed):
    """Return how often each patient is drawn, by name, in each draw."""
    patients, owner = np.unique(predictions.patient, return_inverse=True)
    blocks = drawn_patients(strata_of(predictions, owner), draws, draws, seed)
    return [dict(zip(patients, column, strict=True)) for column in next(blocks).T]


def repeated(predictions, count, chosen):
    """Return labels and scores of class 1, each row as often as its patient was drawn."""
    times = np.array([int(count[name]) for name in predictions.patient[chosen]])
    positions = np.repeat(np.flatnonzero(chosen), times)
    return predictions.label[positions], predictions.score[positions, 1]


def test_auroc_agrees_with_a_plain_loop(experiment):
    """scikit-learn on copied rows of each fold, mean over the folds that have both classes."""
    predictions = experiment(1, patients=16, bags_each=2, repeats=2, folds=4)

    found = patient_bootstrap("auroc", {"a": predictions}, draws=40, seed=3).draws[0]

    expected = []
    for count in counts_of(predictions, 40, 3):
        folds = [
            repeated(predictions, count, (predictions.repeat == r) & (predictions.fold == f))
            for r in range(2)
            for f in range(4)
        ]
        expected.append(
            np.mean([sk.roc_auc_score(*rows) for rows in folds if len(set(rows[0])) == 2])
        )
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [("f1", lambda y, s: sk.f1_score(y, s >= 0.5)), ("log-loss", sk.log_loss)],
)
def test_pooled_metrics_agree_with_a_plain_loop(experiment, metric, oracle):
    """scikit-learn on copied rows of each repeat, mean over repeats."""
    predictions = experiment(1, patients=16, bags_each=2, repeats=2)

    found = patient_bootstrap(metric, {"a": predictions}, draws=40, seed=3).draws[0]

    expected = [
        np.mean([oracle(*repeated(predictions, count, predictions.repeat == r)) for r in range(2)])
        for count in counts_of(predictions, 40, 3)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_interval_agrees_with_scipy(experiment):
    """One test set, a bag a patient: scipy's percentile bootstrap of two samples.

    scipy redraws each class on its own, as we do; the tolerance is three times the Monte Carlo
    error of a 2.5 % quantile with 4000 draws, on both sides.
    """
    predictions = experiment(1, patients=80, repeats=1, folds=1)
    samples = [predictions.score[predictions.label == c, 1] for c in (0, 1)]

    low, high = patient_bootstrap("auroc", {"a": predictions}, draws=4000, seed=1).interval("a")

    def auroc(negative, positive):
        return stats.mannwhitneyu(positive, negative).statistic / 1600

    expected = stats.bootstrap(
        samples, auroc, n_resamples=4000, vectorized=False, method="percentile", rng=1
    )
    error = 3 * np.sqrt(2 * 0.025 * 0.975 / 4000) / stats.norm.pdf(1.96)
    assert (low, high) == pytest.approx(
        tuple(expected.confidence_interval), abs=error * expected.standard_error
    )


def test_a_method_equals_itself(experiment):
    """Nothing differs: 0, an interval of no width, p = 1."""
    a = experiment(1)

    for metric in METRICS:
        found = patient_bootstrap(metric, {"a": a, "b": a}, draws=50, seed=1).paired("a", "b")
        assert found[:4] == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("metric", METRICS)
def test_more_bags_of_the_same_patients_tell_nothing_new(experiment, metric):
    """Every bag twice gives the same interval, for the patient is the unit."""
    a, b = experiment(1), experiment(2)

    def twice(p):
        columns = {name: np.concatenate([getattr(p, name)] * 2) for name in COLUMNS}
        copy = np.repeat(["", "-copy"], len(p))
        return replace(p, **columns | {"bag": np.char.add(columns["bag"], copy)})

    once = patient_bootstrap(metric, {"a": a, "b": b}, draws=200, seed=1)
    doubled = patient_bootstrap(metric, {"a": twice(a), "b": twice(b)}, draws=200, seed=1)

    assert doubled.paired("a", "b")[:4] == pytest.approx(once.paired("a", "b")[:4], abs=1e-12)
    assert doubled.interval("a") == pytest.approx(once.interval("a"), abs=1e-12)


def test_a_third_method_changes_nothing(experiment):
    """The draws belong to the data set and the seed."""
    methods = {"a": experiment(1), "b": experiment(2), "c": experiment(3)}

    alone = patient_bootstrap("auroc", {n: methods[n] for n in "ab"}, draws=200, seed=1)
    together = patient_bootstrap("auroc", methods, draws=200, seed=1)

    assert together.paired("a", "b") == alone.paired("a", "b")


def test_order_and_names_have_no_meaning(experiment):
    """Shuffled rows and other names of methods give the same numbers."""
    a, b = experiment(1), experiment(2)
    order = np.random.default_rng(0).permutation(len(a))

    plain = patient_bootstrap("auroc", {"a": a, "b": b}, draws=200, seed=1)
    other = patient_bootstrap("auroc", {"z": a.take(order), "b2": b}, draws=200, seed=1)

    assert other.paired("z", "b2") == plain.paired("a", "b")
    assert other.paired("b2", "z").difference == -plain.paired("a", "b").difference


def test_the_seed_decides_the_draws(experiment):
    """The same seed gives the same draws, another seed gives others."""
    a = {"a": experiment(1)}

    first, again, other = (
        patient_bootstrap("auroc", a, draws=50, seed=seed).draws for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_counts_too_large_for_float32_stay_exact(experiment):
    """40 patients of 200 bags: there are 16 million pairs, and half of one counts."""
    predictions = experiment(1, patients=40, bags_each=200, repeats=1, folds=1)
    score = predictions.score.round(3)
    tied = replace(predictions, score=score / score.sum(axis=1, keepdims=True))

    found = patient_bootstrap("auroc", {"a": tied}, draws=20, seed=3).draws[0]

    for value, count in zip(found, counts_of(tied, 20, 3), strict=True):
        label, positive = repeated(tied, count, np.ones(len(tied), bool))
        won = stats.mannwhitneyu(positive[label == 1], positive[label == 0]).statistic
        pairs = int((label == 1).sum()) * int((label == 0).sum())
        assert value == pytest.approx(won / pairs, abs=1e-12)


def test_draws_in_blocks_are_all_made(experiment, monkeypatch):
    """Memory is bounded: many small blocks give as many draws, none of them empty."""
    monkeypatch.setattr(module, "BLOCK", 300)

    found = patient_bootstrap("auroc", {"a": experiment(1)}, draws=50, seed=1)

    assert found.draws.shape == (1, 50)
    assert np.isfinite(found.draws).all()


# With two classes every decision is among the best two, and one grade off at most.
FOR_MORE_CLASSES = {"top-2-accuracy", "within-one-accuracy"}


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_holds_the_value(experiment, metric):
    """Also with folds of four patients, where plain percentiles of some metrics miss it."""
    classes = 4 if metric in FOR_MORE_CLASSES else 2
    a = experiment(1, patients=24, folds=6, classes=classes)
    b = experiment(2, patients=24, folds=6, classes=classes, signal=4.0)

    found = patient_bootstrap(metric, {"a": a, "b": b}, draws=300, seed=1)

    low, high = found.interval("a")
    assert low <= found.estimates["a"].value <= high
    paired = found.paired("a", "b")
    assert paired.low < paired.difference < paired.high


def test_variance_between_repeats_widens_the_interval(experiment):
    """Draws are stretched until their variance is that of patients plus that of repeats."""
    a, b = experiment(1, patients=60), experiment(2, patients=60)
    found = patient_bootstrap("auroc", {"a": a, "b": b}, draws=2000, seed=1)
    over_patients = found.draws[0] - found.draws[1]
    repeats = found.estimates["a"].per_repeat - found.estimates["b"].per_repeat

    _, low, high, _, _ = found.paired("a", "b")

    plain_low, plain_high = np.quantile(over_patients, [0.025, 0.975])
    expected = np.sqrt(1 + repeats.var(ddof=1) / 3 / over_patients.var(ddof=1))
    assert (high - low) / (plain_high - plain_low) == pytest.approx(expected)


def test_the_interval_of_a_method_keeps_to_the_bounds(experiment):
    """Centred and widened, the largest draws of an AUROC of 0.98 would lie beyond 1."""
    found = patient_bootstrap("auroc", {"a": experiment(1, signal=2.5)}, draws=300, seed=1)

    assert found.draws.max() <= 1.0
    assert found.interval("a", level=0.999)[1] == 1.0


@pytest.mark.parametrize(
    ("per_seed", "expected"),
    [
        ([[0.1], [0.3]], 0.02 / 2),  # variance of 0.1 and 0.3, over two repeats
        ([[0.1, 0.3]], 0.02 / 2),  # the same of two seeds
        ([[0.1, 0.3], [0.1, 0.3]], 0.02 / 4),  # repeats agree, so the seeds speak
        ([[0.1, 0.1], [0.3, np.nan]], 0.02 / 2),  # a seed that is not there
        ([[0.2]], 0.0),
    ],
)
def test_replicate_variance_by_hand(per_seed, expected):
    """Variance of means of repeats over their number, or of seeds where that says more."""
    assert replicate_variance(np.array(per_seed)) == pytest.approx(expected)


def test_two_bags_in_opposite_classes_stay_with_their_patient(experiment):
    """Patients with bags of both classes are a stratum of their own, as large in every draw."""
    predictions = experiment(1, patients=12)
    mixed = replace(
        predictions,
        patient=np.where(predictions.bag == "bag1", "patient0", predictions.patient),
    )

    draws = counts_of(mixed, 20, 1)

    assert {count["patient0"] for count in draws} == {1.0}
    assert {sum(count.values()) for count in draws} == {11.0}


def test_perfect_ranking_has_no_known_spread(experiment):
    """An AUROC of 1 is 1 in every draw: the code says that the interval is no interval."""
    found = patient_bootstrap("auroc", {"a": experiment(1, signal=50.0)}, draws=50, seed=1)

    assert found.interval("a") == (1.0, 1.0)
    assert "DEGENERATE_VARIANCE" in found.codes_of("a")


def test_a_constant_difference_has_no_p(experiment):
    """Always right against always wrong: the difference never varies."""
    methods = {"right": experiment(1, signal=50.0), "wrong": experiment(2, signal=-50.0)}

    found = patient_bootstrap("auroc", methods, draws=50, seed=1).paired("right", "wrong")

    assert found.difference == 1.0
    assert np.isnan([found.low, found.high, found.p]).all()
    assert "DEGENERATE_VARIANCE" in found.codes


def test_the_smallest_p_is_two_in_draws_and_one(experiment):
    """No draw crosses 0, and what was observed counts as one."""
    methods = {"strong": experiment(1, signal=6.0), "weak": experiment(2, signal=0.0)}

    found = patient_bootstrap("auroc", methods, draws=99, seed=1).paired("strong", "weak")

    assert found.p == pytest.approx(2 / 100)


def test_an_undefined_value_has_no_interval(experiment):
    """Logits have no log loss, and nothing is compared with it."""
    a = experiment(1)
    logits = replace(experiment(2), score=np.log(experiment(2).score))

    found = patient_bootstrap("log-loss", {"a": a, "logits": logits}, draws=50, seed=1)

    assert np.isnan(found.interval("logits")).all()
    assert np.isnan(found.paired("a", "logits").p)
    assert "NONPROBABILITY" in found.paired("a", "logits").codes
    assert np.isfinite(found.interval("a")).all()


def test_many_classes_are_scored(experiment):
    """The macro AUROC of three classes has an interval around it."""
    found = patient_bootstrap(
        "auroc", {"a": experiment(1, patients=60, classes=3)}, draws=100, seed=1
    )

    low, high = found.interval("a")
    assert 0.5 < low < found.point[0] < high < 1.0


def test_no_draws_are_refused(experiment):
    """The message says how many there should be."""
    with pytest.raises(StatisticsError, match="0 bootstrap draws: expected at least 1"):
        patient_bootstrap("auroc", {"a": experiment(1)}, draws=0, seed=1)
