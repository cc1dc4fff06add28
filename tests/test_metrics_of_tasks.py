"""Metrics of grades, instances, lesions and survival, by hand and by libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from milbench.errors import ScoreError, StatisticsError
from milbench.metrics import Predictions, evaluate
from milbench.metrics.froc import Detections, froc, mean_sensitivity
from milbench.metrics.localisation import (
    InstanceScores,
    auroc,
    average_precision,
    dice,
    localise,
    pointing,
)
from milbench.metrics.patient_level import by_patient
from milbench.metrics.reliability import reliability
from milbench.metrics.survival import c_index, concordance, event_codes
from milbench.stats.within_folds import within_fold_pairs


def graded(seed, n=50, classes=5):
    """Return labels with every class and probabilities that lean to them."""
    generator = np.random.default_rng(seed)
    label = np.concatenate([np.arange(classes), generator.integers(classes, size=n - classes)])
    score = generator.random((n, classes)).round(1) + 0.1 + 0.4 * np.eye(classes)[label]
    return label, score / score.sum(axis=1, keepdims=True)


# Classes


def test_hand_till_is_scikit_learns_one_against_one():
    """With ties; scikit-learn's default for ``ovo``."""
    label, score = graded(1, classes=4)

    expected = sk.roc_auc_score(label, score, multi_class="ovo", average="macro")

    assert evaluate("hand-till", label, score).value == pytest.approx(expected, abs=1e-12)


def test_hand_till_of_an_absent_class_is_undefined():
    """scikit-learn silently averages the pairs that are there."""
    label, score = graded(2, classes=3)
    kept = label != 2

    found = evaluate("hand-till", label[kept], score[kept])

    assert np.isnan(found.value)
    assert found.codes == {"FOLD_MISSING_CLASS"}


def test_top_two_accuracy():
    """Second of three counts, third does not; of equal scores the first class comes first."""
    score = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.3, 0.3], [0.4, 0.3, 0.3]])

    found = evaluate("top-2-accuracy", [1, 0, 1, 2], score)

    assert found.value == pytest.approx(2 / 4)


def test_top_two_accuracy_agrees_with_scikit_learn():
    """On scores without ties."""
    label, score = graded(3)
    score = score + np.random.default_rng(3).random(score.shape) * 1e-6

    expected = sk.top_k_accuracy_score(label, score, k=2)

    found = evaluate("top-2-accuracy", label, score / score.sum(axis=1, keepdims=True))
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_weighted_f1_agrees_with_scikit_learn():
    """As the papers on BRACS have it."""
    label, score = graded(4)

    expected = sk.f1_score(label, score.argmax(axis=1), average="weighted")

    assert evaluate("weighted-f1", label, score).value == pytest.approx(expected, abs=1e-12)


# Grades


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_tau_agrees_with_scipy(seed):
    """Many ties, for there are five grades only."""
    label, score = graded(seed)

    expected = stats.kendalltau(label, score.argmax(axis=1)).statistic

    assert evaluate("kendall-tau", label, score).value == pytest.approx(expected, abs=1e-12)


def test_distances_of_grades():
    """By hand: errors 0, 1, 2, 0; the mean of grade 0 is 0.5, that of grade 2 is 1."""
    decided = np.eye(3)[[0, 1, 0, 2]]

    found = {
        name: evaluate(name, [0, 0, 2, 2], decided)
        for name in ("mae", "macro-mae", "within-one-accuracy")
    }

    assert [found[name].value for name in found] == pytest.approx([0.75, 0.75, 0.75])
    assert found["macro-mae"].per_class == pytest.approx((0.5, np.nan, 1.0), nan_ok=True)
    assert found["macro-mae"].codes == {"FOLD_MISSING_CLASS"}


def test_constant_grades_have_no_correlation():
    """Nothing varies, so nothing is correlated."""
    found = evaluate("kendall-tau", [0, 1, 2], np.eye(3)[[1, 1, 1]])

    assert np.isnan(found.value)
    assert found.codes == {"DEGENERATE_VARIANCE"}


# Calibration


def test_reliability_by_hand():
    """Two bins: 0.2 and 0.4 against one of two, 0.9 against one of one."""
    found = reliability([0.2, 0.4, 0.9], [0, 1, 1], bins=2)

    assert found.bags.tolist() == [2.0, 1.0]
    assert found.said == pytest.approx([0.3, 0.9])
    assert found.happened == pytest.approx([0.5, 1.0])
    assert found.largest_gap == pytest.approx(0.2)


def test_mean_classwise_error_weighs_classes_alike():
    """The value is the mean of the classes' own errors."""
    label, score = graded(5, classes=3)

    found = evaluate("classwise-ece", label, score)

    assert found.value == pytest.approx(np.mean(found.per_class), abs=1e-12)
    assert found.per_class == evaluate("ece", label, score).per_class


# Instances


def slide(bag, positive, score):
    return InstanceScores(bag=bag, patient=bag, positive=positive, score=score)


def test_slides_count_alike_whatever_their_size():
    """One of 2 instances with AUROC 1, one of 6 with 0.5, one without the class left out."""
    slides = [
        slide("small", [1, 0], [0.9, 0.1]),
        slide("large", [1, 1, 1, 0, 0, 0], [0.5] * 6),
        slide("normal", [0, 0], [0.3, 0.4]),
    ]

    found = localise(auroc, slides)

    assert found.per_slide == {"small": 1.0, "large": 0.5}
    assert found.value == pytest.approx(0.75)
    # Pooled: the hit at 0.9 beats 3 + 1 others, the three at 0.5 tie with 3 and beat 1: 4+3*2.5
    assert found.pooled == pytest.approx((4 + 7.5) / 16)
    assert found.codes == {"FEW_UNITS"}


def test_no_eligible_slide_has_no_value():
    """Nothing to localise is not a chance level."""
    found = localise(average_precision, [slide("normal", [0, 0], [0.1, 0.2])])

    assert np.isnan(found.value)
    assert found.codes == {"FEW_UNITS", "FOLD_MISSING_CLASS"}


def test_pointing_and_overlap_by_hand():
    """The best two tie, one of them right; from 0.5 on one hit, one miss, one false alarm."""
    one = slide("s", [1, 0, 1, 0], [0.9, 0.9, 0.2, 0.1])

    assert pointing(one) == 0.5
    assert dice(one, 0.5) == pytest.approx(2 * 1 / (2 + 2))


def test_instance_scores_must_fit():
    """Names the bag."""
    with pytest.raises(ScoreError, match="bag 's': 2 instance labels and 1 scores"):
        slide("s", [1, 0], [0.5])
    with pytest.raises(ScoreError, match="bag 's': an instance score is NaN"):
        slide("s", [1, 0], [0.5, np.nan])


# Lesions


def test_false_positives_of_normal_slides_count():
    """One lesion found at 0.8, two alarms above it on two slides: 1 a slide."""
    slides = [
        Detections("tumour", "p1", lesions=(0.8,)),
        Detections("normal", "p2", false_positives=(0.9, 0.85)),
    ]

    found = froc(slides)

    assert found.step == (0.0, 0.0, 1.0, 1.0, 1.0, 1.0)
    assert found.codes == {"FEW_UNITS"}


def test_the_lowest_threshold_counts():
    """The official script drops it: a lesion found at the lowest score of all is found."""
    slides = [Detections("a", "p", lesions=(0.5, 0.1)), Detections("b", "q")]

    assert froc(slides).mean == 1.0


def test_a_weighted_slide_is_a_repeated_slide():
    """For the bootstrap over patients."""
    slides = [
        Detections("a", "p", lesions=(0.7, None), false_positives=(0.6,)),
        Detections("b", "q", lesions=(0.4,), false_positives=(0.5, 0.3)),
    ]

    found = mean_sensitivity(slides, np.array([[2.0], [1.0]]))

    assert found == pytest.approx([froc([slides[0], slides[0], slides[1]]).mean], abs=1e-12)


def test_lesions_that_are_missing_or_broken():
    """No lesions have no sensitivity; a NaN is not a missed lesion."""
    nothing = froc([Detections("a", "p", false_positives=(0.5,))])
    assert np.isnan(nothing.mean)
    assert nothing.codes == {"FEW_UNITS", "FOLD_MISSING_CLASS"}
    with pytest.raises(ScoreError, match="write None for a lesion that was missed"):
        froc([Detections("a", "p", lesions=(float("nan"),))])
    with pytest.raises(ScoreError, match="FROC of no slides"):
        froc([])


# Survival


def test_concordance_by_hand():
    """Events at 1 and 2, observed to 3: three pairs, of which one ties, or two are wrong."""
    assert c_index([1, 2, 3], [1, 1, 0], [0.9, 0.5, 0.5]) == pytest.approx(2.5 / 3)
    assert c_index([1, 2, 3], [1, 1, 0], [0.1, 0.5, 0.2]) == pytest.approx(1 / 3)


def test_equal_times_compare_an_event_with_none():
    """Two events at one time are not comparable, an event and the end of observation are."""
    assert np.isnan(c_index([1, 1], [1, 1], [0.9, 0.1]))
    assert c_index([1, 1], [1, 0], [0.9, 0.1]) == 1.0


def test_a_weighted_patient_is_a_repeated_patient():
    """Copies of one patient are comparable with others, not with each other."""
    time, event, risk = np.array([1, 2, 3, 4]), np.array([1, 0, 1, 1]), np.array([4, 1, 2, 3.0])

    found = concordance(time, event, risk, np.array([[1.0], [2.0], [1.0], [3.0]]))

    copied = np.array([0, 1, 1, 2, 3, 3, 3])
    assert found == pytest.approx([c_index(time[copied], event[copied], risk[copied])])


def test_few_events_make_no_claim():
    """30 in all and 5 in each fold."""
    assert not event_codes([[1] * 15, [1] * 15])
    assert event_codes([[1] * 40, [1] * 4]) == {"FEW_UNITS"}
    assert event_codes([[1] * 14, [1] * 15]) == {"FEW_UNITS"}


@pytest.mark.parametrize(
    ("time", "event", "risk"),
    [([1, 2], [1], [0.1, 0.2]), ([1, 2], [1, 2], [0.1, 0.2]), ([1, 2], [1, 0], [0.1, np.nan])],
)
def test_broken_survival_rows_are_refused(time, event, risk):
    """Lengths, events and risks."""
    with pytest.raises(ScoreError):
        c_index(time, event, risk)


# Patients and folds


def rows(label, positive, patient, fold=None):
    bags = len(label)
    return Predictions(
        bag=[f"b{i}" for i in range(bags)],
        patient=patient,
        label=label,
        score=np.column_stack([1 - np.array(positive), positive]),
        repeat=[0] * bags,
        fold=fold or [0] * bags,
        seed=[0] * bags,
        threshold=[0.5] * bags,
        classes=("no", "yes"),
    )


def test_any_positive_bag_makes_a_positive_patient():
    """``max``: label and probability of the worst bag."""
    found = by_patient(rows([0, 1, 0], [0.2, 0.7, 0.4], ["p", "p", "q"]), "max")

    assert found.bag.tolist() == ["p", "q"]
    assert found.label.tolist() == [1, 0]
    assert found.score[:, 1] == pytest.approx([0.7, 0.4])


def test_a_mean_needs_one_label_a_patient():
    """Averages probabilities; mixed patients are named."""
    found = by_patient(rows([1, 1, 0], [0.2, 0.6, 0.4], ["p", "p", "q"]), "mean")
    assert found.score[:, 1] == pytest.approx([0.4, 0.4])
    with pytest.raises(ScoreError, match=r"patients \['p'\] have bags of several classes"):
        by_patient(rows([1, 0], [0.2, 0.6], ["p", "p"]), "mean")


def test_pairs_inside_folds():
    """Fold 0: 2 of 2 pairs right; fold 1: half of 1 pair; fold 2 has one class and no pair."""
    given_rows = rows(
        [1, 0, 0, 1, 0, 1],
        [0.9, 0.1, 0.2, 0.5, 0.5, 0.3],
        list("abcdef"),
        fold=[0, 0, 0, 1, 1, 2],
    )

    assert within_fold_pairs(given_rows) == pytest.approx(2.5 / 3)


def test_pairs_of_more_classes_are_refused():
    """There is no pair of a class and the others."""
    three = Predictions(
        bag=["a", "b", "c"], patient=["a", "b", "c"], label=[0, 1, 2], score=np.eye(3),
        repeat=[0] * 3, fold=[0] * 3, seed=[0] * 3, threshold=[0.5] * 3, classes=("x", "y", "z"),
    )  # fmt: skip
    with pytest.raises(StatisticsError, match="expected two"):
        within_fold_pairs(three)
