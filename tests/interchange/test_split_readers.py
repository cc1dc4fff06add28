"""Splits are read in the layout of each program, and refused where they are unclear."""

import json
import pickle
from pathlib import Path

import pytest

from milbench.errors import FeatureFileError, SplitError
from milbench.interchange.split_files import Fold
from milbench.interchange.split_readers import read_split_files, repeats_of

PARTS = {"train": ("s1", "s2"), "val": ("s3",), "test": ("s4", "s5")}
# Each file in the form that the program writes, after docs/interchange.md.
TREES = {
    "clam": {"splits_0.csv": ",train,val,test\n0,s1,s3,s4\n1,s2,,s5\n"},
    "transmil": {
        "fold0.csv": ",train,train_label,val,val_label,test,test_label\n"
        "0,s1,0,s3,1.0,s4,0.0\n1,s2,1,,,s5,1.0\n"
    },
    "mil-baseline": {
        "Total_5-fold_X_1fold.csv": "train_slide_path,train_label,val_slide_path,val_label,"
        "test_slide_path,test_label\n/d/s1.pt,0,/d/s3.pt,1,/d/s4.pt,0\n/d/s2.pt,1,,,/d/s5.pt,1\n"
    },
    "torchmil": {"splits.csv": "bag_name,split\ns1,train\ns3,val\ns4,test\ns2,train\ns5,test\n"},
    "patho-bench": {
        "k=all.tsv": "case_id\tslide_id\tlabel\tfold_0\np1\ts1\t0\ttrain\np2\ts2\t1\ttrain\n"
        "p3\ts3\t1\tval\np4\ts4\t0\ttest\np5\ts5\t1\ttest\n"
    },
    "hmil": {
        "10splits.csv": "slide_id,label,fold0\ns1,A,train\ns2,B,train\ns3,A,val\ns4,A,test\n"
        "s5,B,test\n"
    },
    "slideflow": {
        "splits.json": json.dumps(
            [
                {
                    "strategy": "fixed",
                    "patients": {},
                    "tfrecords": {"training": ["s1", "s2", "s3"], "validation": ["s4", "s5"]},
                }
            ]
        )
    },
    "acmil": {
        "split_1.json": json.dumps(
            {"train_names": ["s1", "s2"], "val_names": ["s3"], "test_names": ["s4", "s5"]}
        )
    },
    "separate-parts": {
        "task_train.csv": "slide_id,case_id\ns1,p1\ns2,p2\n",
        "task_val.csv": "slide_id,case_id\ns3,p3\n",
        "task_test.csv": "slide_id,case_id\ns4,p4\ns5,p5\n",
    },
    "milbench": {
        "mine.csv": "bag_id,group_id,repeat,fold,role\ns1,p1,0,0,train\ns2,p2,0,0,train\n"
        "s3,p3,0,0,val\ns4,p4,0,0,test\ns5,p5,0,0,test\ns6,p6,0,0,unused\n"
    },
    "one-table": {
        "dataset.csv": "slide_id,patient_id,split,label\ns1,p1,train,0\ns2,p2,train,1\n"
        "s3,p3,val,0\ns4,p4,test,0\ns5,p5,test,1\n"
    },
}


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def plain(fold: Fold) -> dict[str, tuple[str, ...]]:
    """Return the members without folders and endings."""
    return {part: tuple(Path(one).stem for one in them) for part, them in fold.parts.items()}


@pytest.mark.parametrize("producer", sorted(set(TREES) - {"slideflow"}))
def test_each_program_s_files_are_recognised_and_read(tmp_path: Path, producer: str) -> None:
    """The five slides are in the parts they were put in."""
    splits = read_split_files(written(tmp_path, TREES[producer]))

    assert splits.producer == producer
    assert [plain(fold) for fold in splits.folds] == [PARTS]


def test_slideflow_calls_what_it_holds_out_validation(tmp_path: Path) -> None:
    """It has no test part, so the part that is held out is read as one, and this is said."""
    splits = read_split_files(written(tmp_path, TREES["slideflow"]))

    assert [fold.test for fold in splits.folds] == [("s4", "s5")]
    assert [fold.val for fold in splits.folds] == [()]
    assert "read as test" in splits.notes[0]


def test_slideflow_s_folds_each_hold_out_one(tmp_path: Path) -> None:
    """Of k-fold-1, -2 and -10, in this order, each is tested by a model of the others."""
    parts = {"k-fold-1": ["a"], "k-fold-10": ["c"], "k-fold-2": ["b"]}
    text = json.dumps([{"strategy": "k-fold", "patients": {}, "tfrecords": parts}])
    splits = read_split_files(written(tmp_path, {"splits.json": text}))

    assert [(fold.train, fold.test) for fold in splits.folds] == [
        (("b", "c"), ("a",)),
        (("a", "c"), ("b",)),
        (("a", "b"), ("c",)),
    ]


def test_stamp_lists_patients(tmp_path: Path) -> None:
    """``splits.json`` has folds of patients, without a validation part."""
    text = json.dumps({"splits": [{"train_patients": ["p1", "p2"], "test_patients": ["p3"]}]})
    splits = read_split_files(written(tmp_path, {"splits.json": text}))

    assert (splits.producer, splits.unit) == ("stamp", "patient")
    assert splits.folds[0].parts == {"train": ("p1", "p2"), "val": (), "test": ("p3",)}


def test_clam_s_two_forms_are_the_same_fold(tmp_path: Path) -> None:
    """True and False a slide say what the ragged table says; alone they are enough."""
    marks = (
        ",train,val,test\ns1,True,False,False\ns2,True,False,False\ns3,False,True,False\n"
        "s4,False,False,True\ns5,False,False,True\n"
    )
    alone = read_split_files(written(tmp_path / "a", {"splits_0_bool.csv": marks}))
    both = {"splits_0_bool.csv": marks, **TREES["clam"]}
    splits = read_split_files(written(tmp_path / "b", both))

    assert [plain(fold) for fold in (*alone.folds, *splits.folds)] == [PARTS, PARTS]


def test_clam_s_two_forms_must_agree(tmp_path: Path) -> None:
    """A file that was edited alone makes the fold unclear."""
    marks = ",train,val,test\ns1,False,True,False\n"
    files = {"splits_0_bool.csv": marks, **TREES["clam"]}

    with pytest.raises(SplitError, match=r"splits_0_bool.csv: differs from splits_0.csv beside it"):
        read_split_files(written(tmp_path, files))


def test_folds_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """``splits_10.csv`` follows ``splits_2.csv``."""
    files = {f"splits_{n}.csv": f",train,val,test\n0,a,,t{n}\n" for n in (10, 2)}
    splits = read_split_files(written(tmp_path, files))

    assert [fold.test for fold in splits.folds] == [("t2",), ("t10",)]


def test_parts_in_folders_are_one_fold_a_file(tmp_path: Path) -> None:
    """UBC-OCEAN's ``train/1.csv`` belongs to ``val/1.csv``, which is what it holds out."""
    table = "file_name,label\n{}\n"
    files = {
        f"{part}/{n}.csv": table.format(f"{part}{n},0") for part in ("train", "val") for n in (1, 2)
    }
    splits = read_split_files(written(tmp_path, files))

    assert [(fold.train, fold.test) for fold in splits.folds] == [
        (("train1",), ("val1",)),
        (("train2",), ("val2",)),
    ]
    assert splits.inside.label == {"train1": "0", "val1": "0", "train2": "0", "val2": "0"}


def test_lists_of_bags_are_parts(tmp_path: Path) -> None:
    """HNM-WSI's lists name folders; a larger list without its counterparts is left alone."""
    files = {
        "train_bags.txt": "/training/normal_155/\n/training/tumor_001/\n",
        "val_bags.txt": "/training/normal_123/\n",
        "test_bags.txt": "/testing/test_001/\n",
        "large_train_bags.txt": "/training/tumor_050/\n",
    }
    splits = read_split_files(written(tmp_path, files))

    assert [len(part) for part in splits.folds[0].parts.values()] == [2, 1, 1]


def test_two_programs_side_by_side_are_named(tmp_path: Path) -> None:
    """Which splits are meant is not guessed."""
    with pytest.raises(SplitError, match=r"may be those of clam .* or of torchmil .*name the file"):
        read_split_files(written(tmp_path, TREES["clam"] | TREES["torchmil"]))


@pytest.mark.parametrize("producer", ["patho-bench", "milbench", "one-table"])
def test_two_tables_of_one_kind_are_named(tmp_path: Path, producer: str) -> None:
    """A folder with two tables of folds does not say which is meant; a file does."""
    ((name, text),) = TREES[producer].items()
    written(tmp_path, {name: text, f"second-{name}": text})

    with pytest.raises(SplitError, match=r"both hold (folds|parts); name the file"):
        read_split_files(tmp_path)
    assert [plain(fold) for fold in read_split_files(tmp_path / name).folds] == [PARTS]


def test_a_pickle_is_refused_with_the_reason(tmp_path: Path) -> None:
    """HMIL's own splits; nothing in the file is run."""
    (tmp_path / "BRACS_splits_0.pkl").write_bytes(pickle.dumps({"train": ["s1"]}))

    with pytest.raises(SplitError, match="a pickle runs whatever code"):
        read_split_files(tmp_path)


def test_an_unknown_part_names_its_line(tmp_path: Path) -> None:
    """``holdout`` is none of the known names of parts."""
    text = TREES["torchmil"]["splits.csv"].replace("s5,test", "s5,holdout")

    with pytest.raises(SplitError, match=r"splits.csv, line 6: part 'holdout'; expected one of"):
        read_split_files(written(tmp_path, {"splits.csv": text}))


def test_a_folder_without_splits_says_what_works(tmp_path: Path) -> None:
    """An unknown layout leads to the documentation."""
    with pytest.raises(SplitError, match=r"no splits recognised; docs/interchange.md"):
        read_split_files(written(tmp_path, {"notes.csv": "a,b\n1,2\n"}))


def test_a_name_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    """A table must not make milbench look at other files."""
    text = "path,split\n../../etc/passwd,train\n"

    with pytest.raises(FeatureFileError, match="leads out of its folder"):
        read_split_files(written(tmp_path, {"dataset.csv": text}))


@pytest.mark.parametrize(
    ("tests", "repeats"),
    [
        ([["a", "b"], ["c"], ["b", "c"], ["a"]], 2),
        ([["a"], ["b"], ["c"]], 1),
        ([["a", "b"], ["b", "c"]], 1),  # random draws
        ([["a"], ["a"]], 1),  # one fold each is no partition
        ([["a"], ["b"], ["a"], ["c"]], 1),  # the repeats test other slides
    ],
)
def test_repeats_of_a_partition_are_found(tests: list[list[str]], repeats: int) -> None:
    """Folds that test every slide once, several times over, are repeats."""
    assert repeats_of(tests) == repeats


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "producer", "folds", "sizes"),
    [
        # Counts of the folder's README, and of the files' lines.
        ("tcga_hipt/tcga_brca", "clam", 10, (845, 98, 98)),
        ("tcga_ot", "separate-parts", 1, (8226, 1612, 1348)),
        ("clam_layout", "clam", 1, (300, 51, 48)),
        ("bracs/hmil_10splits.csv", "hmil", 10, (437, 54, 54)),
        ("bracs/acmil_bracs.csv", "one-table", 1, (395, 65, 87)),
        ("panda/hmil_10splits.csv", "hmil", 10, (8164, 1019, 1019)),
        ("camelyon16/transmil_fold0.csv", "transmil", 1, (216, 54, 129)),
        ("camelyon16/acmil_split_1.json", "acmil", 1, (242, 27, 129)),
        ("ubc_ocean/split", "separate-parts", 5, (428, 0, 108)),
    ],
)
def test_real_files_have_their_published_sizes(
    data_dir: Path, place: str, producer: str, folds: int, sizes: tuple[int, ...]
) -> None:
    """Files of real projects, as they lie."""
    splits = read_split_files(data_dir / "labels_splits" / place)

    assert (splits.producer, len(splits.folds)) == (producer, folds)
    assert tuple(len(part) for part in splits.folds[0].parts.values()) == sizes
