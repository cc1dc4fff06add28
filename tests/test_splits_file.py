"""The file of splits: what it looks like, and every way in which it can be wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.splits import SplitPlan, Splits, draw_splits, load_splits


def bag_table(ids: tuple[str, ...], patients: tuple[str, ...], labels: list[int]) -> BagTable:
    nothing = ("",) * len(ids)
    return BagTable(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        patients=patients,
        sites=nothing,
        parts=nothing,
        sizes=np.ones(len(ids), dtype=np.int64),
        classes=("negative", "positive"),
    )


SMALL = bag_table(("001", "002", "a,b", "é"), ("p,1", 'p"2', "p,1", "007"), [0, 0, 1, 1])
TEXT = """bag_id,group_id,repeat,fold,role
001,"p,1",0,0,train
002,"p""2",0,0,test
"a,b","p,1",0,0,train
é,007,0,0,test
001,"p,1",0,1,test
002,"p""2",0,1,train
"a,b","p,1",0,1,test
é,007,0,1,train
"""
SMALL_PLAN = SplitPlan(folds=2, validation=0)


def small_splits() -> Splits:
    roles = np.array([[[0, 2, 0, 2], [2, 0, 2, 0]]], dtype=np.int8)
    return Splits(SMALL.ids, SMALL.patients, roles, SMALL_PLAN)


def test_the_file_is_the_documented_csv(tmp_path: Path) -> None:
    """Five columns, leading zeros kept, sorted by repeat, fold and position."""
    small_splits().save(tmp_path / "new" / "splits.csv")

    assert (tmp_path / "new" / "splits.csv").read_bytes().decode() == TEXT


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=4)


@settings(deadline=None)
@given(ids=st.lists(names, min_size=12, max_size=12, unique=True), repeats=st.integers(1, 2))
def test_saved_splits_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], repeats: int
) -> None:
    """Roles, hash and ids of any printable characters survive the file."""
    table = bag_table(tuple(ids), tuple(ids), [0, 1] * 6)
    path = tmp_path_factory.getbasetemp() / "splits.csv"
    drawn = draw_splits(table, SplitPlan(repeats=repeats, folds=3), name="toy")
    drawn.save(path)
    read = load_splits(path, table, plan=drawn.plan)

    assert (read.roles == drawn.roles).all()
    assert read.hash == drawn.hash


def test_the_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    """A file sorted by bag, with Windows line ends and a byte-order mark, is the same split."""
    path = tmp_path / "splits.csv"
    heading, *lines = TEXT.splitlines()
    path.write_text("\r\n".join([heading, *sorted(lines)]), encoding="utf-8-sig", newline="")

    assert load_splits(path, SMALL).hash == small_splits().hash


def test_the_hash_changes_with_any_role() -> None:
    """Whichever bag changes its role in whichever fold, the hash is another one."""
    splits = small_splits()
    hashes = {splits.hash}
    for place in np.ndindex(splits.roles.shape):
        roles = splits.roles.copy()
        roles[place] = 1
        hashes.add(replace(splits, roles=roles).hash)

    assert len(hashes) == 1 + splits.roles.size


def test_a_truncated_file_is_never_used(tmp_path: Path) -> None:
    """Cut after any byte but the last newline, the file is refused by name."""
    path, whole = tmp_path / "splits.csv", TEXT.encode()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SplitError, match=r"splits\.csv"):
            load_splits(path, SMALL, plan=SMALL_PLAN)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bag_id,group_id", "bag_id,group", r"line 1: columns 'bag_id,group,repeat,fold,role'"),
        ("002,", "2,", r"line 3: bag '2' is not in the data set"),
        ("007,0,0", "7,0,0", r"line 5: bag 'é' is in group '7', but its patient is '007'"),
        ("007,0,0,test", "007,0,0,dev", r"line 5: role 'dev'; expected one of train, val, test"),
        ("007,0,0,test", "007,0,0", r"line 5: 4 columns, expected 5"),
        ("007,0,0", "007,-1,0", r"line 5: repeat '-1' is not a whole number"),
        ("007,0,0", "007,0,x", r"line 5: fold 'x' is not a whole number"),
        ("é,007,0,0,test\n", "é,007,0,0,test\n" * 2, r"line 6: bag 'é' has a second role"),
        ("é,007,0,0,test\n", "", r"repeat 0, fold 0 has no role for 1 bags, such as 'é'"),
        (",0,1,", ",0,2,", r"do not fill a grid of repeats and folds"),
        (",0,1,", ",1,0,", r"2 repeats of 1 folds, expected 1 of 2"),
        (
            '"a,b","p,1",0,0,train',
            '"a,b","p,1",0,0,test',
            r"repeat 0, fold 0: PATIENT_LEAK: patient 'p,1' has bags in train and test",
        ),
        ('"a,b"', '"a"b', r"line 4: not CSV"),
        ("é,007,0,1,train", "é,007,0,1,val", r"fold 1: FOLD_MISSING_CLASS: .*'positive' .* train"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """The message names the file and the line or the fold."""
    path = tmp_path / "splits.csv"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")

    with pytest.raises(SplitError, match=message) as caught:
        load_splits(path, SMALL, plan=SMALL_PLAN)
    assert str(caught.value).startswith(str(path))


def test_an_absent_or_binary_file_is_refused(tmp_path: Path) -> None:
    """What is no text file is named, with the next step."""
    with pytest.raises(SplitError, match="no such file"):
        load_splits(tmp_path / "absent.csv", SMALL)

    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SplitError, match=r"binary\.csv: cannot be read"):
        load_splits(tmp_path / "binary.csv", SMALL)
