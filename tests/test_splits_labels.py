"""Splits of bags with several labels: by patient, every label evenly, one label as two classes."""

import numpy as np
import pytest

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.splits import SplitPlan, draw_splits
from milbench.splits.plan import ROLES


def table(labels, patients=None, classes=None):
    """Return bags with these labels, two of each patient unless patients are given."""
    labels = np.array(labels)
    ids = tuple(f"b{n}" for n in range(len(labels)))
    owners = patients or [f"p{n // 2}" for n in range(len(labels))]
    return BagTable(
        ids=ids,
        labels=labels,
        patients=tuple(owners),
        sites=("",) * len(ids),
        parts=("",) * len(ids),
        sizes=np.ones(len(ids), dtype=np.int64),
        classes=classes or tuple(f"l{n}" for n in range(labels.shape[-1])),
    )


def mutations(seed, patients=100, shares=(0.5, 0.3, 0.12, 0.1)):
    """Return labels of patients with two bags each, as rare as given."""
    kinds = np.random.default_rng(seed).random((patients, len(shares))) < shares
    return np.repeat(kinds.astype(int), 2, axis=0)


def test_every_label_is_present_and_absent_in_every_part():
    """With and without each of four labels, whole patients, in training, validation and test."""
    bags = table(mutations(1))
    splits = draw_splits(bags, SplitPlan(repeats=2, folds=4, validation=0.25), name="toy")

    for roles in splits.roles.reshape(-1, len(bags)):
        for role in range(3):
            share = bags.labels[roles == role].mean(axis=0)
            assert ((share > 0) & (share < 1)).all(), ROLES[role]
        for patient in range(100):
            assert roles[2 * patient] == roles[2 * patient + 1]


def test_one_label_is_divided_as_two_classes():
    """The same roles, bag by bag, under the same name."""
    labels = mutations(2)[:, 1]
    plan = SplitPlan(repeats=2, folds=5)

    found = draw_splits(table(labels[:, None], classes=("red",)), plan, name="toy")

    expected = draw_splits(table(labels, classes=("no", "red")), plan, name="toy")
    np.testing.assert_array_equal(found.roles, expected.roles)


def iterative_stratification(labels, folds, seed):
    """Return the fold of each example after Sechidis et al. 2011, algorithm 1, as an oracle.

    The label with the fewest examples left is dealt out first, each example to the fold that
    lacks most of it; ties go to the fold that lacks most examples, then to chance.
    """
    generator = np.random.default_rng(seed)
    fold_of = np.full(len(labels), -1)
    size = np.full(folds, len(labels) / folds)
    wanted = np.tile(labels.sum(axis=0) / folds, (folds, 1))
    while (fold_of < 0).any():
        left = labels[fold_of < 0].sum(axis=0)
        rarest = np.where(left > 0, left, np.inf).argmin() if left.any() else None
        is_due = (fold_of < 0) & (labels[:, rarest] == 1 if rarest is not None else True)
        for example in generator.permutation(np.flatnonzero(is_due)):
            lack = size if rarest is None else wanted[:, rarest]
            best = np.flatnonzero(lack == lack.max())
            best = best[size[best] == size[best].max()]
            fold = generator.choice(best)
            fold_of[example] = fold
            size[fold] -= 1
            wanted[fold] -= labels[example]
    return fold_of


def deviation(labels, fold_of, folds):
    """Return Sechidis' label distribution: how far the odds of labels in folds are off, mean."""
    whole = labels.sum(axis=0) / (1 - labels).sum(axis=0)
    parts = [labels[fold_of == fold] for fold in range(folds)]
    odds = np.array([part.sum(axis=0) / (1 - part).sum(axis=0) for part in parts])
    return np.abs(odds - whole).mean()


@pytest.mark.parametrize("seed", range(4))
def test_labels_are_divided_no_worse_than_by_iterative_stratification(seed):
    """One bag a patient, as the paper has it: the deviation of labels is no larger."""
    labels = mutations(seed, patients=120)[::2]
    bags = table(labels, patients=[f"p{n}" for n in range(120)])
    splits = draw_splits(bags, SplitPlan(folds=5, validation=0.0), name="toy")

    ours = (splits.roles[0] == ROLES.index("test")).argmax(axis=0)

    expected = iterative_stratification(labels, 5, seed)
    assert deviation(labels, ours, 5) <= deviation(labels, expected, 5)


@pytest.mark.parametrize(
    ("rare", "message"),
    [
        (1, "patients of every label, and without it, are needed, and label 'l1' has 3"),
        (0, "patients of every label, and without it, are needed, and no label 'l1' has 3"),
    ],
)
def test_a_label_too_rare_or_too_common_is_refused(rare, message):
    """Three patients for five folds; the label is named."""
    labels = mutations(3)[:, :2]
    labels[:, 1] = 1 - rare
    labels[:6, 1] = rare

    with pytest.raises(SplitError, match=message):
        draw_splits(table(labels), SplitPlan(folds=5), name="toy")


def test_official_parts_without_a_label_are_refused():
    """No bag with the label in the test part."""
    labels = mutations(4)
    bags = table(labels)
    parts = ["test" if not labels[n, 2] and n < 100 else "train" for n in range(200)]
    given = BagTable(**{**{n: getattr(bags, n) for n in bags.__slots__}, "parts": tuple(parts)})

    with pytest.raises(SplitError, match="no bag with the label 'l2' in the test part"):
        draw_splits(given, SplitPlan(scheme="official", validation=0.0), name="toy")


def test_folds_by_site_have_every_label_and_its_lack():
    """Six sites with all labels; of a site that alone has one, the label is named."""
    bags = table(mutations(5))
    sites = tuple(f"s{n // 2 % 6}" for n in range(200))
    given = BagTable(**{**{n: getattr(bags, n) for n in bags.__slots__}, "sites": sites})
    plan = SplitPlan(folds=3, group="site", validation=0.0)

    splits = draw_splits(given, plan, name="toy")

    for roles in splits.roles[0]:
        share = bags.labels[roles == ROLES.index("test")].mean(axis=0)
        assert ((share > 0) & (share < 1)).all()
    labels = bags.labels.copy()
    labels[:, 3] = np.array(sites) == "s0"
    alone = BagTable(**{**{n: getattr(given, n) for n in given.__slots__}, "labels": labels})
    with pytest.raises(SplitError, match="FOLD_MISSING_CLASS: label 'l3' is found at 1 of 6 sites"):
        draw_splits(alone, plan, name="toy")
