"""What is exported is in the tool's own form, and importing it gives the same bags again."""

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from milbench.errors import FeatureError, FeatureFileError, StoreError
from milbench.interchange.export_data import FORMS
from milbench.interchange.export_predictions import write_predictions
from milbench.interchange.feature_files import read_features
from milbench.interchange.feature_layouts import Asked, recognise
from milbench.interchange.labels import read_labels
from milbench.interchange.layout import Instances
from milbench.interchange.outgoing import OutBag, Target, write_all
from milbench.interchange.repack import repack
from milbench.interchange.whole_folder import whole_folder
from milbench.splits import Splits
from milbench.splits.plan import ROLES

PIXELS, MICRONS = "level-0 pixels", "micrometres"
# torchmil keeps positions of classes, so that names survive only where they are numbers.
CLASSES = ("0", "1")
X = np.array([[0.5, 1.0], [2.0, -3.0]], dtype=np.float32)


def bag(name: str, patient: str, label: str, coords: np.ndarray | None = None) -> OutBag:
    return OutBag(name, patient, label, Instances(X, coords, PIXELS if coords is not None else ""))


def target(folder: Path, unit: str = "", mpp: float | None = None) -> Target:
    return Target(
        folder=folder,
        name="mine",
        classes=CLASSES,
        encoder="uni_v1",
        patches="20x_256px_0px_overlap",
        unit=unit,
        mpp=mpp,
    )


def splits_of(bags: list[OutBag], folds: list[list[str]]) -> Splits:
    roles = np.array([[ROLES.index(role) for role in fold] for fold in folds], dtype=np.int8)
    return Splits(tuple(b.id for b in bags), tuple(b.patient for b in bags), roles[None])


FOUR = [bag("s1", "p1", "0"), bag("s2", "p1", "0"), bag("s3", "p2", "1"), bag("s4", "p3", "1")]
FOLDS = [["train", "train", "val", "test"], ["test", "test", "train", "unused"]]


def rows(path: Path) -> list[list[str]]:
    mark = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=mark))


# The identity: whatever the bags, and whichever the tool


@st.composite
def data_sets(draw: st.DrawFn, unit: str) -> list[OutBag]:
    """Return bags of one dimension and type, with coordinates or all without."""
    kind = draw(st.sampled_from([np.float16, np.float32]))
    dim, has_coords = draw(st.integers(1, 3)), draw(st.booleans())
    texts = st.text("0Aa._- é", max_size=5)
    names = [f"{draw(texts).strip('. ')}{n}" for n in range(draw(st.integers(2, 4)))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bags = []
    for position, one in enumerate(names):
        size = draw(st.integers(1, 3))
        x = rng.normal(size=(size, dim)).astype(kind)
        coords = rng.integers(0, 2**24, (size, 2)) if has_coords else None
        if coords is not None and unit == MICRONS:
            coords = coords * 0.25
        instances = Instances(x, coords, unit if coords is not None else "")
        bags.append(OutBag(one, f"p-{one}", CLASSES[position % 2], instances))
    return bags


def imported(folder: Path, out: Path) -> Iterator[OutBag]:
    """Yield the bags of a folder once it was imported, by name."""
    written = repack(recognise(folder, Asked()), out)
    labels = read_labels(out / "bags.csv")
    for name in written.slides:
        file = read_features(out / "features" / f"{name}.h5")
        instances = Instances(np.array(file.x), file.coords, file.coords_unit)
        yield OutBag(name, labels.patient_of(name) or name, labels.label[name], instances)


def check_same(found: list[OutBag], expected: list[OutBag], form: str) -> None:
    expected = sorted(expected, key=lambda one: one.id)
    assert [(b.id, b.label) for b in found] == [(b.id, b.label) for b in expected]
    if form != "torchmil":  # which knows no patients
        assert [b.patient for b in found] == [b.patient for b in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.instances.x.dtype == other.instances.x.dtype
        np.testing.assert_array_equal(one.instances.x, other.instances.x)
        assert (one.instances.coords is None) == (other.instances.coords is None)
        if one.instances.coords is not None and other.instances.coords is not None:
            np.testing.assert_array_equal(one.instances.coords, other.instances.coords)
            if form != "torchmil":  # whose files do not say the unit
                assert one.instances.coords_unit == other.instances.coords_unit


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=8)
@given(data=st.data())
def test_import_of_an_export_is_the_identity(form: str, data: st.DataObject) -> None:
    """Export, import, export and import again: values, types, coordinates, labels, patients."""
    bags = data.draw(data_sets(MICRONS if form == "stamp" else PIXELS))
    fold = ["train" if position < len(bags) - 1 else "test" for position in range(len(bags))]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_all(bags, splits_of(bags, [fold]), target(folder / "a"), FORMS[form])
        once = list(imported(folder / "a", folder / "b"))
        check_same(once, bags, form)
        stored = (folder / "b" / "splits.csv").read_text(encoding="utf-8").splitlines()[1:]
        roles = {line.split(",")[0]: line.rsplit(",", 1)[1] for line in stored}
        assert roles == dict(zip((one.id for one in bags), fold, strict=True))

        write_all(once, None, target(folder / "c", unit=PIXELS), FORMS[form])
        check_same(list(imported(folder / "c", folder / "d")), once, form)


# The form of each tool


def test_clam_has_tensors_a_table_and_ragged_splits(tmp_path: Path) -> None:
    """As CLAM's own reader expects them: an index column, empty cells, True and False."""
    write_all(FOUR, splits_of(FOUR, FOLDS), target(tmp_path), FORMS["clam"])

    tensor = torch.load(tmp_path / "pt_files" / "s1.pt", weights_only=True)
    assert torch.equal(tensor, torch.from_numpy(X))
    assert rows(tmp_path / "mine.csv")[:2] == [["case_id", "slide_id", "label"], ["p1", "s1", "0"]]
    place = tmp_path / "splits" / "mine"
    assert rows(place / "splits_0.csv") == [
        ["", "train", "val", "test"],
        ["0", "s1", "s3", "s4"],
        ["1", "s2", "", ""],
    ]
    assert rows(place / "splits_1_bool.csv")[1:] == [
        ["s1", "False", "False", "True"],
        ["s2", "False", "False", "True"],
        ["s3", "True", "False", "False"],
    ]
    assert rows(place / "splits_0_descriptor.csv")[1:] == [
        ["0", "2", "0", "0"],
        ["1", "0", "1", "1"],
    ]


def test_trident_has_one_file_a_slide_and_patho_bench_s_folds(tmp_path: Path) -> None:
    """Coordinates are int64; a bag that a fold leaves out has an empty cell."""
    coords = np.array([[0.0, 256.0], [512.0, 256.0]], dtype=np.float32)
    bags = [bag("s1", "p1", "0", coords), *FOUR[1:]]
    write_all(bags[:1], None, target(tmp_path / "a"), FORMS["trident"])
    write_all(FOUR, splits_of(FOUR, FOLDS), target(tmp_path / "b"), FORMS["trident"])

    place = tmp_path / "a" / "20x_256px_0px_overlap" / "features_uni_v1"
    with h5py.File(place / "s1.h5") as file:
        assert file["coords"].dtype == np.int64
        assert file["coords"][()].tolist() == [[0, 256], [512, 256]]
        assert dict(file["features"].attrs) == {"encoder": "uni_v1", "name": "s1"}
    assert rows(tmp_path / "b" / "k=all.tsv")[0] == [
        *("case_id", "slide_id", "label", "fold_0", "fold_1")
    ]
    assert rows(tmp_path / "b" / "k=all.tsv")[4] == ["p3", "s4", "1", "test", ""]


def test_stamp_has_two_tables_and_folds_of_patients(tmp_path: Path) -> None:
    """Validation patients are among the training ones, and this is said."""
    notes = write_all(FOUR, splits_of(FOUR, FOLDS), target(tmp_path), FORMS["stamp"])

    with h5py.File(tmp_path / "s1.h5") as file:
        assert set(file) == {"feats"}
        assert dict(file.attrs) == {"extractor": "uni_v1", "feat_type": "tile"}
    assert rows(tmp_path / "clini.csv") == [
        *(["PATIENT", "label"], ["p1", "0"], ["p2", "1"], ["p3", "1"])
    ]
    assert rows(tmp_path / "slide.csv")[1] == ["p1", "s1.h5"]
    assert json.loads((tmp_path / "splits.json").read_text())["splits"] == [
        {"train_patients": ["p1", "p2"], "test_patients": ["p3"]},
        {"train_patients": ["p2"], "test_patients": ["p1"]},
    ]
    assert "validation patients" in notes[0]


def test_torchmil_has_one_split(tmp_path: Path) -> None:
    """Several folds lie in folders of their own; classes are numbers."""
    notes = write_all(FOUR, splits_of(FOUR, FOLDS), target(tmp_path), FORMS["torchmil"])

    assert np.load(tmp_path / "labels" / "s3.npy").tolist() == [1]
    np.testing.assert_array_equal(np.load(tmp_path / "features_uni_v1" / "s1.npy"), X)
    assert rows(tmp_path / "splits" / "1" / "splits.csv")[1:] == [
        *(["s1", "test"], ["s2", "test"], ["s3", "train"])
    ]
    assert "2 folds are in folders splits/N" in notes[0]


# What a layout cannot hold


COORDS = np.array([[0, 256], [512, 256]])


@pytest.mark.parametrize(
    ("form", "unit", "message"),
    [
        ("clam", "", "coordinates are in a unit that nobody states, .*--unit"),
        ("stamp", PIXELS, "coordinates are in level-0 pixels, .* has micrometres; give --mpp"),
    ],
)
def test_coordinates_are_never_written_in_a_wrong_unit(
    tmp_path: Path, form: str, unit: str, message: str
) -> None:
    """The message says how to state it, to convert it, or to leave it out."""
    one = OutBag("s1", "p1", "0", Instances(X, COORDS, unit))

    with pytest.raises(FeatureError, match=message):
        write_all([one], None, target(tmp_path), FORMS[form])


def test_pixels_become_micrometres_where_the_size_is_given(tmp_path: Path) -> None:
    """256 pixels of a quarter micrometre are 64."""
    one = OutBag("s1", "p1", "0", Instances(X, COORDS, PIXELS))
    write_all([one], None, target(tmp_path, mpp=0.25), FORMS["stamp"])

    assert read_features(tmp_path / "s1.h5").coords.tolist() == [[0, 64], [128, 64]]


def test_coordinates_between_pixels_are_not_rounded(tmp_path: Path) -> None:
    """CLAM and TRIDENT have whole pixels."""
    one = OutBag("s1", "p1", "0", Instances(X, COORDS + 0.5, PIXELS))

    with pytest.raises(FeatureError, match="no whole pixels"):
        write_all([one], None, target(tmp_path), FORMS["clam"])


@pytest.mark.parametrize("name", ["a.svs", "a/b", "../a"])
def test_names_that_another_tool_would_read_otherwise_are_refused(
    tmp_path: Path, name: str
) -> None:
    """A bag called a.svs would come back as a."""
    with pytest.raises(FeatureFileError):
        write_all([bag(name, "p", "0")], None, target(tmp_path), FORMS["clam"])


def test_stamp_cannot_divide_a_patient(tmp_path: Path) -> None:
    """Its folds list patients, and a patient has one class."""
    torn = splits_of(FOUR, [["train", "test", "train", "test"]])
    with pytest.raises(FeatureError, match="a fold divides patient 'p1'"):
        write_all(FOUR, torn, target(tmp_path / "a"), FORMS["stamp"])
    mixed = [bag("s1", "p1", "0"), bag("s2", "p1", "1")]
    with pytest.raises(FeatureError, match="patient 'p1' has bags of the classes '0' and '1'"):
        write_all(mixed, None, target(tmp_path / "b"), FORMS["stamp"])


# Predictions


def record(fold: int, score: list[list[float]], status: str = "done") -> dict[str, object]:
    rows = {"bag": ["a", "b"], "patient": ["a", "b"], "label": [0, 1], "score": score}
    nothing = {"bag": [], "patient": [], "label": [], "score": []}
    return {
        "status": status,
        "dataset": "musk1",
        "method": "abmil (tuned)",
        "repeat": 0,
        "fold": fold,
        "seed": 0,
        "key": f"k{fold}",
        "threshold": 0.5,
        "test": rows,
        "validation": nothing,
    }


def test_predictions_are_those_that_clam_writes(tmp_path: Path) -> None:
    """One file a fold and a summary; by hand: AUC 1 and accuracy 1, then AUC 0 and accuracy 0."""
    records = [
        record(1, [[0.4, 0.6], [0.8, 0.2]]),
        record(0, [[0.75, 0.25], [0.25, 0.75]]),
        record(2, [], status="failed"),
    ]
    counts = write_predictions(records, tmp_path)

    place = tmp_path / "musk1" / "abmil-(tuned)"
    assert counts == {"musk1/abmil-(tuned)": 2}
    assert rows(place / "fold_0.csv") == [
        ["", "slide_id", "Y", "Y_hat", "p_0", "p_1"],
        ["0", "a", "0", "0", "0.75", "0.25"],
        ["1", "b", "1", "1", "0.25", "0.75"],
    ]
    assert rows(place / "summary.csv") == [
        ["", "folds", "test_auc", "val_auc", "test_acc", "val_acc"],
        ["0", "0", "1.0", "", "1.0", ""],
        ["1", "1", "0.0", "", "0.0", ""],
    ]
    assert rows(place / "runs.csv")[1:] == [["0", "0", "0", "0", "k0"], ["1", "0", "1", "0", "k1"]]


def test_a_suite_without_a_finished_run_has_no_predictions(tmp_path: Path) -> None:
    """The message says what to do."""
    with pytest.raises(StoreError, match=r"no finished run.*run the suite first"):
        write_predictions([record(0, [], status="failed")], tmp_path)


def test_exported_splits_of_several_repeats_come_back_as_repeats(tmp_path: Path) -> None:
    """Two repeats of two folds are four files of CLAM's, and two repeats of two again."""
    roles = [["train", "train", "test", "test"], ["test", "test", "train", "train"]] * 2
    given = splits_of(FOUR, roles)
    twice = Splits(given.bag_ids, given.groups, given.roles.reshape(2, 2, 4))
    write_all(FOUR, twice, target(tmp_path / "a"), FORMS["clam"])
    packed = repack(recognise(tmp_path / "a", Asked()), tmp_path / "b")

    assert packed.splits is not None
    np.testing.assert_array_equal(packed.splits.roles, twice.roles)


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The folder appears when everything is in it, or not at all."""
    with pytest.raises(FeatureFileError), whole_folder(tmp_path / "out") as place:
        write_all([*FOUR, bag("a.svs", "p", "0")], None, target(place), FORMS["clam"])

    assert list(tmp_path.iterdir()) == []


def test_bags_with_several_labels_are_refused(tmp_path: Path) -> None:
    """CLAM's files have one class a bag."""
    several = record(0, [[0.4, 0.6], [0.8, 0.2]])
    several["test"] = {**several["test"], "label": [[1, 0], [1, 1]]}

    with pytest.raises(StoreError, match="its bags have several labels, and CLAM's files one"):
        write_predictions([several], tmp_path)
