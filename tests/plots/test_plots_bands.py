"""Curves against scikit-learn, and bands that mean what they say."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from milbench.metrics import Predictions
from milbench.plots.bands import GRID, calibration, precision_recall, roc, steps

SEED = 7


def predictions(label, score, run=None, patient=None):
    """Return the rows of two classes, all of one run where ``run`` is not given."""
    label, score = np.asarray(label), np.asarray(score, dtype=float)
    run = np.zeros(len(label), int) if run is None else np.asarray(run)
    return Predictions(
        bag=[f"b{i}" for i in range(len(label))],
        patient=[f"p{i}" for i in (range(len(label)) if patient is None else patient)],
        label=label,
        score=np.stack([1 - score, score], axis=1),
        repeat=np.zeros(len(label), int),
        fold=run,
        seed=np.zeros(len(label), int),
        threshold=np.full(len(label), 0.5),
        classes=("no", "yes"),
    )


@pytest.fixture
def rows():
    """Return 120 labels and scores with many ties: scores have one decimal."""
    rng = np.random.default_rng(3)
    label = rng.permutation(np.arange(120) % 2)
    return label, np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1).round(1)


def test_roc_is_scikit_learn_s(rows):
    """Between corners a tie is a slope, so linear interpolation of its curve is ours."""
    label, score = rows
    x, y, _ = roc_curve(label, score, drop_intermediate=False)

    np.testing.assert_allclose(
        roc(predictions(label, score), SEED).y[1:], np.interp(GRID[1:], x, y)
    )


def test_roc_starts_at_the_top_of_its_first_step():
    """Two of three positives score above every negative: sensitivity 2/3 without a false alarm."""
    band = roc(predictions([1, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5]), SEED)

    assert band.y[0] == pytest.approx(2 / 3)
    assert band.y[GRID < 0.5] == pytest.approx(2 / 3)
    assert band.y[GRID >= 0.5] == pytest.approx(1.0)


def test_a_constant_score_is_the_diagonal():
    """One tie of all bags: nothing is told apart, and the area is one half."""
    band = roc(predictions([0, 1, 0, 1], [0.5] * 4), SEED)

    np.testing.assert_allclose(band.y, GRID)


def test_roc_of_folds_is_the_mean_of_their_curves(rows):
    """Its area is the mean AUROC of the folds, as in the table."""
    label, score = rows
    run = np.arange(120) % 3
    band = roc(predictions(label, score, run), SEED)
    areas = [roc_auc_score(label[run == fold], score[run == fold]) for fold in range(3)]

    area = ((band.y[1:] + band.y[:-1]) / 2 * np.diff(band.x)).sum()

    assert area == pytest.approx(np.mean(areas), abs=0.01)


def test_a_fold_without_a_class_counts_for_nothing():
    """It has no curve."""
    label, score = [1, 0, 1, 0, 1], [0.9, 0.1, 0.2, 0.8, 0.5]
    both = roc(predictions(label, score, [0, 0, 0, 0, 1]), SEED)
    one = roc(predictions(label[:4], score[:4]), SEED)

    np.testing.assert_allclose(both.y, one.y)


def test_precision_is_scikit_learn_s(rows):
    """At each recall that of the first threshold which reaches it."""
    label, score = rows
    precision, recall, _ = precision_recall_curve(label, score)
    expected = [precision[np.flatnonzero(recall >= x - 1e-12).max()] for x in GRID[1:]]

    np.testing.assert_allclose(precision_recall(predictions(label, score), SEED).y, expected)


def test_calibration_is_scikit_learn_s():
    """Mean probability and share that came true of ten bins, of scores on no edge."""
    rng = np.random.default_rng(5)
    score = rng.uniform(size=500)
    label = (rng.uniform(size=500) < score).astype(int)
    happened, said = calibration_curve(label, score, n_bins=10)
    found = calibration(predictions(label, score), SEED)

    np.testing.assert_allclose(found.said, said)
    np.testing.assert_allclose(found.happened, happened)
    assert found.share.sum() == pytest.approx(1.0)


def test_calibration_of_several_classes_is_that_of_the_largest():
    """Three bags say 0.8 and two are right."""
    p = predictions([0, 1, 1], [0.2, 0.8, 0.8])
    three = Predictions(
        **{name: getattr(p, name) for name in ("bag", "patient", "repeat", "fold", "seed")},
        label=[0, 1, 2],
        score=[[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]],
        threshold=p.threshold,
        classes=("a", "b", "c"),
    )
    found = calibration(three, SEED)
    (place,) = np.flatnonzero(found.share)

    assert (found.said[place], found.happened[place]) == pytest.approx((0.8, 2 / 3))


def test_band_holds_its_curve_and_is_inside_the_square(rows):
    """Draws are centred on the curve, so the band is around it, between 0 and 1."""
    for band in (roc(predictions(*rows), SEED), precision_recall(predictions(*rows), SEED)):
        assert (band.low <= band.y + 1e-9).all()
        assert (band.y <= band.high + 1e-9).all()
        assert band.low.min() >= 0.0
        assert band.high.max() <= 1.0


def test_copied_bags_do_not_narrow_the_band(rows):
    """Each bag three times over, of the same patient: the band is what it was."""
    label, score = rows
    once = roc(predictions(label, score), SEED)
    thrice = roc(
        predictions(np.tile(label, 3), np.tile(score, 3), None, np.tile(range(120), 3)), SEED
    )

    np.testing.assert_allclose(thrice.low, once.low)
    np.testing.assert_allclose(thrice.high, once.high)


def test_steps_by_hand():
    """Scores 3, 2, 2, 1 of which the first 2 and the 3 are hits; the second draw drops the 3."""
    found = steps(
        np.array([True, True, False, False]),
        np.array([3.0, 2.0, 2.0, 1.0]),
        np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 1.0], [1.0, 1.0]]),
    )

    assert found.hits.T.tolist() == [[0, 1, 2, 2], [0, 0, 2, 2]]
    assert found.false_alarms.T.tolist() == [[0, 0, 1, 2], [0, 0, 1, 2]]
