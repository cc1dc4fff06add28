"""A small run of the calibration: equal learners, and how often each test says otherwise.

Rates of 60 seeded studies: a valid test rejects 3 of them, and more than 8 with a chance of
0.004. The script in ``benchmarks/statistics`` runs more studies of more kinds.
"""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milbench.metrics import Predictions

ROOT = Path(__file__).resolve().parents[2]
STUDIES = 60
MOST = 8 / STUDIES


@pytest.fixture(scope="module")
def script():
    """Return the script as a module."""
    import sys  # noqa: PLC0415  # a dataclass looks its module up

    file = ROOT / "benchmarks" / "statistics" / "calibration.py"
    spec = importlib.util.spec_from_file_location("calibration", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["calibration"]


def test_both_tests_hold_their_level_and_naive_ones_do_not(script):
    """Equal learners in 3 x 5 folds: naive tests reject a quarter and more, P and T a twentieth."""
    setting = script.Setting("stable", 3, 5, noisy=False)

    gap, rates = script.rejections(setting, STUDIES, draws=200, seed=1)

    assert abs(gap) < 0.02
    assert rates["P"] <= MOST
    assert rates["T"] <= MOST
    assert min(rates[name] for name in ("t over folds", "Wilcoxon", "t over repeats")) > MOST


def test_slides_of_a_patient_are_no_patients(script):
    """One to four slides a patient: P holds its level, DeLong on slides does not."""
    setting = script.Setting("slides", 3, 5, noisy=False, slides=4)

    _, rates = script.rejections(setting, STUDIES, draws=200, seed=2)

    assert rates["P"] <= MOST
    assert rates["T"] <= MOST
    assert rates["pooled DeLong"] > MOST


def test_a_true_difference_is_found(script):
    """About 0.06 in AUROC with 200 patients: P finds it in half of the studies."""
    setting = script.Setting("better", 3, 5, noisy=False, better=True)

    gap, rates = script.rejections(setting, 20, draws=200, seed=3)

    assert 0.03 < gap < 0.1
    assert rates["P"] > 0.25


def test_permuted_labels_are_not_told_apart(script):
    """Labels that mean nothing: both learners are at one half, and P rejects a twentieth."""
    setting = script.Setting("noise", 3, 5, noisy=False, patients=100, positive=50)
    found, values = [], []
    for study in range(STUDIES):
        generator = np.random.default_rng([4, study])
        methods = script.study_of(setting, generator)
        mixed = generator.permutation(setting.patients)
        rows = {name: permuted(p, mixed) for name, p in methods.items()}
        drawn = script.patient_bootstrap("auroc", rows, draws=200, seed=study)
        found.append(drawn.paired("A", "B").p < 0.05)
        values.append(drawn.estimates["A"].value)

    assert np.mean(found) <= MOST
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)


def permuted(predictions: Predictions, mixed: np.ndarray) -> Predictions:
    """Return the rows with the labels of other patients, one bag a patient."""
    owner = np.array([int(name[1:]) for name in predictions.patient])
    label = np.empty(len(mixed), dtype=int)
    label[owner] = predictions.label
    return replace(predictions, label=label[mixed][owner])


def test_a_learner_against_itself_has_p_one(script):
    """In every study, not in nineteen of twenty."""
    rows = script.study_of(script.SETTINGS[1], np.random.default_rng(5))["A"]

    drawn = script.patient_bootstrap("auroc", {"a": rows, "b": rows}, draws=50, seed=1)

    assert drawn.paired("a", "b").p == 1.0
