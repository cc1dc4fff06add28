"""Every tool's folder is recognised and packed once, with its values, names, labels and splits."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from milbench.errors import DatasetError, MissingDataError
from milbench.interchange.feature_files import FeatureFile, read_features
from milbench.interchange.feature_layouts import Asked, Found, recognise
from milbench.interchange.labels import Columns
from milbench.interchange.repack import Packed, repack

# Two slides, exact in half precision; positions in whole pixels.
X = {
    "0012": np.array([[0.5, -1.25], [2.0, 0.0], [1.0, 8.5]], dtype=np.float32),
    "0034": np.array([[3.0, 4.0]], dtype=np.float32),
}
COORDS = {"0012": np.array([[0, 256], [512, 256], [512, 0]]), "0034": np.array([[1024, 2048]])}
LABELS = {"0012": "tumor", "0034": "normal"}
TABLE = "case_id,slide_id,label\np1,0012,tumor\np2,0034,normal\n"


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def arrays(path: Path, **named: np.ndarray) -> h5py.File:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = h5py.File(path, "w")
    for name, values in named.items():
        file.create_dataset(name, data=values, chunks=(1, *values.shape[1:]))
    return file


def clam(folder: Path) -> None:
    """Write pt_files, h5_files with coords, a table, and splits in a folder of the task."""
    for slide, x in X.items():
        (folder / "pt_files").mkdir(parents=True, exist_ok=True)
        torch.save(torch.from_numpy(x), folder / "pt_files" / f"{slide}.pt")
        arrays(folder / "h5_files" / f"{slide}.h5", features=x, coords=COORDS[slide]).close()
    text(folder / "dataset.csv", TABLE)
    text(folder / "splits" / "task_100" / "splits_0.csv", ",train,val,test\n0,0012,,0034\n")


def trident(folder: Path) -> None:
    """Write a folder of patches with one of features; chunks of one row; Patho-Bench's folds."""
    place = folder / "20x_256px_0px_overlap" / "features_uni_v1"
    for slide, x in X.items():
        file = arrays(place / f"{slide}.h5", features=x, coords=COORDS[slide])
        file["features"].attrs.update({"encoder": "uni_v1", "name": slide})
        file["coords"].attrs.update({"patch_size": 256, "patch_size_level0": 512})
        file.close()
        arrays(place.parent / "patches" / f"{slide}_patches.h5", coords=COORDS[slide]).close()
    text(folder / "k=all.tsv", "case_id\tslide_id\tlabel\tfold_0\np1\t0012\ttumor\ttrain\n"
         "p2\t0034\tnormal\ttest\n")  # fmt: skip


def stamp(folder: Path) -> None:
    """Write feats, coords in micrometres, attributes of the file, two tables, folds of patients."""
    for slide, x in X.items():
        file = arrays(folder / f"{slide}.h5", feats=x, coords=COORDS[slide] * 0.5)
        file.attrs.update({"stamp_version": "2.2.0", "extractor": "ctranspath", "unit": "um"})
        file.attrs.update({"tile_size_um": 256.0, "tile_size_px": 224, "feat_type": "tile"})
        file.close()
    text(folder / "clini.csv", "PATIENT,isMSIH\np1,tumor\np2,normal\n")
    text(folder / "slide.csv", "PATIENT,FILENAME\np1,0012.h5\np2,0034.h5\n")
    splits = {"splits": [{"train_patients": ["p1"], "test_patients": ["p2"]}]}
    text(folder / "splits.json", json.dumps(splits))


def slideflow(folder: Path) -> None:
    """Write a tensor and an index a slide, the configuration, a table of patients."""
    folder.mkdir(parents=True, exist_ok=True)
    for slide, x in X.items():
        torch.save(torch.from_numpy(x), folder / f"{slide}.pt")
        np.savez(folder / f"{slide}.index.npz", COORDS[slide])
    text(folder / "bags_config.json", json.dumps({"extractor": {"class": "ctranspath"}}))
    text(folder / "annotations.csv", "patient,slide,category\np1,0012,tumor\np2,0034,normal\n")


def torchmil(folder: Path) -> None:
    """Write one array a bag in each folder; labels are numbers."""
    for slide, x in X.items():
        label = np.array([int(LABELS[slide] == "tumor")])
        parts = {"features_uni": x, "coords": COORDS[slide], "labels": label}
        parts["patch_labels"] = np.arange(len(x)) % 2
        for name, values in parts.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            np.save(folder / name / f"{slide}.npy", values)
    text(folder / "splits.csv", "bag_name,split\n0012,train\n0034,test\n")


def mil_baseline(folder: Path) -> None:
    """Write a table with paths of another machine; a dict in each file, with a leading axis."""
    (folder / "feats").mkdir(parents=True)
    rows = ["slide_path,label"]
    for slide, x in X.items():
        torch.save({"feats": torch.from_numpy(x)[None]}, folder / "feats" / f"{slide}.pt")
        rows.append(f"/disk/me/feats/{slide}.pt,{LABELS[slide]}")
    text(folder / "dataset.csv", "\n".join(rows))
    text(
        folder / "splits" / "Total_2-fold_C_1fold.csv",
        "train_slide_path,train_label,val_slide_path,val_label,test_slide_path,test_label\n"
        "/disk/me/feats/0012.pt,tumor,,,/disk/me/feats/0034.pt,normal\n",
    )


def dsmil(folder: Path) -> None:
    """Write one table of tiles a bag, in a folder of its class, and a list of them."""
    rows = ["0,label"]
    for slide, x in X.items():
        path = folder / LABELS[slide] / f"{slide}.csv"
        text(path, "0,1\n" + "\n".join(f"{a},{b}" for a, b in x.tolist()) + "\n")
        rows.append(f"datasets/mine/{LABELS[slide]}/{slide}.csv,{LABELS[slide]}")
    text(folder / "mine.csv", "\n".join(rows))


def histossl(folder: Path) -> None:
    """Write level, x and y before the features of each tile; one table for the cohort."""
    for slide, x in X.items():
        path = folder / f"{slide}.svs" / "features.npy"
        path.parent.mkdir(parents=True)
        level = np.full((len(x), 1), 17.0)
        np.save(path, np.concatenate([level, COORDS[slide], x], axis=1).astype(np.float32))
    text(folder / "cohort.csv", TABLE)


def hmil(folder: Path) -> None:
    """Write a tensor a slide, and DATA_SPLIT.csv with the parts."""
    (folder / "feature").mkdir(parents=True)
    for slide, x in X.items():
        torch.save(torch.from_numpy(x), folder / "feature" / f"{slide}.pt")
    text(folder / "DATA_SPLIT.csv", "slide_id,label,fold0\n0012,tumor,train\n0034,normal,test\n")


def classical_c45(folder: Path) -> None:
    """Write a line an instance: bag, name, features, label."""
    rows = [
        f"{slide},{slide}_{i},{a:g},{b:g},{int(LABELS[slide] == 'tumor')}."
        for slide, x in X.items()
        for i, (a, b) in enumerate(x.tolist())
    ]
    text(folder / "mine.data", "\n".join(rows) + "\n")
    text(folder / "mine.names", "0,1.\n")


def classical_csv(folder: Path) -> None:
    """Write a line an instance: label, bag, features; no heading."""
    rows = [
        f"{int(LABELS[slide] == 'tumor')},{slide},{a:g},{b:g}"
        for slide, x in X.items()
        for a, b in x.tolist()
    ]
    text(folder / "mine.csv", "\n".join(rows) + "\n")


def flat(folder: Path) -> None:
    """Write files of features and a table, as nnMIL and many others have them."""
    for slide, x in X.items():
        arrays(folder / f"{slide}.h5", features=x, coords=COORDS[slide]).close()
    text(folder / "labels.csv", TABLE)


PIXELS, MICRONS = "level-0 pixels", "micrometres"
NUMBERED = {"0012": "1", "0034": "0"}
# What builds the tree; the producer; the unit of coordinates, None for none; labels; patients known
TREES = [
    (clam, "clam", PIXELS, LABELS, True),
    (trident, "trident", PIXELS, LABELS, True),
    (stamp, "stamp", MICRONS, LABELS, True),
    (slideflow, "slideflow", "", LABELS, True),
    (torchmil, "torchmil", "", NUMBERED, False),
    (mil_baseline, "mil-baseline", None, LABELS, False),
    (dsmil, "dsmil", None, LABELS, False),
    (histossl, "histossl", "tiles of a level", LABELS, True),
    (hmil, "hmil", None, LABELS, False),
    (classical_c45, "classical", None, NUMBERED, False),
    (classical_csv, "classical", None, NUMBERED, False),
    (flat, "flat", "", LABELS, True),
]
WITH_SPLITS = {"clam", "trident", "stamp", "torchmil", "mil-baseline", "hmil"}


def packed(folder: Path, out: Path, asked: Asked | None = None) -> tuple[Found, Packed]:
    found = recognise(folder, asked or Asked())
    return found, repack(found, out)


def stored(out: Path, slide: str) -> FeatureFile:
    return read_features(out / "features" / f"{slide}.h5")


@pytest.mark.parametrize("tree", TREES, ids=[tree[0].__name__ for tree in TREES])
def test_each_tool_s_folder_is_recognised_and_packed(
    tmp_path: Path, tree: tuple[Callable[[Path], None], str, str | None, dict[str, str], bool]
) -> None:
    """Values and coordinates bit for bit; names with their zeros; labels, patients and parts."""
    build, producer, unit, labels, has_patients = tree
    build(tmp_path / "in")
    out = tmp_path / "out" / "mine"
    found, written = packed(tmp_path / "in", out)

    assert found.layout.producer == producer
    assert written.slides == ("0012", "0034")
    for slide, x in X.items():
        file = stored(out, slide)
        np.testing.assert_array_equal(file.x, x)
        assert file.coords_unit == (unit or "")
        factor = 0.5 if unit == MICRONS else 1
        expected = None if unit is None else COORDS[slide] * factor
        assert (file.coords is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(file.coords, expected)
    bags = (out / "bags.csv").read_text(encoding="utf-8")
    patients = {"0012": "p1,", "0034": "p2,"} if has_patients else {"0012": "", "0034": ""}
    lines = [f"{slide},{patients[slide]}{labels[slide]}" for slide in X]
    head = "slide_id,patient_id,label" if has_patients else "slide_id,label"
    assert bags.splitlines() == [head, *lines]
    assert (written.splits is not None) == (producer in WITH_SPLITS)
    if written.splits is not None:
        rows = (out / "splits.csv").read_text(encoding="utf-8").splitlines()[1:]
        assert [row.rsplit(",", 1)[1] for row in rows] == ["train", "test"]


def test_instance_labels_are_kept(tmp_path: Path) -> None:
    """The patch_labels of torchmil are beside the features of the packed slide."""
    torchmil(tmp_path / "in")
    packed(tmp_path / "in", tmp_path / "out")

    with h5py.File(tmp_path / "out" / "features" / "0012.h5") as file:
        assert file["instance_labels"][()].tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_precision_stays(tmp_path: Path, kind: str) -> None:
    """Numbers are packed as they were stored."""
    flat(tmp_path / "in")
    for slide, x in X.items():
        arrays(tmp_path / "in" / f"{slide}.h5", features=x.astype(kind)).close()
    _, written = packed(tmp_path / "in", tmp_path / "out")

    assert (written.kind.dtype, stored(tmp_path / "out", "0012").x.dtype) == (kind, kind)


def test_packed_slides_are_contiguous(tmp_path: Path) -> None:
    """TRIDENT's chunks of one row are what makes it slow to read."""
    trident(tmp_path / "in")
    packed(tmp_path / "in", tmp_path / "out")

    with h5py.File(tmp_path / "out" / "features" / "0012.h5") as file:
        assert file["features"].chunks is None
        assert file.attrs["encoder"] == "uni_v1"


def test_what_was_packed_can_be_imported_again(tmp_path: Path) -> None:
    """The packed form is a layout too: importing it gives the same files."""
    clam(tmp_path / "in")
    packed(tmp_path / "in", tmp_path / "once")
    packed(tmp_path / "once", tmp_path / "twice")

    for name in ("bags.csv", "splits.csv"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()
    np.testing.assert_array_equal(stored(tmp_path / "twice", "0012").x, X["0012"])


def test_trident_s_tensors_are_read_where_there_are_no_arrays(tmp_path: Path) -> None:
    """It saves .pt files where it is asked to."""
    place = tmp_path / "in" / "20x_256px_0px_overlap" / "features_uni_v1"
    place.mkdir(parents=True)
    for slide, x in X.items():
        torch.save(torch.from_numpy(x), place / f"{slide}.pt")
    text(tmp_path / "in" / "labels.csv", TABLE)
    found, _ = packed(tmp_path / "in", tmp_path / "out")

    assert found.layout.producer == "trident"
    np.testing.assert_array_equal(stored(tmp_path / "out", "0012").x, X["0012"])


# What is left out, and what ends the import


def test_slides_that_cannot_be_used_are_left_out_and_listed(tmp_path: Path) -> None:
    """No label, no features, no instance, a damaged file: the rest goes on."""
    flat(tmp_path / "in")
    arrays(tmp_path / "in" / "extra.h5", features=X["0034"]).close()
    with h5py.File(tmp_path / "in" / "empty.h5", "w") as file:
        file.create_dataset("features", data=np.zeros((0, 2), np.float32))
    (tmp_path / "in" / "broken.h5").write_bytes(b"\x89HDF\r\n")
    more = "p3,absent,tumor\np4,empty,tumor\np5,broken,tumor\n"
    text(tmp_path / "in" / "labels.csv", TABLE + more)
    _, written = packed(tmp_path / "in", tmp_path / "out")

    assert written.slides == ("0012", "0034")
    listed = "\n".join(written.left_out)
    assert "1 labelled slides have no features: absent" in listed
    assert "1 slides with features have no label: extra" in listed
    assert "1 slides have no instance: empty" in listed
    assert "broken.h5: truncated, or no .h5 file" in listed


def test_pickles_are_refused(tmp_path: Path) -> None:
    """A .pt file that holds objects is not opened, whatever it says it is."""
    (tmp_path / "in" / "pt_files").mkdir(parents=True)
    for slide in X:
        torch.save({"features": Path("x")}, tmp_path / "in" / "pt_files" / f"{slide}.pt")
    text(tmp_path / "in" / "labels.csv", TABLE)

    with pytest.raises(DatasetError, match="can run any code"):
        packed(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_splits_that_cannot_be_used_are_left_out(tmp_path: Path) -> None:
    """A slide in two parts of a fold: the features are packed, and the reason is listed."""
    clam(tmp_path / "in")
    path = tmp_path / "in" / "splits" / "task_100" / "splits_0.csv"
    text(path, ",train,val,test\n0,0012,,0012\n1,0034,,0034\n")
    _, written = packed(tmp_path / "in", tmp_path / "out")

    assert written.splits is None
    assert not (tmp_path / "out" / "splits.csv").exists()
    assert "the splits: splits_0.csv: 2 bags are in two parts" in written.left_out[-1]


def test_labels_of_two_tables_are_not_mixed(tmp_path: Path) -> None:
    """The splits name classes 0 and 1, the table of labels otherwise: the table counts alone."""
    flat(tmp_path / "in")
    text(
        tmp_path / "in" / "splits" / "fold0.csv",
        ",train,train_label,val,val_label,test,test_label\n0,0012,1,,,0034,0\n1,0056,1,,,,\n",
    )
    found = recognise(tmp_path / "in", Asked())

    assert found.labels.label == LABELS


def test_a_pickle_of_slides_is_refused_with_the_reason(tmp_path: Path) -> None:
    """HNM-WSI's and ItS2CLR's features; nothing in the file is run."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "features.pkl").write_bytes(pickle.dumps({"s1": [("a", X["0034"])]}))

    with pytest.raises(DatasetError, match=r"features\.pkl: a pickle runs whatever code"):
        recognise(tmp_path / "in", Asked())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"features": np.ones((1, 3), np.float32)}, "dim is 2 in slide '0012' and 3 in '0034'"),
        ({"features": np.ones((1, 2), np.float16)}, "dtype is 'float32' .* and 'float16'"),
        ({"features": X["0034"]}, "has_coords is True in slide '0012' and False in '0034'"),
    ],
)
def test_features_of_different_kinds_are_an_error(
    tmp_path: Path, other: dict[str, np.ndarray], message: str
) -> None:
    """They do not compare; nothing is left behind."""
    flat(tmp_path / "in")
    arrays(tmp_path / "in" / "0034.h5", **other).close()

    with pytest.raises(DatasetError, match=message):
        packed(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_features_of_different_encoders_are_an_error(tmp_path: Path) -> None:
    """Where the files say it."""
    trident(tmp_path / "in")
    place = tmp_path / "in" / "20x_256px_0px_overlap" / "features_uni_v1" / "0034.h5"
    with h5py.File(place, "a") as file:
        file["features"].attrs["encoder"] = "conch_v1"

    with pytest.raises(DatasetError, match="encoder is 'uni_v1' in slide '0012' and 'conch_v1'"):
        packed(tmp_path / "in", tmp_path / "out")


def test_two_encoders_side_by_side_are_named(tmp_path: Path) -> None:
    """Which features are meant is not guessed; the folder of one of them is taken."""
    trident(tmp_path / "in")
    place = tmp_path / "in" / "20x_256px_0px_overlap"
    arrays(place / "features_conch_v1" / "0012.h5", features=X["0012"]).close()

    with pytest.raises(DatasetError, match=r"features of 2 kinds, .*conch_v1 and .*uni_v1"):
        recognise(tmp_path / "in", Asked())
    text(place / "features_uni_v1" / "labels.csv", TABLE)
    assert recognise(place / "features_uni_v1", Asked()).layout.encoder == "uni_v1"


def test_two_tools_in_one_folder_are_named(tmp_path: Path) -> None:
    """The message has both, and how to say which; saying it decides."""
    slideflow(tmp_path / "in")
    text(tmp_path / "in" / "DATA_SPLIT.csv", "slide_id,label,fold0\n0012,a,train\n0034,b,test\n")

    with pytest.raises(DatasetError, match=r"may be slideflow .* or hmil .*--from slideflow"):
        recognise(tmp_path / "in", Asked())
    labels = tmp_path / "in" / "DATA_SPLIT.csv"
    found = recognise(tmp_path / "in", Asked(producer="hmil", labels=labels))
    assert found.layout.producer == "hmil"


def test_clam_s_two_folders_must_hold_the_same_slides(tmp_path: Path) -> None:
    """A slide with coordinates beside one without: which to believe is unclear."""
    clam(tmp_path / "in")
    (tmp_path / "in" / "h5_files" / "0034.h5").unlink()

    with pytest.raises(DatasetError, match="slide '0034' is in one of pt_files and h5_files only"):
        recognise(tmp_path / "in", Asked())


def test_one_vector_a_slide_is_no_bag(tmp_path: Path) -> None:
    """STAMP says what its files hold."""
    stamp(tmp_path / "in")
    for slide in X:
        with h5py.File(tmp_path / "in" / f"{slide}.h5", "a") as file:
            file.attrs["feat_type"] = "slide"

    with pytest.raises(DatasetError, match="feat_type is 'slide', one vector each"):
        recognise(tmp_path / "in", Asked())


def test_stamp_s_target_is_not_guessed(tmp_path: Path) -> None:
    """Of two columns beside PATIENT one is named."""
    stamp(tmp_path / "in")
    text(tmp_path / "in" / "clini.csv", "PATIENT,isMSIH,AGE\np1,tumor,60\np2,normal,61\n")

    with pytest.raises(DatasetError, match="may be in 'isMSIH' or 'AGE'; say which with --label"):
        recognise(tmp_path / "in", Asked())
    found = recognise(tmp_path / "in", Asked(columns=Columns(label="isMSIH")))
    assert found.labels.label == LABELS


def test_tiles_of_two_levels_do_not_compare(tmp_path: Path) -> None:
    """In HistoSSLscaling x and y count tiles of one level; the slide is left out."""
    histossl(tmp_path / "in")
    path = tmp_path / "in" / "0012.svs" / "features.npy"
    values = np.load(path)
    values[0, 0] = 16
    np.save(path, values)
    _, written = packed(tmp_path / "in", tmp_path / "out")

    assert written.slides == ("0034",)
    assert "tiles of the levels 16, 17" in written.left_out[-1]


def test_a_listed_path_that_leads_out_is_refused(tmp_path: Path) -> None:
    """A table of paths must not make milbench read other files."""
    mil_baseline(tmp_path / "in")
    text(tmp_path / "in" / "dataset.csv", "slide_path,label\n../secret/0012.pt,tumor\n")

    with pytest.raises(Exception, match="leads out of its folder"):
        recognise(tmp_path / "in", Asked())


def test_features_without_labels_say_what_to_give(tmp_path: Path) -> None:
    """And a table that is named is taken."""
    flat(tmp_path / "in")
    (tmp_path / "in" / "labels.csv").rename(tmp_path / "elsewhere.tsv")

    with pytest.raises(MissingDataError, match="no table of labels; name one with --labels"):
        recognise(tmp_path / "in", Asked())
    text(tmp_path / "elsewhere.tsv", TABLE.replace(",", "\t"))
    found = recognise(tmp_path / "in", Asked(labels=tmp_path / "elsewhere.tsv"))
    assert found.labels.label == LABELS


def test_names_that_do_not_agree_are_shown(tmp_path: Path) -> None:
    """Labels of other slides: the message has examples of both sides."""
    flat(tmp_path / "in")
    text(tmp_path / "in" / "labels.csv", "slide_id,label\nA,tumor\nB,normal\n")

    with pytest.raises(DatasetError, match=r"do the names agree\? Labelled: A, B; features: 0012"):
        packed(tmp_path / "in", tmp_path / "out")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A folder that is there stays as it is."""
    flat(tmp_path / "in")
    packed(tmp_path / "in", tmp_path / "out")

    with pytest.raises(DatasetError, match="is there already"):
        packed(tmp_path / "in", tmp_path / "out")
