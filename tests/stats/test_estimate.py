"""The value in the table, by hand: what is averaged, and what is pooled."""

import numpy as np
import pytest

from milbench.metrics import Predictions, evaluate
from milbench.stats.estimate import estimate


def rows(fold, label, positive, *, repeat=None, seed=None):
    """Return the rows of a method from the probabilities of class 1; a bag is a patient."""
    positive = np.asarray(positive, dtype=float)
    repeat = np.zeros(len(fold), int) if repeat is None else np.asarray(repeat)
    seed = np.zeros(len(fold), int) if seed is None else np.asarray(seed)
    bag = [f"{f}{y}" for f, y in zip(fold, label, strict=True)]
    return Predictions(
        bag=bag,
        patient=bag,
        label=label,
        score=np.column_stack([1.0 - positive, positive]),
        repeat=repeat,
        fold=fold,
        seed=seed,
        threshold=np.full(len(fold), 0.5),
        classes=("negative", "positive"),
    )


def test_auroc_is_the_mean_of_folds_and_not_pooled():
    """Each fold is ranked perfectly on its own scale; pooled, two of four pairs are wrong way."""
    predictions = rows([0, 0, 1, 1], [0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9])

    pooled = evaluate("auroc", predictions.label, predictions.score).value

    assert estimate("auroc", predictions).value == 1.0
    assert pooled == 0.75


def test_f1_is_pooled_and_not_the_mean_of_folds():
    """Folds have F1 1 and 0; all bags together have one hit, one miss, one false alarm: 1/2."""
    predictions = rows([0, 0, 1, 1], [0, 1, 0, 1], [0.1, 0.9, 0.9, 0.1])

    found = estimate("f1", predictions)

    assert found.value == 0.5
    np.testing.assert_array_equal(found.folds, [[1.0, 0.0]])


def test_log_loss_is_the_mean_over_bags():
    """A fold of three bags counts three times as much as a fold of one."""
    predictions = rows([0, 0, 1, 2], [0, 1, 0, 0], [0.5, 0.5, 0.5, 0.75])

    assert estimate("log-loss", predictions).value == pytest.approx(1.25 * np.log(2))


def test_seeds_are_averaged_in_a_fold_and_repeats_at_last():
    """Accuracies of repeat 0 are 1 and 1/2 by seed, those of repeat 1 are 0 and 1/2."""
    predictions = rows(
        [0] * 8,
        [0, 1] * 4,
        [0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9],
        repeat=[0, 0, 0, 0, 1, 1, 1, 1],
        seed=[3, 3, 4, 4, 8, 8, 9, 9],
    )

    found = estimate("accuracy", predictions)

    np.testing.assert_array_equal(found.per_seed, [[1.0, 0.5], [0.0, 0.5]])
    np.testing.assert_array_equal(found.per_repeat, [0.75, 0.25])
    np.testing.assert_array_equal(found.folds, [[0.75], [0.25]])
    assert found.value == 0.5


def test_sd_is_between_repeats():
    """Repeat means 0.75 and 0.25 have the sample SD 0.5 / sqrt(2)."""
    predictions = rows(
        [0, 0, 1, 1] * 2,
        [0, 1] * 4,
        [0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9],
        repeat=[0] * 4 + [1] * 4,
    )

    found = estimate("accuracy", predictions)

    assert found.sd == pytest.approx(0.5 / np.sqrt(2))


def test_sd_of_one_repeat_is_between_folds():
    """Folds with accuracy 1 and 1/2 have the sample SD 0.5 / sqrt(2)."""
    predictions = rows([0, 0, 1, 1], [0, 1, 0, 1], [0.1, 0.9, 0.1, 0.1])

    assert estimate("accuracy", predictions).sd == pytest.approx(0.5 / np.sqrt(2))


def test_one_fold_of_one_repeat_has_no_sd():
    """There is nothing to compare with."""
    assert np.isnan(estimate("accuracy", rows([0, 0], [0, 1], [0.1, 0.9])).sd)


def test_a_new_seed_in_each_repeat_is_one_seed_a_repeat():
    """Seeds are numbered within their repeat."""
    predictions = rows([0] * 4, [0, 1] * 2, [0.1] * 4, repeat=[0, 0, 1, 1], seed=[5, 5, 6, 6])

    assert estimate("accuracy", predictions).per_seed.shape == (2, 1)


def test_a_fold_without_a_class_leaves_the_value_undefined():
    """The fold is not skipped and not set to 0.5."""
    predictions = rows([0, 0, 1], [0, 1, 1], [0.1, 0.9, 0.8])

    found = estimate("auroc", predictions)

    assert np.isnan(found.value)
    assert "FOLD_MISSING_CLASS" in found.codes
    np.testing.assert_array_equal(found.folds, [[1.0, np.nan]])


def test_pooled_metrics_do_not_mind_a_fold_without_a_class():
    """All test bags of the repeat have both classes, so balanced accuracy is defined."""
    predictions = rows([0, 0, 1], [0, 1, 1], [0.1, 0.9, 0.1])

    found = estimate("balanced-accuracy", predictions)

    assert found.value == 0.75
    assert "FOLD_MISSING_CLASS" not in found.codes


def test_logits_have_no_log_loss():
    """The code says that the scores are no probabilities."""
    predictions = rows([0, 0], [0, 1], [-3.0, 4.0])

    found = estimate("log-loss", predictions)

    assert np.isnan(found.value)
    assert "NONPROBABILITY" in found.codes
    assert estimate("auroc", predictions).value == 1.0


def test_per_class_values_are_averaged_like_the_value(experiment):
    """The macro AUROC is the mean of the classes, also after folds, seeds and repeats."""
    found = estimate("auroc", experiment(1, patients=60, classes=3, seeds=2))

    assert found.value == pytest.approx(np.mean(found.per_class))


def test_patients_and_bags_are_counted_once(experiment):
    """Three repeats of 40 patients with two bags each."""
    found = estimate("accuracy", experiment(1, bags_each=2))

    assert (found.n_patients, found.n_bags) == (40, 80)


def test_clipped_bags_are_counted():
    """One of two bags was sure and wrong."""
    assert estimate("log-loss", rows([0, 0], [0, 1], [0.0, 0.0])).n_clipped == 1
