"""Four layouts of one small data set, written by hand, give the same bags; faults are named."""

import gzip
import logging

import numpy as np
import pytest
from scipy.io import savemat

from milbench.errors import DatasetError, MissingDataError
from milbench_datasets.classical import Classical

TOY = Classical("musk1", "toy")

# Two bags: A (positive) with instances (1, -2) and (3, 4.5); B (negative) with (0, 7).
INSTANCES = np.array([[1, -2], [3, 4.5], [0, 7]])
MIPROBLEMS = {
    "data.csv": "1\t3\t0\n-2\t4.5\t7\n",
    "bagids.csv": "1\n1\n2\n",
    "labels.csv": "1\n1\n0\n",
}
C45 = "A,a1,1,-2,1.\nA,a2,3,4.5,1.\nB,b1,0,7,0.\n"


def write_miproblems(root, packed: bool = False, **changed: str) -> None:
    """Write the three files; ``changed`` replaces one: ``data="..."``."""
    folder = root / "toy" / "miproblems"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in MIPROBLEMS.items():
        content = changed.get(name.removesuffix(".csv"), text).encode()
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


def write_milpy(root, **changed) -> None:
    """Write the three files; ``changed`` replaces one variable."""
    folder = root / "toy" / "milpy"
    folder.mkdir(parents=True, exist_ok=True)
    variables = {"X": INSTANCES, "Bag2": [[1], [1], [2]], "bagI": [[1], [0]]} | changed
    for name, value in variables.items():
        savemat(folder / f"{name}_toy.mat", {name: np.asarray(value)})


def write_c45(root, text: str = C45, packed: bool = False) -> None:
    """Write the one file."""
    folder = root / "toy" / "uci_c45"
    folder.mkdir(parents=True, exist_ok=True)
    if packed:
        (folder / "toy.data.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (folder / "toy.data").write_text(text)


def write_prtools(root, **changed) -> None:
    """Write the one file; ``changed`` replaces one field of the struct."""
    folder = root / "toy" / "prtools"
    folder.mkdir(parents=True, exist_ok=True)
    names = np.empty((1, 2), dtype=object)
    names[0, 0], names[0, 1] = np.array(["negative", "positive"]), np.array([[0.5, 0.5]])
    fields = {
        "data": INSTANCES,
        "nlab": np.array([[2], [2], [1]]),
        "lablist": names,
        "ident": {"milbag": np.array(["A  ", "A  ", "B  "])},
    } | changed
    savemat(folder / "toy.mat", {"x": fields})


WRITERS = {
    "miproblems": write_miproblems,
    "milpy": write_milpy,
    "uci_c45": write_c45,
    "prtools": write_prtools,
}
IDS = {
    "miproblems": ["1", "2"],
    "milpy": ["1", "2"],
    "uci_c45": ["A", "B"],
    "prtools": ["A", "B"],
}


@pytest.mark.parametrize("layout", WRITERS)
def test_bags_by_hand(tmp_path, layout) -> None:
    """Ids are the source's own, values are raw, the patient is the bag."""
    WRITERS[layout](tmp_path)
    first, second = TOY.bags(tmp_path)

    assert [first.id, second.id] == [first.patient, second.patient] == IDS[layout]
    assert [first.label, second.label] == [1, 0]
    np.testing.assert_array_equal(first.x, [[1, -2], [3, 4.5]])
    np.testing.assert_array_equal(second.x, [[0, 7]])
    assert first.x.dtype == np.float32


@pytest.mark.parametrize("write", [write_miproblems, write_c45])
def test_gzipped_text_is_the_same(tmp_path, write) -> None:
    """Text layouts are read from .gz as from the plain file."""
    write(tmp_path, packed=True)
    first, second = TOY.bags(tmp_path)

    np.testing.assert_array_equal(np.concatenate([first.x, second.x]), INSTANCES)


def test_labels_minus_one_and_one(tmp_path) -> None:
    """-1 means negative, as 0 does."""
    write_miproblems(tmp_path, labels="1\n1\n-1\n")

    assert [bag.label for bag in TOY.bags(tmp_path)] == [1, 0]


def test_instances_of_a_bag_need_not_be_neighbours(tmp_path) -> None:
    """A bag number that comes back later means the same bag."""
    write_miproblems(tmp_path, bagids="1\n2\n1\n", labels="1\n0\n1\n")
    first, second = TOY.bags(tmp_path)

    np.testing.assert_array_equal(first.x, [[1, -2], [0, 7]])
    np.testing.assert_array_equal(second.x, [[3, 4.5]])


def test_order_of_layouts(tmp_path) -> None:
    """Layouts that the published folds fit come first, and an incomplete one is passed over."""
    for layout in ("prtools", "uci_c45", "milpy", "miproblems"):
        WRITERS[layout](tmp_path)
        assert TOY.layout(tmp_path) == layout
    (tmp_path / "toy/miproblems/data.csv").unlink()

    assert TOY.layout(tmp_path) == "milpy"


def test_missing_files_are_named(tmp_path) -> None:
    """The error names the missing files of every layout, the site, the licence, the next step."""
    write_miproblems(tmp_path)
    (tmp_path / "toy/miproblems/data.csv").unlink()

    with pytest.raises(MissingDataError) as caught:
        TOY.bags(tmp_path)
    message = str(caught.value)
    assert f"{tmp_path}/toy/miproblems lacks data.csv;" in message
    assert f"{tmp_path}/toy/milpy lacks X*.mat, Bag2*.mat, bagI*.mat;" in message
    assert "https://archive.ics.uci.edu/dataset/74" in message
    assert "CC BY 4.0" in message
    assert f"milbench fetch musk1 --data {tmp_path}" in message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": "1\t3\t0\n-2\t4.5\n"}, r"data\.csv, line 2: found 2 columns, expected 3"),
        ({"data": "1\t3\t0\n-2\tx\t7\n"}, r"data\.csv, line 2, column 2: found 'x'"),
        ({"data": "1\t3\tnan\n-2\t4\t7\n"}, r"data\.csv, line 1, column 3: found 'nan'"),
        ({"data": "1\t3\t0\n-inf\t4\t7\n"}, r"data\.csv, line 2, column 1: found '-inf'"),
        ({"data": "1,3,0\n-2,4.5,7\n"}, r"data\.csv, line 1, column 1: found '1,3,0'"),
        ({"data": "1\t3\t0\n\n-2\t4.5\t7\n"}, r"data\.csv, line 2, column 1: found ''"),
        ({"data": " \n"}, r"data\.csv: .* found an empty file"),
        ({"data": "1\t3\n-2\t4.5\n"}, "found 2 instances, 3 bag numbers and 3 labels"),
        ({"bagids": "1\n1\n"}, "found 3 instances, 2 bag numbers and 3 labels"),
        ({"bagids": "1\n1.5\n2\n"}, r"bagids\.csv, line 2: found 1.5, expected a whole number"),
        ({"bagids": "1\t1\t2\n"}, r"bagids\.csv, line 1: found 3 columns, expected 1"),
        ({"labels": "1\n2\n0\n"}, r"labels\.csv: instance 2 has label 2, expected 0, 1 or -1"),
        (
            {"labels": "1\n0\n0\n"},
            r"labels\.csv: bag '1' is labelled 1 by instance 1 and 0 by instance 2",
        ),
    ],
)
def test_faults_of_miproblems(tmp_path, changed, message) -> None:
    """Each fault is one error that names file, line and column, what was found and expected."""
    write_miproblems(tmp_path, **changed)

    with pytest.raises(DatasetError, match=message):
        TOY.bags(tmp_path)


def test_truncated_gzip(tmp_path) -> None:
    """A gzip file that is cut short is named."""
    write_miproblems(tmp_path, packed=True)
    path = tmp_path / "toy/miproblems/data.csv.gz"
    path.write_bytes(path.read_bytes()[:-6])

    with pytest.raises(DatasetError, match=r"data\.csv\.gz: expected a whole gzip file"):
        TOY.bags(tmp_path)


def test_bytes_that_are_no_text(tmp_path) -> None:
    """A binary file under a text file's name is named."""
    write_miproblems(tmp_path)
    (tmp_path / "toy/miproblems/data.csv").write_bytes(b"\xff\xfe\x00\x01")

    with pytest.raises(DatasetError, match=r"data\.csv: expected text in UTF-8"):
        TOY.bags(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A,a1,1,-2,1.\nA,a2,3,1.\n", "line 2: found 2 columns, expected 3"),
        ("A,a1,1,-2,1.\nB,b1,0,?,0.\n", r"line 2, column 4: found '\?'"),
        ("A,a1,1,-2,1.\nB,b1,0,1e999,0.\n", "line 2, column 4: found '1e999'"),
        ("A,a1,1.\n", "line 1: found 3 cells"),
        ("A,a1,1,-2,1.\nA,a2,3,4,0.\n", "bag 'A' is labelled 1 by instance 1 and 0 by instance 2"),
        ("A,a1,1,-2,5.\n", "instance 1 has label 5"),
        ("", "found an empty file"),
    ],
)
def test_faults_of_c45(tmp_path, text, message) -> None:
    """Each fault names the file, and line and column where there is one."""
    write_c45(tmp_path, text)

    with pytest.raises(DatasetError, match=rf"toy\.data.*{message}"):
        TOY.bags(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": [[1, np.nan], [3, 4], [0, 7]]}, r"X, row 1, column 2: found nan"),
        ({"X": "words"}, r"expected a matrix of numbers as 'X'"),
        (
            {"Bag2": [[1], [1], [3]]},
            "bag number 3 is unexpected, expected every number from 1 to 2",
        ),
        ({"Bag2": [[1], [1], [1]]}, "bag number 2 is missing"),
        ({"Bag2": [[1], [2]]}, "found 3 instances, 2 bag numbers and 2 labels"),
        ({"bagI": [[1], [7]]}, "instance 3 has label 7"),
    ],
)
def test_faults_of_milpy(tmp_path, changed, message) -> None:
    """Each fault names the place."""
    write_milpy(tmp_path, **changed)

    with pytest.raises(DatasetError, match=message):
        TOY.bags(tmp_path)


def test_variable_of_another_name(tmp_path) -> None:
    """A MATLAB file without the variable is named, with what it holds."""
    write_milpy(tmp_path)
    savemat(tmp_path / "toy/milpy/X_toy.mat", {"Y": INSTANCES})

    with pytest.raises(DatasetError, match=r"X_toy\.mat: expected a variable 'X', found Y"):
        TOY.bags(tmp_path)


@pytest.mark.parametrize("kept", [0, 20, 130, 180])
def test_truncated_matlab_file(tmp_path, kept) -> None:
    """A MATLAB file cut anywhere is one error that names it."""
    write_milpy(tmp_path)
    path = tmp_path / "toy/milpy/X_toy.mat"
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(DatasetError, match=r"X_toy\.mat"):
        TOY.bags(tmp_path)


def test_labels_of_prtools_in_the_other_order(tmp_path) -> None:
    """The names in lablist count, not their order."""
    names = np.empty((1, 1), dtype=object)
    names[0, 0] = np.array(["positive", "negative"])
    write_prtools(tmp_path, lablist=names)

    assert [bag.label for bag in TOY.bags(tmp_path)] == [0, 1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"nlab": [[2], [2], [3]]}, r"x\.nlab, row 3: found 3, expected 1 to 2"),
        ({"nlab": [[2], [1], [1]]}, "bag 'A' is labelled 1 by instance 1 and 0 by instance 2"),
        ({"nlab": [[2], [1]]}, "found 3 instances, 3 bag numbers and 2 labels"),
        ({"lablist": np.array(["cat", "dog"])}, r"x\.lablist names the labels cat, dog"),
        ({"ident": {"other": 1}}, r"a field x\.ident\.milbag, found none"),
        ({"data": [[np.inf, 0], [1, 2], [3, 4]]}, r"x\.data, row 1, column 1: found inf"),
    ],
)
def test_faults_of_prtools(tmp_path, changed, message) -> None:
    """Each fault names file, field and row."""
    write_prtools(tmp_path, **changed)

    with pytest.raises(DatasetError, match=rf"toy\.mat: .*{message}"):
        TOY.bags(tmp_path)


def write_folds(data, text: str) -> None:
    """Write the published folds."""
    (data / "toy" / "folds_5x10.csv").write_text(text)


FOLDS = "bag,label,rep0,rep1\n0,1,4,1\n1,0,0,2\n"


@pytest.mark.parametrize("layout", ["miproblems", "milpy"])
def test_published_folds_by_hand(tmp_path, layout) -> None:
    """Positions become bag ids; repeats and folds keep their numbers."""
    WRITERS[layout](tmp_path)
    write_folds(tmp_path, FOLDS)

    assert TOY.folds(tmp_path) == {0: {"1": 4, "2": 0}, 1: {"1": 1, "2": 2}}


@pytest.mark.parametrize("layout", ["uci_c45", "prtools"])
def test_folds_of_another_order_are_not_used(tmp_path, layout) -> None:
    """The positions do not fit the order of these layouts: there are no published folds."""
    WRITERS[layout](tmp_path)
    write_folds(tmp_path, FOLDS)

    assert TOY.folds(tmp_path) == {}


def test_no_folds_without_their_file_or_the_bags(tmp_path) -> None:
    """No file, no published folds; nor without the bags."""
    assert TOY.folds(tmp_path) == {}
    write_miproblems(tmp_path)
    assert TOY.folds(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bag,rep0\n0,1\n1,2\n", "line 1: found 'bag,rep0'"),
        ("bag,label\n0,1\n1,0\n", "line 1: found 'bag,label'"),
        ("bag,label,rep0\n0,1,4\n", "found folds of 1 bags, expected 2"),
        ("bag,label,rep0\n0,0,4\n1,1,0\n", "line 2: .* the folds are of another order of bags"),
        ("bag,label,rep0\n0,1,4\n0,0,0\n", "line 3: found bag 0 with label 0, expected bag 1"),
        ("bag,label,rep0\n0,1,4\n1,0,x\n", "line 3, column 3: found 'x'"),
        ("bag,label,rep0\n0,1,4\n1,0,-1\n", "line 3, column 3: found -1"),
        ("bag,label,rep0\n0,1,4\n1,0\n", "line 3: found 2 columns, expected 3"),
    ],
)
def test_faults_of_folds(tmp_path, text, message) -> None:
    """Each fault names the file and the line."""
    write_miproblems(tmp_path)
    write_folds(tmp_path, text)

    with pytest.raises(DatasetError, match=rf"folds_5x10\.csv.*{message}"):
        TOY.folds(tmp_path)


TWINS = {"data": "1\t2\t5\t2\t1\n1\t2\t5\t2\t1\n", "bagids": "1\n1\n2\n3\n3\n"}


def test_identical_bags_are_one_patient(tmp_path) -> None:
    """Bags with the same instances, in whatever order and with whatever label, are grouped."""
    write_miproblems(tmp_path, labels="1\n1\n0\n0\n0\n", **TWINS)

    assert [bag.patient for bag in TOY.bags(tmp_path)] == ["1", "2", "1"]
    assert [bag.label for bag in TOY.bags(tmp_path)] == [1, 0, 0]


def test_folds_that_separate_twins_are_not_used(tmp_path, caplog) -> None:
    """Published folds that put identical bags into different folds are left out, and it is said."""
    write_miproblems(tmp_path, labels="1\n1\n0\n1\n1\n", **TWINS)
    write_folds(tmp_path, "bag,label,rep0\n0,1,0\n1,0,0\n2,1,0\n")
    assert set(TOY.folds(tmp_path)) == {0}

    write_folds(tmp_path, "bag,label,rep0\n0,1,0\n1,0,0\n2,1,1\n")
    with caplog.at_level(logging.WARNING):
        assert TOY.folds(tmp_path) == {}
    assert "identical bags straddle them" in caplog.text
