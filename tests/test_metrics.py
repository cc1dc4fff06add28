"""Metrics against hand calculations and scikit-learn, and what happens where they are undefined."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from milbench.errors import ScoreError
from milbench.metrics import METRICS, evaluate
from milbench.metrics.catalogue import evaluate_each, value_of
from milbench.metrics.ranking import WIDE
from milbench.metrics.rows import Rows, decide


def binary(positive):
    """Return scores of both classes from those of class 1."""
    positive = np.asarray(positive, dtype=float)
    return np.column_stack([1.0 - positive, positive])


def drawn(seed, n=60, classes=4, decimals=1):
    """Return labels with every class and probabilities with many ties."""
    generator = np.random.default_rng(seed)
    label = np.concatenate([np.arange(classes), generator.integers(classes, size=n - classes)])
    score = np.round(generator.random((n, classes)) + 0.5 * np.eye(classes)[label], decimals) + 0.1
    return label, score / score.sum(axis=1, keepdims=True)


OF_SCORES = {
    "auroc": partial(sk.roc_auc_score, multi_class="ovr", average="macro"),
    "average-precision": partial(sk.average_precision_score, average="macro"),
    "log-loss": sk.log_loss,
    "brier": lambda y, p: ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean(),
}
OF_DECISIONS = {
    "accuracy": sk.accuracy_score,
    "balanced-accuracy": sk.balanced_accuracy_score,
    "f1": partial(sk.f1_score, average="macro"),
    "sensitivity": partial(sk.recall_score, average="macro"),
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
    "quadratic-kappa": partial(sk.cohen_kappa_score, weights="quadratic"),
}
BINARY_OF_SCORES = {
    "auroc": sk.roc_auc_score,
    "average-precision": sk.average_precision_score,
    "brier": sk.brier_score_loss,
    "log-loss": sk.log_loss,
}
BINARY_OF_DECISIONS = {
    "f1": sk.f1_score,
    "sensitivity": sk.recall_score,
    "specificity": partial(sk.recall_score, pos_label=0),
    "balanced-accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
}


@pytest.mark.parametrize("metric", [*OF_SCORES, *OF_DECISIONS])
def test_four_classes_agree_with_scikit_learn(metric):
    """On tied scores of four classes a metric equals scikit-learn's."""
    label, score = drawn(seed=1)

    if metric in OF_SCORES:
        expected = OF_SCORES[metric](label, score)
    else:
        expected = OF_DECISIONS[metric](label, score.argmax(axis=1))

    assert evaluate(metric, label, score).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", [*BINARY_OF_SCORES, *BINARY_OF_DECISIONS])
def test_two_classes_agree_with_scikit_learn(metric):
    """With two classes the value is that of class 1, decided for from 0.5 upwards."""
    label, score = drawn(seed=2, classes=2, decimals=2)

    if metric in BINARY_OF_SCORES:
        expected = BINARY_OF_SCORES[metric](label, score[:, 1])
    else:
        expected = BINARY_OF_DECISIONS[metric](label, score[:, 1] >= 0.5)

    assert evaluate(metric, label, score).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 4))
def test_a_weight_is_a_repeated_row(metric, seed, classes):
    """A row of weight w counts as w equal rows, so a bootstrap draw needs no copied rows."""
    label, score = drawn(seed, n=14, classes=classes)
    weights = np.random.default_rng(seed).integers(0, 3, size=(14, 1))
    weights[:classes] += 1  # every class occurs

    weighted = value_of(metric, Rows(label, score, decide(score, 0.5)), weights.astype(float))

    copied = np.repeat(np.arange(14), weights[:, 0])
    expected = evaluate(metric, label[copied], score[copied]).value
    np.testing.assert_allclose(weighted, [expected], atol=1e-12)


@pytest.mark.parametrize("number", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["auroc", "average-precision"])
@given(seed=st.integers(0, 1000), decimals=st.integers(1, 3))
@settings(max_examples=10)
def test_many_draws_agree_with_scikit_learn(metric, number, seed, decimals):
    """Tied scores and draws of one class: scikit-learn with weights, or no value at all."""
    label, score = drawn(seed, n=16, classes=2, decimals=decimals)
    weights = np.random.default_rng(seed).integers(0, 3, size=(16, WIDE)).astype(number)
    weights[label == seed % 2, :3] = 0.0
    oracle = sk.roc_auc_score if metric == "auroc" else sk.average_precision_score

    found = value_of(metric, Rows(label, score, decide(score, 0.5)), weights)

    assert np.isnan(found[:3]).all()
    for draw in range(3, 40):
        counted = weights[:, draw] > 0
        if len(set(label[counted])) == 2:
            expected = oracle(label, score[:, 1], sample_weight=weights[:, draw])
            assert found[draw] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 3))
@settings(max_examples=10)
def test_how_many_draws_there_are_changes_none(metric, seed, classes):
    """A draw has one value, alone or among many, whichever way the sums are made."""
    label, score = drawn(seed, n=14, classes=classes)
    rows = Rows(label, score, decide(score, 0.5))
    weights = np.random.default_rng(seed).integers(0, 3, size=(14, WIDE)).astype(float)

    together = value_of(metric, rows, weights)

    alone = [value_of(metric, rows, weights[:, [draw]])[0] for draw in (0, 1, WIDE - 1)]
    np.testing.assert_allclose(together[[0, 1, -1]], alone, rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 4))
@settings(max_examples=10)
def test_several_sets_are_evaluated_as_each_alone(metric, seed, classes):
    """Values, classes, codes and counts are those of ``evaluate``, also where a class is absent."""
    label, score = drawn(seed, n=24, classes=classes)
    score[:2] = np.eye(classes)[label[:2] - 1]  # certain and wrong, so that log loss is cut off
    owner = np.arange(24) % 5
    members = (owner[:, None] == np.arange(5)).astype(float)

    together = evaluate_each(metric, Rows(label, score, decide(score, 0.5)), members)

    for number, found in enumerate(together):
        alone = evaluate(metric, label[owner == number], score[owner == number])
        assert found.value == pytest.approx(alone.value, rel=1e-12, nan_ok=True)
        assert found.per_class == pytest.approx(alone.per_class, rel=1e-12, nan_ok=True)
        assert found.codes == alone.codes
        assert (found.support, found.clipped) == (alone.support, alone.clipped)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize("classes", [2, 3])
def test_perfect_probabilities_reach_the_best_bound(metric, classes):
    """Certain and right is the best there is, at the end that the metric calls better."""
    label = np.arange(12) % classes

    found = evaluate(metric.name, label, np.eye(classes)[label])

    best = metric.bounds[1] if metric.greater_is_better else metric.bounds[0]
    assert found.value == best
    assert set(found.per_class) <= {best}


def test_sensitivity_at_95_specificity_takes_the_best_allowed_threshold():
    """20 negatives allow one false alarm: scores above the second highest negative are found."""
    negatives = np.linspace(0.05, 0.60, 20)  # the two highest are 0.60 and about 0.571
    label = np.repeat([0, 1], [20, 4])
    score = binary(np.concatenate([negatives, [0.9, 0.58, 0.5, 0.1]]))

    assert evaluate("sensitivity-at-95-specificity", label, score).value == 0.5  # 0.9 and 0.58


def test_sensitivity_is_zero_when_every_threshold_is_too_unspecific():
    """The highest score is a negative's, and 19 negatives allow no false alarm."""
    score = binary([0.99, *[0.1] * 18, 0.8])

    assert evaluate("sensitivity-at-95-specificity", [0] * 19 + [1], score).value == 0.0


def test_calibration_error_by_hand():
    """Two bags at 0.2 never happen, two at 0.9 always do: gaps of 0.2 and 0.1."""
    score = binary([0.2, 0.2, 0.9, 0.9])

    found = evaluate("ece", [0, 0, 1, 1], score)

    assert found.value == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)


def test_bins_of_the_calibration_error_are_closed_above():
    """0.2 is the upper edge of a bin of 15, so 0.25 is in the next: gaps of 0.2 and 0.75."""
    found = evaluate("ece", [0, 1], binary([0.2, 0.25]))

    assert found.value == pytest.approx((0.2 + 0.75) / 2)


def test_calibration_error_of_three_classes_reads_the_largest_probability():
    """Confidence 0.6 and right in one of two bags is a gap of 0.1."""
    score = [[0.6, 0.2, 0.2], [0.6, 0.2, 0.2]]

    assert evaluate("ece", [0, 1], score).value == pytest.approx(0.1)


def test_ties_count_half():
    """One of two positives ties with the only negative: (1 + 0.5) / 2."""
    assert evaluate("auroc", [0, 1, 1], binary([0.4, 0.4, 0.7])).value == 0.75


def test_constant_scores_have_an_auroc_of_half():
    """A method that says the same of every bag ranks nothing."""
    assert evaluate("auroc", [0, 0, 1], binary([0.3, 0.3, 0.3])).value == 0.5


@pytest.mark.parametrize(
    "metric", ["auroc", "average-precision", "sensitivity-at-95-specificity", "balanced-accuracy"]
)
@pytest.mark.parametrize("present", [0, 1])
def test_one_class_leaves_the_value_undefined(metric, present):
    """Neither 0.5 nor 1 nor 0: NaN, and the code says why."""
    found = evaluate(metric, [present] * 3, binary([0.2, 0.6, 0.9]))

    assert np.isnan(found.value)
    assert found.codes == {"FOLD_MISSING_CLASS"}


def test_an_absent_class_spoils_the_macro_and_its_own_value_only():
    """Class 2 of 3 does not occur: the others keep their one-against-rest value."""
    score = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2]]

    found = evaluate("auroc", [0, 0, 1], score)

    assert np.isnan(found.value)
    assert found.per_class[:2] == (1.0, 1.0)
    assert np.isnan(found.per_class[2])
    assert found.support == (2, 1, 0)


def test_f1_leaves_out_a_class_nobody_spoke_of():
    """Class 2 is neither true nor decided for: the mean is over 2/3 and 4/5."""
    label, decided = [0, 0, 1, 1], [0, 1, 1, 1]

    found = evaluate("f1", label, np.eye(3)[decided])

    assert found.value == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.support == (2, 2, 0)


def test_f1_counts_a_class_decided_for_in_error():
    """Class 2 does not occur but was decided for: its F1 is 0 and counts, as in scikit-learn."""
    label, decided = [0, 0, 1, 1], [0, 2, 1, 1]

    expected = sk.f1_score(label, decided, labels=[0, 1, 2], average="macro", zero_division=np.nan)

    assert evaluate("f1", label, np.eye(3)[decided]).value == pytest.approx(expected)


def test_quadratic_kappa_knows_grades_that_do_not_occur():
    """Grade 1 of 0 to 3 is absent; the distance of 0 and 2 is still 2."""
    label, decided = [0, 0, 2, 2, 3, 3], [0, 2, 2, 3, 3, 3]
    expected = sk.cohen_kappa_score(label, decided, weights="quadratic", labels=range(4))
    without_labels = sk.cohen_kappa_score(label, decided, weights="quadratic")

    found = evaluate("quadratic-kappa", label, np.eye(4)[decided]).value

    assert found == pytest.approx(expected)
    assert found != pytest.approx(without_labels)


@pytest.mark.parametrize("metric", ["mcc", "kappa", "quadratic-kappa"])
def test_agreement_of_two_constants_is_undefined(metric):
    """One class only, always decided for: there is nothing to agree about."""
    found = evaluate(metric, [1, 1, 1], binary([0.9, 0.8, 0.7]))

    assert np.isnan(found.value)
    assert found.codes == {"DEGENERATE_VARIANCE"}


def test_constant_decisions_have_a_correlation_of_zero():
    """MCC of a method that always says class 1 is 0, as in scikit-learn."""
    assert evaluate("mcc", [0, 1, 1], binary([0.9, 0.8, 0.7])).value == 0.0


def test_a_zero_probability_costs_no_more_than_one_in_ten_million():
    """Log loss is cut off at 1e-7 and counts the bag."""
    found = evaluate("log-loss", [1, 0], binary([0.0, 0.5]))

    assert found.value == pytest.approx((-np.log(1e-7) - np.log(0.5)) / 2)
    assert found.clipped == 1


def test_a_threshold_belongs_to_its_row():
    """The same score is positive under one threshold and negative under another."""
    found = evaluate("accuracy", [1, 0], binary([0.4, 0.4]), threshold=np.array([0.3, 0.5]))

    assert found.value == 1.0


def test_a_score_at_the_threshold_is_positive():
    """Class 1 is decided for from the threshold upwards."""
    assert evaluate("sensitivity", [0, 1], binary([0.1, 0.5])).value == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_single_precision_scores_are_accepted(metric):
    """float32 softmax rows are off by 1e-5; scikit-learn would refuse them."""
    label, score = drawn(seed=3, decimals=8)
    single = (score * (1 + 1e-5)).astype(np.float32)

    found = evaluate(metric, label, single)

    assert found.value == pytest.approx(evaluate(metric, label, score).value, abs=1e-5)
    assert not found.codes


def test_rows_that_sum_to_one_keep_their_ties():
    """Two equal scores stay equal although their rows differ by rounding."""
    score = [[0.1, 0.2, 0.7], [0.7, 0.2, 0.1], [0.3, 0.2, 0.5]]

    assert evaluate("auroc", [0, 1, 2], score).per_class[1] == 0.5


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_scores_that_are_no_probabilities_can_only_be_ranked(metric):
    """Logits give AUROC and the like; everything else is NaN with a code."""
    found = evaluate(metric.name, [0, 1, 1], [[0.0, -3.0], [0.0, 2.0], [0.0, 5.0]])

    assert np.isnan(found.value) == (metric.kind != "ranking")
    assert found.codes == (set() if metric.kind == "ranking" else {"NONPROBABILITY"})


def test_per_class_values_are_against_the_rest():
    """With two classes both have the same AUROC, and recall is specificity and sensitivity."""
    label, score = [0, 0, 0, 1], binary([0.1, 0.2, 0.7, 0.6])

    assert evaluate("auroc", label, score).per_class == pytest.approx((2 / 3, 2 / 3))
    assert evaluate("sensitivity", label, score).per_class == pytest.approx((2 / 3, 1.0))
    assert evaluate("specificity", label, score).per_class == pytest.approx((1.0, 2 / 3))


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        ([0, 1], [[0.5, 0.5]], r"labels of shape \(2,\) and scores of shape \(1, 2\)"),
        ([0, 1], [[1.0], [1.0]], "one score a class"),
        ([0, 2], [[0.5, 0.5]] * 2, "labels from 0 to 2, but the scores have 2 classes"),
        ([], np.empty((0, 2)), "no rows"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], r"1 rows have a NaN or infinite score, first \[1\]"),
    ],
)
def test_impossible_rows_are_refused(label, score, message):
    """The message says what was found and what was expected."""
    with pytest.raises(ScoreError, match=message):
        evaluate("auroc", label, score)


def test_an_unknown_metric_is_answered_with_those_there_are():
    """A misspelt name is met with the list."""
    with pytest.raises(ScoreError, match="no metric 'auc'; there are: auroc, average-precision"):
        evaluate("auc", [0, 1], binary([0.1, 0.9]))
