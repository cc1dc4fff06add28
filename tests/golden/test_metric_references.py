"""Metrics against the reference values: R packages, scikit-learn and definitional loops."""

import numpy as np
import pytest

from milbench.metrics import Predictions, evaluate
from milbench.metrics.froc import Detections, froc, trace
from milbench.metrics.proper import calibration_error
from milbench.metrics.reliability import reliability
from milbench.metrics.rows import Rows, decide
from milbench.metrics.survival import c_index
from milbench.stats.estimate import estimate

pytestmark = pytest.mark.data

BINARY = {
    "sensitivity-at-95-specificity": "sens_at_spec_0.95",
    "average-precision": "average_precision",
    "accuracy": "accuracy",
    "balanced-accuracy": "balanced_accuracy",
    "f1": "f1",
    "mcc": "mcc",
    "brier": "brier",
    "log-loss": "log_loss",
}
MULTI = {
    "ece": "ece15",
    "brier": "brier_sum(0..2)",
    "log-loss": "log_loss",
    "balanced-accuracy": "balanced_accuracy",
    "f1": "f1_macro",
    "weighted-f1": "f1_weighted",
    "classwise-ece": "classwise_ece15_mean",
    "accuracy": "accuracy",
    "mcc": "mcc",
}
ORDINAL = {
    "mae": "mae",
    "macro-mae": "macro_mae_present_classes",
    "within-one-accuracy": "within_one",
    "kendall-tau": "kendall_tau_b",
}
MULTI_PER_CLASS = {
    "ece": "classwise_ece15",
    "balanced-accuracy": "recall_per_class",
    "f1": "f1_per_class",
}


def of_class_one(given, method):
    score = np.array(given["scores"][method] if "scores" in given else given[method])
    return np.column_stack([1.0 - score, score])


@pytest.mark.parametrize("method", ["A", "B", "C"])
@pytest.mark.parametrize("metric", BINARY)
def test_binary_metrics(reference, metric, method):
    """Case ``binary_metrics`` to 1e-10."""
    given, expected = reference("binary_metrics")

    found = evaluate(metric, given["y"], of_class_one(given, method)).value

    assert found == pytest.approx(expected[method][BINARY[metric]], abs=1e-10)


@pytest.mark.parametrize("method", ["A", "B", "C"])
def test_calibration_error_in_ten_bins(reference, method):
    """Case ``ece.binary``: the same definition with ten bins."""
    given, expected = reference("ece.binary")
    label, score = np.array(given["y"]), of_class_one(given, method)

    found = calibration_error(
        Rows(label, score, decide(score, 0.5)), np.ones((len(label), 1)), bins=10
    )

    assert found[0] == pytest.approx(expected[method]["ece10"], abs=1e-10)
    largest = reliability(score[:, 1], label, bins=10).largest_gap
    assert largest == pytest.approx(expected[method]["mce10"], abs=1e-10)


@pytest.mark.parametrize("method", ["A", "B"])
@pytest.mark.parametrize("metric", MULTI)
def test_metrics_of_four_classes(reference, metric, method):
    """Case ``multiclass`` to 1e-9."""
    given, expected = reference("multiclass")

    found = evaluate(metric, given["y"], given["probs"][method])

    assert found.value == pytest.approx(expected["metrics"][method][MULTI[metric]], abs=1e-9)
    if metric in MULTI_PER_CLASS:
        per_class = expected["metrics"][method][MULTI_PER_CLASS[metric]]
        assert found.per_class == pytest.approx(per_class, abs=1e-9)


@pytest.mark.parametrize("method", ["A", "B"])
def test_auroc_of_four_classes(reference, method):
    """Case ``multiclass``: macro and per class equal R's pROC."""
    given, expected = reference("multiclass")

    found = evaluate("auroc", given["y"], given["probs"][method])

    assert found.value == pytest.approx(expected["auc"]["ovr_macro"][method], abs=1e-9)
    assert found.per_class == pytest.approx(expected["auc"]["ovr_per_class"][method], abs=1e-9)


@pytest.mark.parametrize("method", ["A", "B"])
def test_quadratic_kappa_with_an_absent_grade(reference, method):
    """Case ``ordinal.qwk``: equal to R's vcd, unequal to scikit-learn without labels."""
    given, expected = reference("ordinal.qwk")
    score = np.eye(given["n_classes"])[given["pred"][method]]

    found = evaluate("quadratic-kappa", given["y"], score).value

    assert found == pytest.approx(expected[method]["qwk"], abs=1e-8)
    assert found != pytest.approx(expected[method]["qwk_WRONG_without_labels"], abs=1e-3)
    plain = evaluate("kappa", given["y"], score).value
    assert plain == pytest.approx(expected[method]["unweighted_kappa"], abs=1e-8)


HIERARCHY = {
    "accuracy": "coarse_accuracy_from_fine",
    "hierarchical-f": "hP=hR=hF(fine+coarse ancestors, root excluded)",
    "mistake-height": "mean_lca_height_of_mistakes(1=same coarse,2=different coarse)",
    "fine-given-coarse": "fine_accuracy_given_coarse_correct",
}


@pytest.mark.parametrize("metric", HIERARCHY)
def test_metrics_of_two_levels(reference, metric):
    """Case ``hierarchy``: coarse answers are the branches of the fine ones."""
    given, expected = reference("hierarchy")
    parents, label = np.array(given["fine_to_coarse"]), np.array(given["y"])
    bags = [f"b{i}" for i in range(len(label))]
    zeros = np.zeros(len(label))
    shared = {"bag": bags, "patient": bags, "repeat": zeros, "fold": zeros, "seed": zeros}
    shared |= {"threshold": zeros + 0.5}
    fine = Predictions(**shared, label=label, score=np.eye(6)[given["pred"]], classes=(*"abcdef",))
    coarse = Predictions(
        **shared,
        label=parents[label],
        score=np.eye(3)[parents[given["pred"]]],
        classes=(*"ABC",),
        fine=fine,
        parents=tuple(parents.tolist()),
    )

    assert estimate(metric, coarse).value == pytest.approx(expected[HIERARCHY[metric]], abs=1e-12)
    assert estimate("accuracy", fine).value == pytest.approx(expected["fine_accuracy"], abs=1e-12)


@pytest.mark.parametrize("method", ["A", "B"])
@pytest.mark.parametrize(
    ("metric", "name"), [("hand-till", "hand_till"), ("weighted-auroc", "ovr_weighted")]
)
def test_other_means_of_auroc(reference, metric, name, method):
    """Case ``multiclass``: pROC's multiclass.roc, and the mean by prevalence."""
    given, expected = reference("multiclass")

    found = evaluate(metric, given["y"], given["probs"][method])

    assert found.value == pytest.approx(expected["auc"][name][method], abs=1e-9)


@pytest.mark.parametrize("method", ["A", "B"])
@pytest.mark.parametrize("metric", ORDINAL)
def test_ordered_grades(reference, metric, method):
    """Case ``ordinal.qwk``: distances and Kendall's tau-b, one grade absent."""
    given, expected = reference("ordinal.qwk")
    score = np.eye(given["n_classes"])[given["pred"][method]]

    found = evaluate(metric, given["y"], score)

    assert found.value == pytest.approx(expected[method][ORDINAL[metric]], abs=1e-8)
    assert found.codes == ({"FOLD_MISSING_CLASS"} if metric == "macro-mae" else set())


def test_c_index(reference):
    """Case ``cindex`` to 1e-9: R's survival, with tied times."""
    given, expected = reference("cindex")

    found = c_index(given["time"], given["event"], given["risk"])

    assert found == pytest.approx(expected["c"], abs=1e-9)


def test_froc(reference):
    """Case ``froc`` to 1e-10: every operating point, and both readings at six levels."""
    given, expected = reference("froc")
    slides = [
        Detections(
            bag=f"slide{number}",
            patient=f"patient{number}",
            lesions=tuple(slide["lesion_max_score"]),
            false_positives=tuple(slide["false_positive_scores"]),
        )
        for number, slide in enumerate(given["slides"])
    ]

    curve, found = trace(slides, np.ones((len(slides), 1))), froc(slides)

    points = np.column_stack([curve.false_positives[:, 0], curve.sensitivity[:, 0]])
    wanted = np.array(expected["points_fp_per_slide_sensitivity"])
    assert {tuple(p) for p in wanted.round(10)} <= {tuple(p) for p in points.round(10)}
    assert found.step == pytest.approx(expected["step"], abs=1e-10)
    assert found.interpolated == pytest.approx(expected["interp"], abs=1e-10)
    assert found.mean == pytest.approx(expected["interp_mean"], abs=1e-10)
    assert found.mean_step == pytest.approx(expected["step_mean"], abs=1e-10)
