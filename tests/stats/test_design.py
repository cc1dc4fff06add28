"""What the rows say about replication, and what may be claimed from it."""

from dataclasses import replace

import numpy as np
import pytest

from milbench.stats.design import design_of


def test_three_repeats_of_five_folds(experiment):
    """Five equal folds: n_test / n_train is 1 / 4."""
    found = design_of(experiment(1, patients=100, repeats=3, folds=5, seeds=2))

    assert (found.repeats, found.folds, found.seeds) == (3, 5, 2)
    assert found.test_share == pytest.approx(1 / 4)
    assert not found.one_split
    assert not found.same_folds


def test_patients_are_counted_and_not_bags(experiment):
    """120 bags of 40 patients, half of them of each class."""
    assert design_of(experiment(1, bags_each=3)).smallest_class == 20


@pytest.mark.parametrize(
    ("design", "codes"),
    [
        ({"patients": 100, "repeats": 3}, set()),
        ({"patients": 100, "repeats": 1, "seeds": 3}, set()),
        ({"patients": 98, "repeats": 3}, {"FEW_PATIENTS"}),
        ({"patients": 100, "repeats": 2, "seeds": 2}, {"SINGLE_RUN"}),
        ({"patients": 100, "repeats": 1, "folds": 1}, {"SINGLE_RUN"}),
        ({"patients": 100, "repeats": 1, "folds": 1, "seeds": 5}, {"SEED_ONLY_REPLICATION"}),
        ({"patients": 100, "repeats": 5, "folds": 1}, {"SEED_ONLY_REPLICATION"}),
    ],
)
def test_guards_of_the_patient_level_test(experiment, design, codes):
    """At least 3 repeats or seeds, at least 50 patients in each class, more than one split."""
    found = design_of(experiment(1, **design))

    assert found.codes == codes
    assert found.patients_may_claim == (not codes)


def test_repeats_with_the_same_folds_are_found_out(experiment):
    """Folds of repeat 1 that are those of repeat 0 in another order are not new folds."""
    once = experiment(1, repeats=1, seeds=2)

    found = design_of(replace(once, repeat=once.seed, fold=(once.fold + once.seed) % 4))

    assert found.same_folds
    assert not found.one_split


def test_a_held_out_test_set_has_no_share(experiment):
    """The training bags of a single split are not among the rows."""
    found = design_of(experiment(1, repeats=1, folds=1))

    assert found.one_split
    assert np.isinf(found.test_share)
