"""Splits: what is promised of every draw."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from milbench.bags import BagTable
from milbench.splits import SplitPlan, Splits, draw_splits

CLASSES = ("negative", "positive", "rare")


def bag_table(
    labels: Sequence[int],
    patients: Sequence[str] = (),
    parts: Sequence[str] = (),
    classes: tuple[str, ...] = (),
) -> BagTable:
    """Return bags '000', '001', ... with these labels; each its own patient when none is given."""
    ids = tuple(f"{index:03d}" for index in range(len(labels)))
    return BagTable(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        patients=tuple(patients) or ids,
        sites=("",) * len(ids),
        parts=tuple(parts) or ("",) * len(ids),
        sizes=np.ones(len(ids), dtype=np.int64),
        classes=classes or CLASSES[: max(labels) + 1],
    )


@st.composite
def grouped_tables(draw: st.DrawFn, at_least: int = 4) -> BagTable:
    """Draw bags of patients: ``at_least`` patients with one class for each, and mixed ones."""
    n_classes = draw(st.integers(2, 3))
    pure = [
        [label] * draw(st.integers(1, 4))
        for label in range(n_classes)
        for _ in range(draw(st.integers(at_least, at_least + 3)))
    ]
    a_label = st.integers(0, n_classes - 1)
    mixed = draw(st.lists(st.lists(a_label, min_size=1, max_size=5), max_size=4))
    bags = [(label, f"p{patient}") for patient, of in enumerate(pure + mixed) for label in of]
    bags = draw(st.permutations(bags))
    return bag_table([label for label, _ in bags], [patient for _, patient in bags])


plans = st.builds(
    SplitPlan,
    scheme=st.sampled_from(["kfold", "published", "monte-carlo"]),
    repeats=st.integers(1, 3),
    folds=st.integers(2, 4),
    validation=st.sampled_from([0.0, 0.1, 0.25, 0.5]),
    test=st.sampled_from([0.2, 0.4]),
    seed=st.integers(0, 9),
)


def shuffled(table: BagTable, order: np.ndarray) -> BagTable:
    """Return the same bags in another order."""
    return replace(
        table,
        ids=tuple(table.ids[i] for i in order),
        labels=table.labels[order],
        patients=tuple(table.patients[i] for i in order),
    )


def places(splits: Splits) -> product:
    return product(range(splits.n_repeats), range(splits.n_folds))


def class_counts(table: BagTable, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the bags of each class in each part, (parts, C)."""
    n_classes = len(table.classes)
    return np.array([np.bincount(table.labels[part], minlength=n_classes) for part in parts])


# What is promised of every draw.


@settings(deadline=None)
@given(grouped_tables(), plans)
def test_every_fold_is_a_partition(table: BagTable, plan: SplitPlan) -> None:
    """Each bag has exactly one role in each fold."""
    splits = draw_splits(table, plan, name="toy")

    for repeat, fold in places(splits):
        together = np.concatenate(splits.part(repeat, fold))
        assert sorted(together) == list(range(len(table)))


@settings(deadline=None)
@given(grouped_tables(), plans)
def test_no_patient_is_in_two_parts(table: BagTable, plan: SplitPlan) -> None:
    """All bags of a patient have the same role in a fold."""
    splits = draw_splits(table, plan, name="toy")

    for repeat, fold in places(splits):
        train, val, test = (
            {table.patients[bag] for bag in part} for part in splits.part(repeat, fold)
        )
        assert not train & val
        assert not train & test
        assert not val & test


@settings(deadline=None)
@given(grouped_tables(), plans)
def test_every_part_has_every_class(table: BagTable, plan: SplitPlan) -> None:
    """Training, test and, where asked for, validation part hold a bag of each class."""
    splits = draw_splits(table, plan, name="toy")

    for repeat, fold in places(splits):
        part = splits.part(repeat, fold)
        asked = part if plan.validation else (part.train, part.test)
        assert class_counts(table, asked).min() >= 1
        assert plan.validation or len(part.val) == 0


@settings(deadline=None)
@given(grouped_tables(), st.integers(2, 4), st.integers(1, 3))
def test_kfold_tests_every_bag_once_a_repeat(table: BagTable, folds: int, repeats: int) -> None:
    """The test parts of a repeat are disjoint and cover the data set."""
    splits = draw_splits(table, SplitPlan(folds=folds, repeats=repeats), name="toy")

    for repeat in range(repeats):
        tested = np.concatenate([splits.part(repeat, fold).test for fold in range(folds)])
        assert sorted(tested) == list(range(len(table)))


@settings(deadline=None)
@given(grouped_tables(), plans, st.randoms(use_true_random=False))
def test_the_order_of_bags_moves_no_bag(table: BagTable, plan: SplitPlan, random: object) -> None:
    """A data set read in another order gives each bag the same roles."""
    order = np.array(random.sample(range(len(table)), len(table)))

    drawn = draw_splits(table, plan, name="toy")
    again = draw_splits(shuffled(table, order), plan, name="toy")

    assert (drawn.roles[:, :, order] == again.roles).all()


@settings(deadline=None)
@given(grouped_tables(), plans)
def test_more_repeats_keep_the_first_ones(table: BagTable, plan: SplitPlan) -> None:
    """Asking for more repeats later does not change the ones that were run."""
    few = draw_splits(table, plan, name="toy")
    more = draw_splits(table, replace(plan, repeats=plan.repeats + 1), name="toy")

    assert (more.roles[: plan.repeats] == few.roles).all()


@settings(deadline=None)
@given(grouped_tables(), plans)
def test_a_draw_follows_from_names_alone(table: BagTable, plan: SplitPlan) -> None:
    """What else is drawn, and the state of the global generator, change nothing."""
    first = draw_splits(table, plan, name="toy")
    state = np.random.get_state()[1].tolist()  # noqa: NPY002  # the global state is the point
    draw_splits(table, replace(plan, seed=plan.seed + 1), name="other")

    assert draw_splits(table, plan, name="toy").hash == first.hash
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002  # the same


def test_repeats_seeds_and_names_give_other_splits() -> None:
    """Two repeats, two seeds and two data sets are divided differently."""
    table = bag_table([0, 1] * 20)
    two = draw_splits(table, SplitPlan(repeats=2), name="toy")
    draws = [
        two.roles[0],
        two.roles[1],
        draw_splits(table, SplitPlan(seed=2), name="toy").roles[0],
        draw_splits(table, SplitPlan(), name="other").roles[0],
    ]

    assert len({roles.tobytes() for roles in draws}) == 4


# Balance.


@settings(deadline=None)
@given(st.lists(st.integers(12, 40), min_size=2, max_size=3), st.integers(2, 6), st.integers(0, 9))
def test_single_bags_are_divided_as_evenly_as_possible(
    counts: list[int], folds: int, seed: int
) -> None:
    """Class counts of two folds differ by at most one, as in scikit-learn; so do their sizes."""
    table = bag_table(np.repeat(np.arange(len(counts)), counts).tolist())
    splits = draw_splits(table, SplitPlan(folds=folds, validation=0, seed=seed), name="toy")
    drawn = class_counts(table, [splits.part(0, fold).test for fold in range(folds)])

    reference = StratifiedKFold(folds, shuffle=True, random_state=seed)
    parts = [test for _, test in reference.split(table.labels, table.labels)]
    assert (np.sort(drawn, axis=0) == np.sort(class_counts(table, parts), axis=0)).all()
    assert np.ptp(drawn.sum(axis=1)) <= 1


def imbalance(table: BagTable, parts: Sequence[np.ndarray]) -> float:
    """Return the largest deviation of a class's share in a part from an equal share."""
    shares = class_counts(table, parts) / np.bincount(table.labels)
    return float(np.abs(shares - 1 / len(parts)).max())


def test_patients_are_balanced_no_worse_than_by_scikit_learn() -> None:
    """On 20 data sets with patients of 1 to 15 bags, folds are at least as even on average."""
    random = np.random.default_rng(0)
    ours, theirs = [], []
    for trial in range(20):
        sizes = random.geometric(0.3, size=60).clip(max=15)
        patients = np.repeat([f"p{i}" for i in range(60)], sizes).tolist()
        labels = np.repeat(random.integers(0, 3, size=60), sizes)
        labels = np.where(
            random.random(len(labels)) < 0.2, random.integers(0, 3, len(labels)), labels
        )
        table = bag_table(labels.tolist(), patients)
        splits = draw_splits(table, SplitPlan(validation=0), name=f"toy-{trial}")
        ours.append(imbalance(table, [splits.part(0, fold).test for fold in range(5)]))
        reference = StratifiedGroupKFold(5, shuffle=True, random_state=trial)
        parts = [test for _, test in reference.split(labels, labels, patients)]
        theirs.append(imbalance(table, parts))

    assert np.mean(ours) <= np.mean(theirs)


def test_validation_is_the_asked_share_of_each_class() -> None:
    """Of 80 training bags, 32 and 48 by class, a quarter is 8 and 12."""
    table = bag_table([0] * 40 + [1] * 60)
    splits = draw_splits(table, SplitPlan(validation=0.25), name="toy")

    for fold in range(5):
        assert class_counts(table, splits.part(0, fold)).tolist() == [[24, 36], [8, 12], [8, 12]]


def test_monte_carlo_tests_the_asked_share() -> None:
    """A test share of 0.3 of 40 and 60 bags is 12 and 18, drawn anew each time."""
    table = bag_table([0] * 40 + [1] * 60)
    plan = SplitPlan(scheme="monte-carlo", folds=3, repeats=2, test=0.3, validation=0)
    splits = draw_splits(table, plan, name="toy")
    tests = [splits.part(*place).test for place in places(splits)]

    assert class_counts(table, tests).tolist() == [[12, 18]] * 6
    assert len({test.tobytes() for test in tests}) == 6


def test_a_small_class_still_gets_a_validation_bag() -> None:
    """A tenth of three bags is none; one is taken, so that training and validation see it."""
    table = bag_table([0] * 30 + [1] * 4)
    splits = draw_splits(table, SplitPlan(folds=4, validation=0.1), name="toy")

    for fold in range(4):
        assert class_counts(table, [splits.part(0, fold).val])[0, 1] == 1


# Published and official splits.


def test_published_folds_come_first_and_the_rest_is_drawn() -> None:
    """Two published repeats are used as they are; the third and fourth are drawn, and noted."""
    table = bag_table([0, 1] * 6)
    published = {
        1: {bag: int(bag) // 2 % 3 + 1 for bag in table.ids},  # folds counted from 1
        2: {bag: int(bag) // 4 + 1 for bag in table.ids},
    }
    plan = SplitPlan(scheme="published", repeats=4, folds=3)
    splits = draw_splits(table, plan, name="toy", published=published)

    assert [splits.part(0, fold).test.tolist() for fold in range(3)] == [
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
    ]
    assert splits.part(1, 2).test.tolist() == [8, 9, 10, 11]
    assert splits.notes == ("Repeats 2-3 drawn here: 2 published.",)
    drawn = draw_splits(table, replace(plan, scheme="kfold"), name="toy")
    assert (splits.roles[2:] == drawn.roles[2:]).all()


def test_without_published_folds_everything_is_drawn() -> None:
    """The scheme falls back to drawing, and says so."""
    table = bag_table([0, 1] * 6)
    splits = draw_splits(table, SplitPlan(scheme="published", folds=3), name="toy", published={})

    assert splits.notes == ("Repeat 0 drawn here: none published.",)


def test_unused_published_repeats_leave_no_note() -> None:
    """One repeat of one published needs no drawing."""
    table = bag_table([0, 1] * 6)
    folds = {bag: int(bag) // 4 for bag in table.ids}
    plan = SplitPlan(scheme="published", folds=3)
    splits = draw_splits(table, plan, name="toy", published={0: folds, 1: folds})

    assert splits.notes == ()
    assert splits.n_repeats == 1


@pytest.mark.data
def test_published_folds_of_musk1(data_dir: Path) -> None:
    """The real 5 x 10 folds of musk1 are used unchanged, and repeat 5 is drawn beside them."""
    with (data_dir / "musk1" / "folds_5x10.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = bag_table([int(row["label"]) for row in rows])
    published = {
        repeat: {bag: int(row[f"rep{repeat}"]) for bag, row in zip(table.ids, rows, strict=True)}
        for repeat in range(5)
    }
    plan = SplitPlan(scheme="published", repeats=6, folds=10)
    splits = draw_splits(table, plan, name="musk1", published=published)

    for repeat, fold in product(range(5), range(10)):
        expected = [i for i, row in enumerate(rows) if int(row[f"rep{repeat}"]) == fold]
        assert splits.part(repeat, fold).test.tolist() == expected
    assert splits.notes == ("Repeat 5 drawn here: 5 published.",)


def test_official_parts_are_used_as_they_are() -> None:
    """With an official validation part, the one fold is the official split."""
    parts = ["train", "test", "val"] * 4
    table = bag_table([0, 0, 0, 1, 1, 1] * 2, parts=parts)
    splits = draw_splits(table, SplitPlan(scheme="official", repeats=2), name="toy")

    assert splits.roles.shape == (2, 1, 12)
    assert [part.tolist() for part in splits.part(1, 0)] == [
        [0, 3, 6, 9],
        [2, 5, 8, 11],
        [1, 4, 7, 10],
    ]
    assert splits.notes == ("official parts: the repeats are all the same split",)


def test_official_repeats_vary_the_validation_part_only() -> None:
    """Without an official validation part, each repeat draws its own from the training bags."""
    table = bag_table([0, 1] * 30, parts=["train"] * 40 + ["test"] * 20)
    splits = draw_splits(table, SplitPlan(scheme="official", repeats=2), name="toy")
    first, second = splits.part(0, 0), splits.part(1, 0)

    assert first.test.tolist() == second.test.tolist() == list(range(40, 60))
    assert len(first.val) == len(second.val) == 8
    assert first.val.tolist() != second.val.tolist()
