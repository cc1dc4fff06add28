"""Metrics of several labels a bag, by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from milbench.errors import ScoreError
from milbench.metrics import METRICS, Predictions, evaluate
from milbench.metrics.catalogue import value_of
from milbench.metrics.definitions import why_not
from milbench.metrics.multilabel import MACRO
from milbench.metrics.patient_level import by_patient
from milbench.metrics.rows import Rows, decide_labels

MULTI = {
    "auroc": lambda y, p: sk.roc_auc_score(y, p, average="macro"),
    "micro-auroc": lambda y, p: sk.roc_auc_score(y, p, average="micro"),
    "average-precision": lambda y, p: sk.average_precision_score(y, p, average="macro"),
    "balanced-accuracy": lambda y, p: np.mean(
        [sk.balanced_accuracy_score(a, b >= 0.5) for a, b in zip(y.T, p.T, strict=True)]
    ),
    "f1": lambda y, p: sk.f1_score(y, p >= 0.5, average="macro"),
    "micro-f1": lambda y, p: sk.f1_score(y, p >= 0.5, average="micro"),
    "sensitivity": lambda y, p: sk.recall_score(y, p >= 0.5, average="macro"),
    "mcc": lambda y, p: np.mean(
        [sk.matthews_corrcoef(a, b >= 0.5) for a, b in zip(y.T, p.T, strict=True)]
    ),
    "subset-accuracy": lambda y, p: sk.accuracy_score(y, p >= 0.5),
    "hamming-loss": lambda y, p: sk.hamming_loss(y, p >= 0.5),
    "brier": lambda y, p: np.mean((y - p) ** 2),
    "log-loss": lambda y, p: np.mean([sk.log_loss(a, b) for a, b in zip(y.T, p.T, strict=True)]),
}


def drawn(seed, bags=40, labels=3):
    """Return labels and probabilities with ties."""
    generator = np.random.default_rng(seed)
    label = (generator.random((bags, labels)) < 0.4).astype(int)
    return label, (0.1 + 0.3 * label + 0.5 * generator.random((bags, labels))).round(1)


def rows_of(label, score):
    return Rows(label, score, decide_labels(score, 0.5))


@pytest.mark.parametrize("name", MULTI)
def test_several_labels_agree_with_scikit_learn(name):
    """Three labels, tied probabilities."""
    label, score = drawn(6)

    found = evaluate(name, label, score)

    assert found.value == pytest.approx(MULTI[name](label, score), abs=1e-12)
    if name in MACRO:
        assert np.mean(found.per_class) == pytest.approx(found.value, abs=1e-12)
    assert found.support == tuple(label.sum(axis=0))


@pytest.mark.parametrize("name", MULTI)
def test_a_weight_of_a_labelled_bag_is_a_repeated_bag(name):
    """So the bootstrap needs no copied rows."""
    label, score = drawn(7, bags=14, labels=2)
    weights = np.random.default_rng(7).integers(1, 3, size=(14, 1))

    found = value_of(name, rows_of(label, score), weights.astype(float))

    copied = np.repeat(np.arange(14), weights[:, 0])
    expected = evaluate(name, label[copied], score[copied]).value
    assert found == pytest.approx([expected], abs=1e-12)


@pytest.mark.parametrize("name", sorted(MACRO))
def test_one_label_is_two_classes(name):
    """The value of each metric that both have."""
    label, score = drawn(8, labels=1)

    found = evaluate(name, label, score)

    both = np.column_stack([1.0 - score, score])
    expected = evaluate(name, label[:, 0], both)
    assert (found.value, found.codes) == (expected.value, expected.codes)


def test_a_label_that_never_occurs_is_undefined():
    """The macro AUROC is NaN; F1 leaves out what is neither there nor decided for."""
    label, score = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.2, 0.1]])

    lacking = evaluate("auroc", label, score)

    assert np.isnan(lacking.value)
    assert lacking.per_class[0] == 1.0
    assert lacking.codes == {"FOLD_MISSING_CLASS"}
    assert evaluate("f1", label, score).value == 1.0


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        ([[1, 0]], [[0.5]], "expected \\(N, L\\) for both"),
        ([[1, 0]], [[0.5, np.nan]], "rows \\[0\\] have a NaN"),
        ([[1, 2]], [[0.5, 0.5]], "labels other than 0 and 1"),
    ],
)
def test_broken_label_rows_are_refused(label, score, message):
    """Shapes must agree, labels be 0 or 1, and scores be finite."""
    with pytest.raises(ScoreError, match=message):
        evaluate("auroc", label, score)


def test_metrics_are_refused_where_they_mean_nothing():
    """Kappa and accuracy of several labels, subset accuracy of one class; the message lists."""
    label, score = drawn(9)

    for name in ("kappa", "accuracy", "hand-till", "mae"):
        with pytest.raises(ScoreError, match=f"{name} is of one class a bag.*subset-accuracy"):
            evaluate(name, label, score)
    with pytest.raises(ScoreError, match="subset-accuracy is of several labels a bag"):
        evaluate("subset-accuracy", [0, 1], [[0.5, 0.5], [0.4, 0.6]])
    assert not [name for name in METRICS if why_not(name, is_multi_label=False)]


def predictions(label, score, **fields):
    bags = len(label)
    columns = {
        "bag": [f"b{n}" for n in range(bags)],
        "patient": [f"p{n // 2}" for n in range(bags)],
        "threshold": np.full(np.shape(score), 0.5),
    } | {name: np.zeros(bags, int) for name in ("repeat", "fold", "seed")}
    classes = tuple(f"label {n}" for n in range(np.shape(score)[1]))
    return Predictions(label=label, score=score, classes=classes, **columns | fields)


def test_each_label_has_a_threshold_of_its_own():
    """0.4 is decided for where the threshold is 0.3 and not where it is 0.5."""
    threshold = np.array([[0.3, 0.5], [0.3, 0.5]])
    found = predictions([[1, 0], [0, 1]], [[0.4, 0.4], [0.2, 0.6]], threshold=threshold)

    rows = found.rows(np.arange(2))

    assert rows.predicted.tolist() == [[1, 0], [0, 1]]
    assert found.is_probability


def test_probabilities_of_labels_need_no_sum():
    """Only their range is asked; beyond it ranking alone is possible."""
    assert predictions([[1, 1]], [[0.9, 0.9]]).is_probability
    wide = predictions([[1, 0], [0, 1]], [[3.0, 0.1], [-2.0, 0.2]])
    assert not wide.is_probability
    assert wide.score[0, 0] == 3.0


@pytest.mark.parametrize(
    ("label", "threshold", "message"),
    [
        ([[1, 2], [0, 1]], None, "bags 'b0' have labels outside 0 to 1"),
        ([[1, 0], [0, 1]], [0.5, 0.5], r"column threshold: shape \(2,\), expected \(2, 2\)"),
        ([[1], [0]], None, r"column label: shape \(2, 1\), expected \(2, 2\)"),
    ],
)
def test_broken_predictions_of_labels_are_refused(label, threshold, message):
    fields = {} if threshold is None else {"threshold": threshold}
    with pytest.raises(ScoreError, match=message):
        predictions(label, [[0.1, 0.2], [0.3, 0.4]], **fields)


def test_a_bag_with_two_sets_of_labels_is_refused():
    """In two repeats."""
    with pytest.raises(ScoreError, match="bags 'b' have more than one label"):
        predictions([[1, 0], [1, 1]], [[0.5, 0.5]] * 2, bag=["b", "b"], repeat=[0, 1])


@pytest.mark.parametrize(
    ("rule", "label", "score"),
    [("max", [1, 1], [0.6, 0.7]), ("mean", [1, 1], [0.4, 0.5])],
)
def test_a_patient_has_the_labels_of_its_bags(rule, label, score):
    """Any bag makes the patient positive; the mean needs equal labels."""
    of_bags = [[1, 0], [0, 1]] if rule == "max" else [[1, 1], [1, 1]]
    found = by_patient(predictions(of_bags, [[0.6, 0.3], [0.2, 0.7]]), rule)

    assert found.label.tolist() == [label]
    np.testing.assert_allclose(found.score, [score])
