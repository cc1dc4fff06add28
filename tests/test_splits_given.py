"""Splits that someone else drew: bags may be left out, and leaks are refused unless said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.splits import SplitPlan, draw_splits, load_splits
from milbench.suite import Splits as SuiteSplits

ROLES = {"a": "train", "b": "train", "c": "test", "d": "test", "e": "unused", "f": "val"}
PLAN = SplitPlan(scheme="given", repeats=1, folds=1)
ALLOWED = replace(PLAN, leaks="allowed")


@pytest.fixture
def table() -> BagTable:
    """Six bags of five patients: ``d`` and ``e`` are one patient's."""
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


def test_bags_that_are_left_out_are_in_no_part(table: BagTable) -> None:
    """The role ``unused`` puts a bag into none of the three parts; it is no leak, and told."""
    splits = draw_splits(table, PLAN, name="toy", given={(0, 0): ROLES})
    part = splits.part(0, 0)

    assert [part.train.tolist(), part.val.tolist(), part.test.tolist()] == [[0, 1], [5], [2, 3]]
    assert not splits.is_leaking
    assert splits.notes == ("In no fold of the given splits: 1 of 6 bags (e, ...).",)


def test_the_stored_form_has_a_line_for_a_bag_that_is_left_out(
    tmp_path: Path, table: BagTable
) -> None:
    """Six bags are six lines, and they are read back as they were."""
    splits = draw_splits(table, PLAN, name="toy", given={(0, 0): ROLES})
    splits.save(tmp_path / "splits.csv")

    assert "e,s,0,0,unused\n" in splits.text()
    assert load_splits(tmp_path / "splits.csv", table).hash == splits.hash


def test_a_leak_is_refused_unless_the_plan_allows_it(table: BagTable) -> None:
    """Patient s has d in the test part and e in the training part."""
    leaking = {(0, 0): ROLES | {"e": "train"}}
    with pytest.raises(SplitError, match="PATIENT_LEAK: patient 's' has bags in train and test"):
        draw_splits(table, PLAN, name="toy", given=leaking)

    splits = draw_splits(table, ALLOWED, name="toy", given=leaking)

    assert splits.is_leaking
    assert splits.notes[-1] == (
        "The splits leak, as the suite allows, in 1 of 1 folds: every value here is too good. "
        "Repeat 0, fold 0: PATIENT_LEAK: patient 's' has bags in train and test (1 such)."
    )


def test_stored_splits_that_leak_are_read_where_that_is_allowed(
    tmp_path: Path, table: BagTable
) -> None:
    """A worker reads what the main process allowed; whoever does not ask is refused."""
    leaking = {(0, 0): ROLES | {"e": "train"}}
    splits = draw_splits(table, ALLOWED, name="toy", given=leaking)
    splits.save(tmp_path / "splits.csv")

    assert load_splits(tmp_path / "splits.csv", table, leaks="allowed").hash == splits.hash
    with pytest.raises(SplitError, match="PATIENT_LEAK"):
        load_splits(tmp_path / "splits.csv", table)


def test_splits_that_do_not_leak_are_not_marked(table: BagTable) -> None:
    """Allowing leaks says nothing of splits that have none."""
    splits = draw_splits(table, ALLOWED, name="toy", given={(0, 0): ROLES | {"e": "test"}})

    assert (splits.is_leaking, splits.notes) == (False, ())


def test_plans_from_before_keep_their_name() -> None:
    """What could not be said before is no part of the name as long as it is not said."""
    old = {"scheme": "kfold", "folds": 5, "validation": 0.2, "test": 0.2, "seed": 1}

    assert SuiteSplits().named() == old
    assert SuiteSplits(scheme="given", leaks="allowed").named()["leaks"] == "allowed"
