"""Splits that cannot be drawn are refused, with the class, the count and the way out."""

from collections.abc import Sequence

import numpy as np
import pytest

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.splits import SplitPlan, draw_splits

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


@pytest.mark.parametrize(
    ("table", "plan", "message"),
    [
        (
            bag_table([0] * 9 + [1] * 3),
            SplitPlan(folds=5),
            (
                "5 folds: 5 patients of every class are needed, and class 'positive' has 3; "
                "the most that work are 3"
            ),
        ),
        (
            bag_table([0] * 9 + [1] * 6, ["a"] * 3 + list("bcdefg") + ["x"] * 3 + ["y"] * 3),
            SplitPlan(folds=3, validation=0),
            "class 'positive' has 2; the most that work are 2",
        ),
        (
            bag_table([0] * 9 + [1] * 2, [*"abcdefghi", "x", "x"]),
            SplitPlan(folds=2, validation=0),
            "class 'positive' has 1; no number of folds works",
        ),
        (
            bag_table([0] * 9 + [1] * 2),
            SplitPlan(folds=2),
            (
                "4 patients of every class are needed, and class 'positive' has 2; no number of "
                "folds works with validation"
            ),
        ),
        (bag_table([0, 0, 0]), SplitPlan(), "1 class; a split needs two or more"),
        (
            bag_table([0, 1] * 9, classes=CLASSES),
            SplitPlan(folds=2),
            "class 'rare' has 0; no number of folds works",
        ),
        (
            bag_table([0] * 9 + [1] * 2),
            SplitPlan(scheme="monte-carlo"),
            (
                "repeat 0, fold 0: a random test part: 3 patients of every class are needed, and "
                "class 'positive' has 2"
            ),
        ),
        (
            bag_table([0, 1] + [0] * 8 + [1], parts=["train"] * 9 + ["test"] * 2),
            SplitPlan(scheme="official"),
            (
                "repeat 0, fold 0: training with validation: 2 patients of every class are needed, "
                "and class 'positive' has 1; use other folds, or set splits.validation = 0"
            ),
        ),
        (
            bag_table([0, 1, 0, 2, 1, 2], [*"aabbcc"]),
            SplitPlan(folds=2, validation=0),
            (
                "2 folds, repeat 0: no draw gives every part the patients of every class it needs, "
                "because patients have bags of several classes"
            ),
        ),
        (
            bag_table([0, 1] * 4),
            SplitPlan(scheme="official"),
            "8 of 8 bags have no official part, such as '000'; use the scheme 'kfold'",
        ),
        (
            bag_table([0, 1, 0, 1, 1], parts=["train"] * 4 + ["test"]),
            SplitPlan(scheme="official", validation=0),
            "FOLD_MISSING_CLASS: no bag of class 'negative' in the test part",
        ),
        (
            bag_table([0, 1, 0, 1], [*"abac"], ["train"] * 2 + ["test"] * 2),
            SplitPlan(scheme="official", validation=0),
            "PATIENT_LEAK: patient 'a' has bags in train and test (1 such)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(table: BagTable, plan: SplitPlan, message: str) -> None:
    """The message names the class, the count and the way out."""
    with pytest.raises(SplitError) as caught:
        draw_splits(table, plan, name="toy")

    assert str(caught.value).startswith("toy")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": "leave-one-out"}, "splits.scheme 'leave-one-out': expected one of kfold"),
        ({"folds": 1}, "splits.folds 1: kfold needs 2 or more"),
        ({"scheme": "published", "folds": 1}, "splits.folds 1: published needs 2 or more"),
        ({"repeats": 0}, "splits.repeats 0"),
        ({"validation": 1.0}, "splits.validation 1.0"),
        ({"validation": -0.1}, "splits.validation -0.1"),
        ({"test": 0.0}, "splits.test 0.0"),
    ],
)
def test_an_impossible_plan_is_refused(changes: dict[str, object], message: str) -> None:
    """A plan names the setting that cannot be."""
    with pytest.raises(SplitError, match=message):
        SplitPlan(**changes)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([0, 0, 1, 1, 2, 2], "has 3 folds and the plan asks for 2; set splits.folds = 3"),
        ([0, 0, 1, 1, 1], "does not fit: '005' has no fold"),
        ([0, 0, 1, 1, 1, 1, 0], "does not fit: '006' is no bag"),
        ([0, 1, 0, 1, 1, 1], "FOLD_MISSING_CLASS: no bag of class 'positive' in the test part"),
        ([0, 0, 1, 1, 0, 1], "PATIENT_LEAK"),
    ],
)
def test_published_folds_that_do_not_fit_are_refused(folds: list[int], message: str) -> None:
    """Folds that miss a bag, tear a patient apart, or lack a class are not used."""
    table = bag_table([0, 1] * 3, ["a", "b", "c", "d", "e", "e"])
    plan = SplitPlan(scheme="published", folds=2, validation=0)
    published = {0: {f"{bag:03d}": fold for bag, fold in enumerate(folds)}}

    with pytest.raises(SplitError, match=message):
        draw_splits(table, plan, name="toy", published=published)


@pytest.mark.parametrize("place", [(2, 0), (0, 5), (-1, 0), (0, -1)])
def test_a_fold_that_is_not_there_is_refused(place: tuple[int, int]) -> None:
    """Positions beyond the grid, negative ones too, are no fold."""
    splits = draw_splits(bag_table([0, 1] * 10), SplitPlan(repeats=2), name="toy")

    with pytest.raises(SplitError, match=r"repeats 0\.\.1 and folds 0\.\.4"):
        splits.part(*place)
