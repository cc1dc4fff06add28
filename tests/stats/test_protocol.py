"""The decision table without a number: designs in, procedures and refusals out."""

import pytest

from milbench.errors import StatisticsError
from milbench.stats.codes import MEANINGS
from milbench.stats.protocol import REFUSED, Facts, on_one_data_set, over_cohorts, refuse

USUAL = {
    "repeats": 5, "folds": 5, "seeds": 1, "one_split": False, "smallest_class": 60,
    "several_bags": False, "metric": "auroc", "n_classes": 2,
}  # fmt: skip
FIXED = {"repeats": 1, "folds": 1, "one_split": True}


def roles(**change):
    """Return what each procedure may do, and all codes."""
    found = on_one_data_set(Facts(**(USUAL | change)))
    return {step.test: step.role for step in found}, frozenset().union(*(s.codes for s in found))


@pytest.mark.parametrize(
    ("change", "wanted", "codes"),
    [
        ({}, {"P": "claims", "T": "confirms"}, set()),
        ({"repeats": 1}, {"P": "shown", "T": "confirms"}, {"SINGLE_RUN"}),
        ({"repeats": 1, "seeds": 3}, {"P": "claims", "T": "confirms"}, set()),
        ({"smallest_class": 49}, {"P": "shown", "T": "confirms"}, {"FEW_PATIENTS"}),
        ({"repeats": 1, "folds": 4}, {"P": "shown", "T": "refused"},
         {"SINGLE_RUN", "TOO_FEW_FOLDS"}),
        ({"one_split": True, "folds": 1, "repeats": 1, "seeds": 5}, {"P": "shown", "T": "refused"},
         {"SEED_ONLY_REPLICATION"}),
    ],
)  # fmt: skip
def test_resampled_designs(change, wanted, codes):
    """Rows 1 to 3 of the table: what claims, what is only shown, what is refused."""
    assert roles(**change) == (wanted, codes)


@pytest.mark.parametrize(
    ("change", "decides"),
    [
        ({}, "DeLong"),
        ({"several_bags": True}, "Obuchowski"),
        ({"smallest_class": 19}, "rank swap"),
        ({"metric": "accuracy"}, "McNemar"),
    ],
)
def test_fixed_models(change, decides):
    """Row 4: one model each on one test set."""
    found, _ = roles(**(FIXED | change))

    assert [test for test, role in found.items() if role == "claims"] == [decides]


@pytest.mark.parametrize(
    "change",
    [{"metric": "auroc", "n_classes": 3}, {"metric": "accuracy", "several_bags": True}],
)
def test_fixed_models_without_a_test_of_their_own(change):
    """More classes, or slides that are no units: the bootstrap is shown and claims nothing."""
    assert roles(**(FIXED | change)) == ({"P": "shown"}, {"SINGLE_RUN"})


@pytest.mark.parametrize(
    ("cohorts", "methods", "test", "role"),
    [
        (6, 2, "signed rank", "claims"),
        (5, 2, "random effects", "shown"),
        (9, 6, "signed rank", "shown"),
        (10, 6, "signed rank", "claims"),
        (2, 2, "signed rank", "refused"),
    ],
)
def test_cohorts(cohorts, methods, test, role):
    """Table 1.5: Holm's first step for six methods needs ten cohorts."""
    found = over_cohorts(cohorts, methods)

    assert (found.test, found.role) == (test, role)
    assert bool(found.codes) == (role != "claims")


def test_a_control_needs_fewer_cohorts():
    """Five comparisons instead of fifteen."""
    assert over_cohorts(8, 6, versus_control=True).role == "claims"
    assert over_cohorts(7, 6, versus_control=True).role == "shown"


@pytest.mark.parametrize("test", REFUSED)
def test_every_refusal_names_what_to_use(test):
    """With its code, where there is one."""
    why, instead, code = REFUSED[test]

    message = str(refuse(test))

    assert why in message
    assert message.endswith(f"use {instead}")
    assert not code or (code in MEANINGS and message.startswith(code))


def test_an_unknown_refusal_is_an_error():
    """It would hide a misspelt name."""
    with pytest.raises(StatisticsError, match="no refused test 'z over folds'"):
        refuse("z over folds")
