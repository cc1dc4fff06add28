"""Splits that someone else drew: bags may be left out, and leaks are refused unless said."""

from pathlib import Path

import numpy as np
import pytest

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.splits import SplitPlan, load_splits
from milbench.suite import Splits as SuiteSplits

HEAD = "bag_id,group_id,repeat,fold,role\n"
SOUND = HEAD + (
    "a,p,0,0,train\nb,q,0,0,train\nc,r,0,0,test\nd,s,0,0,test\ne,s,0,0,unused\nf,t,0,0,val\n"
)
LEAKING = SOUND.replace("e,s,0,0,unused", "e,s,0,0,train")
PLAN = SplitPlan(scheme="given", repeats=1, folds=1)
ALLOWED = SplitPlan(scheme="given", repeats=1, folds=1, leaks="allowed")


@pytest.fixture
def table() -> BagTable:
    nothing = ("",) * 6
    return BagTable(
        ids=tuple("abcdef"),
        labels=np.array([0, 1, 0, 1, 0, 1]),
        patients=("p", "q", "r", "s", "s", "t"),
        sites=nothing,
        parts=nothing,
        sizes=np.ones(6, dtype=np.int64),
        classes=("no", "yes"),
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "splits.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_bags_that_are_left_out_are_in_no_part(tmp_path: Path, table: BagTable) -> None:
    """The role ``unused`` puts a bag into none of the three parts, and is no leak."""
    splits = load_splits(written(tmp_path, SOUND), table, plan=PLAN)
    part = splits.part(0, 0)

    assert [part.train.tolist(), part.val.tolist(), part.test.tolist()] == [[0, 1], [5], [2, 3]]
    assert (splits.is_leaking, splits.notes) == (False, ())


def test_given_splits_are_written_as_they_were_read(tmp_path: Path, table: BagTable) -> None:
    """The stored form has a line for a bag that is left out too."""
    splits = load_splits(written(tmp_path, SOUND), table, plan=PLAN)

    assert splits.text() == SOUND


def test_a_leak_is_refused_unless_the_plan_allows_it(tmp_path: Path, table: BagTable) -> None:
    """Patient s has d in the test part and e in the training part."""
    path = written(tmp_path, LEAKING)
    with pytest.raises(SplitError, match="PATIENT_LEAK: patient 's' has bags in train and test"):
        load_splits(path, table, plan=PLAN)

    splits = load_splits(path, table, plan=ALLOWED, leaks="allowed")

    assert splits.is_leaking
    assert splits.notes[0].startswith(
        "The splits leak, as the suite allows, in 1 of 1 folds: every value here is too good."
    )


def test_another_number_of_folds_says_what_to_set(tmp_path: Path, table: BagTable) -> None:
    """A file of one fold under a plan of five: the message has the numbers to write."""
    plan = SplitPlan(scheme="given", repeats=3, folds=5)
    with pytest.raises(SplitError, match=r"set splits.repeats = 1 and splits.folds = 1$"):
        load_splits(written(tmp_path, SOUND), table, plan=plan)


def test_plans_from_before_keep_their_name() -> None:
    """What could not be said before is no part of the name as long as it is not said."""
    old = {"scheme": "kfold", "folds": 5, "validation": 0.2, "test": 0.2, "seed": 1}

    assert SuiteSplits().named() == old
    assert SuiteSplits(scheme="given", leaks="allowed").named()["leaks"] == "allowed"
