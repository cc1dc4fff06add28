"""Any tool's splits are those of a run on own data, checked like drawn ones."""

import gzip
import json
from itertools import zip_longest

import pytest

from milbench.cli import main
from milbench.registry import Registry
from milbench.run import Settings, plan
from milbench.suite import load_suite
from milbench.tables.offer import with_own_data
from milbench.tables.write_suite import suite_text

ROLES = ("train", "val", "test", "unused")
FOLDS = 2


def part(row, fold):
    """Return the part of a slide: patients in turn, and those of the last two are held back."""
    patient = int(row[1][1:])
    if patient >= 10:
        return "val"
    return "test" if patient // 2 % FOLDS == fold else "train"


def listed(rows, fold, name, column=0):
    return list(dict.fromkeys(row[column] for row in rows if part(row, fold) == name))


def clam(folder, rows):
    for fold in range(FOLDS):
        parts = [listed(rows, fold, name) for name in ROLES[:3]]
        cells = zip_longest(*parts, fillvalue="")
        lines = [f"{at},{','.join(row)}" for at, row in enumerate(cells)]
        (folder / f"splits_{fold}.csv").write_text("\n".join([",train,val,test", *lines]))
    return folder


def patho_bench(folder, rows):
    lines = ["case_id\tslide_id\tfold_0\tfold_1"]
    lines += [f"{row[1]}\t{row[0]}\t{part(row, 0)}\t{part(row, 1)}" for row in rows]
    (folder / "k=all.tsv").write_text("\n".join(lines))
    return folder / "k=all.tsv"


def stamp(folder, rows):
    splits = [
        {f"{name}_patients": listed(rows, fold, name, 1) for name in ("train", "test")}
        for fold in range(FOLDS)
    ]
    (folder / "splits.json").write_text(json.dumps({"splits": splits}))
    return folder


def slideflow(folder, rows):
    parts = {f"k-fold-{fold + 1}": listed(rows, fold, "test") for fold in range(FOLDS)}
    plans = [{"strategy": "k-fold", "patients": {}, "tfrecords": parts}]
    (folder / "splits.json").write_text(json.dumps(plans))
    return folder


def titan(folder, rows):
    for name in ROLES[:3]:
        text = "\n".join(["slide_id", *(f"{one}.svs" for one in listed(rows, 0, name))])
        (folder / f"task_{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def torchmil(folder, rows):
    lines = ["bag_name,split", *(f"{row[0]},{part(row, 0)}" for row in rows)]
    (folder / "splits.csv").write_text("\n".join(lines))
    return folder


def acmil(folder, rows):
    for fold in range(FOLDS):
        lists = {f"{name}_names": listed(rows, fold, name) for name in ROLES[:3]}
        (folder / f"split_{fold + 1}.json").write_text(json.dumps(lists))
    return folder


def long_without_repeat(folder, rows):
    """As nobody's tool writes it, and anybody's script may."""
    lines = ["slide_id;fold;split"]
    lines += [f"{row[0]};{fold + 1};{part(row, fold)}" for fold in range(FOLDS) for row in rows]
    (folder / "mine.csv").write_text("\n".join(lines))
    return folder / "mine.csv"


# Writes the splits, how many folds it says, and what it calls the slides that are held back.
TOOLS = (
    (clam, 2, "val"),
    (patho_bench, 2, "val"),
    (stamp, 2, "unused"),
    (slideflow, 2, "unused"),
    (titan, 1, "val"),
    (torchmil, 1, "val"),
    (acmil, 2, "val"),
    (long_without_repeat, 2, "val"),
)
NAMES = [tool[0].__name__ for tool in TOOLS]


def planned(clinic, splits, folds, **said):
    entry = {"name": "clinic", "bags": "labels.csv", "features": "features", "splits": str(splits)}
    suite = {
        "name": "clinic",
        "dataset": [entry | said],
        "splits": {"scheme": "given", "repeats": 1, "folds": folds},
        "methods": [{"name": "prior"}],
    }
    path = clinic.folder / "suite.toml"
    path.write_text(suite_text(suite), encoding="utf-8")
    folder = clinic.folder
    settings = Settings(data=folder, cache=folder / "cache", results=folder / "results")
    return plan(load_suite(path), with_own_data(Registry(), path, folder / "cache"), settings)


@pytest.mark.parametrize(
    ("write", "folds", "held"), TOOLS, ids=[tool[0].__name__ for tool in TOOLS]
)
@pytest.mark.parametrize("fusion", ["none", "early"])
def test_a_tool_s_splits_are_those_of_the_run(clinic, write, folds, held, fusion):
    """Slides, and patients where their slides are joined, are in the parts they were put in."""
    clinic.write()
    (clinic.folder / "splits").mkdir()
    splits = write(clinic.folder / "splits", clinic.rows)

    made = planned(clinic, splits, folds, fusion=fusion)

    assert made.prepared.broken == {}
    (ground,) = made.prepared.grounds
    firsts = clinic.rows if fusion == "none" else clinic.rows[::2]  # two slides a patient
    for fold in range(folds):
        expected = [held if part(row, fold) == "val" else part(row, fold) for row in firsts]
        assert [ROLES[role] for role in ground.splits.roles[0, fold]] == expected
    told = any(note.startswith("In no fold of the given splits") for note in ground.splits.notes)
    assert told == (held == "unused")


def test_what_a_tool_calls_otherwise_is_told(clinic):
    """Slideflow has no test part; what it holds out is read as one, in the leaderboard's words."""
    clinic.write()
    (clinic.folder / "splits").mkdir()

    made = planned(clinic, slideflow(clinic.folder / "splits", clinic.rows), 2)

    assert any("read as test" in note for note in made.prepared.notes["clinic"])


def test_splits_beside_the_features_are_no_slides(clinic):
    """A folder of splits below that of the features holds tables, and features may be tables."""
    clinic.write()
    (clinic.folder / "features" / "splits").mkdir()

    made = planned(clinic, clam(clinic.folder / "features" / "splits", clinic.rows), 2)

    assert made.prepared.broken == {}
    assert not any("Left out" in note for note in made.prepared.notes["clinic"])


def test_splits_that_cannot_be_read_are_a_fault_of_the_suite(clinic, capsys):
    """One of two files is damaged: ``validate`` says so; methods are ranked again without them."""
    clinic.write()
    (clinic.folder / "splits").mkdir()
    planned(clinic, clam(clinic.folder / "splits", clinic.rows), 2)
    assert main(["validate", str(clinic.folder / "suite.toml")]) == 0
    (clinic.folder / "splits" / "splits_1.csv").write_text('"')

    assert main(["validate", str(clinic.folder / "suite.toml")]) == 2
    assert "splits_1.csv, line 1: not a table" in capsys.readouterr().err
    with_own_data(Registry(), clinic.folder / "suite.toml", None)


def test_splits_of_other_slides_show_both_names(clinic):
    clinic.write()
    path = clinic.folder / "splits.csv"
    path.write_text("bag_name,split\nTCGA-A1,train\nTCGA-B2,test\n")

    broken = planned(clinic, path, 1).prepared.broken["clinic"]

    assert "no bag is in the train part" in broken
    assert "slides such as 'TCGA-A1', and here are '000'" in broken


def test_splits_of_patients_need_a_column_of_them(clinic):
    """STAMP's; the message has the option to write."""
    clinic.write()
    (clinic.folder / "splits").mkdir()
    splits = stamp(clinic.folder / "splits", clinic.rows)

    broken = planned(clinic, splits, 2, patient="").prepared.broken["clinic"]

    assert "the splits list patients such as 'p2'" in broken
    assert "--patient-column" in broken


def test_a_patient_in_two_parts_is_a_leak_in_any_tool_s_form(clinic):
    """The second slide of patient p0 moves from the test part to the training part."""
    clinic.write()
    (clinic.folder / "splits").mkdir()
    path = patho_bench(clinic.folder / "splits", clinic.rows)
    path.write_text(path.read_text().replace("p0\t001\ttest", "p0\t001\ttrain"))

    slides = planned(clinic, path, 2).prepared.broken["clinic"]
    patients = planned(clinic, path, 2, fusion="early").prepared.broken["clinic"]

    assert "PATIENT_LEAK: patient 'p0' has bags in train and test" in slides
    assert "fold_0: 1 bags are in two parts, such as 'p0' in train and test" in patients
