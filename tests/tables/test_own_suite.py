"""A suite with own data is a suite like any other: the same runs, splits and tables."""

from dataclasses import replace

import numpy as np
import pytest

from milbench import LabelledBag, Levels
from milbench.check import faults
from milbench.errors import PluginError, SplitError, SuiteError
from milbench.leaderboard.board import Board, Cell, DatasetInfo, MethodInfo
from milbench.leaderboard.build import build
from milbench.records import Dataset
from milbench.registry import Offer, Origin, Plugin, Registry
from milbench.run import Settings, board_of, plan
from milbench.splits.given import given_roles
from milbench.splits.plan import SplitPlan
from milbench.suite import load_suite
from milbench.tables.offer import with_own_data
from milbench.tables.write_suite import suite_text

METHODS = [{"name": "mean"}, {"name": "abmil"}]


@pytest.fixture(scope="module")
def registry():
    """Return the plugins of milbench alone."""
    return Registry()


def written(clinic, methods=METHODS, splits=None, **said):
    """Write a suite with the clinic's data and return its path."""
    entry = {"name": "clinic", "bags": "labels.csv", "features": "features"} | said
    suite = {
        "name": "clinic",
        "dataset": [entry],
        "splits": splits or {"repeats": 2, "folds": 3},
        "methods": methods,
    }
    path = clinic.folder / "suite.toml"
    path.write_text(suite_text(suite), encoding="utf-8")
    return path


def planned(path, registry, folder):
    settings = Settings(data=folder, cache=folder / "cache", results=folder / "results")
    return plan(load_suite(path), registry, settings)


def keys(made):
    return [run.key for job in made.jobs for run in job.runs]


def test_own_data_has_the_runs_of_a_plugin_with_the_same_bags(clinic, registry):
    """The key of a run names everything that decides its result: features, splits, settings.

    Written in Python or as a table and a folder, the same bags are the same runs, which therefore
    have the same results.
    """
    clinic.write()

    def bags(data):
        for slide, patient, label in clinic.rows:
            x = clinic.features[slide]
            yield LabelledBag(id=slide, patient=patient, label="ab".index(label), x=x)

    record = Dataset(name="clinic", target=bags, summary="-", classes=("a", "b"))
    origin = Origin("plugin", "1", "data")
    plugin = registry.beside(Plugin(origin, (), (Offer("dataset", record, origin),), ()))
    path = written(clinic)
    own = with_own_data(registry, path, clinic.folder / "cache")

    from_table = keys(planned(path, own, clinic.folder / "one"))
    from_python = keys(planned(path, plugin, clinic.folder / "two"))

    assert len(from_table) == 2 * 2 * 3
    assert from_table == from_python


def test_two_folders_are_two_views_of_the_same_bags_and_splits(clinic, registry):
    clinic.write("one")
    clinic.features = {slide: x * 2 for slide, x in clinic.features.items()}
    clinic.write("two")
    path = written(clinic, features={"uni": "one", "resnet": "two"})
    own = with_own_data(registry, path, clinic.folder / "cache")

    made = planned(path, own, clinic.folder)

    assert [str(ground.view) for ground in made.prepared.grounds] == ["uni", "resnet"]
    assert len({ground.splits.hash for ground in made.prepared.grounds}) == 1
    assert len({ground.features_hash for ground in made.prepared.grounds}) == 2
    board = board_of(made.suite, own, made.store)
    assert [info.encoder for info in board.datasets] == ["uni", "resnet"]
    assert faults(path, own) == []


def test_a_changed_file_makes_new_runs(clinic, registry):
    """Features are never taken from the cache when a file of the folder is another one."""
    path = written(clinic.write())
    cache = clinic.folder / "cache"
    before = keys(planned(path, with_own_data(registry, path, cache), clinic.folder))
    np.save(clinic.folder / "features" / "000.npy", clinic.features["000"] + 1)

    after = keys(planned(path, with_own_data(registry, path, cache), clinic.folder))

    assert not set(before) & set(after)


def test_official_parts_are_the_split(clinic, registry):
    parts = ("train", "train", "val", "test")
    clinic.heading.append("split")
    clinic.rows = [[*row, parts[int(row[0]) // 4 % 4]] for row in clinic.rows]
    path = written(clinic.write(), splits={"scheme": "official", "repeats": 1})

    made = planned(path, with_own_data(registry, path, clinic.folder), clinic.folder)

    (ground,) = made.prepared.grounds
    roles = [("train", "val", "test")[role] for role in ground.splits.roles[0, 0]]
    assert roles == [row[3] for row in clinic.rows]


def write_splits(clinic, change=lambda roles: None):
    """Write two repeats of three folds by patient; return the roles in order of repeat and fold."""
    lines, expected = ["slide_id,repeat,fold,role"], []
    for repeat in range(2):
        for fold in range(3):
            roles = []
            for slide, patient, _ in clinic.rows:
                at = (int(patient[1:]) // 2 + repeat + fold) % 3
                roles.append(("test", "val", "train")[at])
                lines.append(f"{slide}.svs,{repeat + 1},{fold},{roles[-1]}")
            expected.append(roles)
    change(lines)
    (clinic.folder / "splits.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return expected


def given(clinic, registry, repeats=2, **said):
    path = written(
        clinic,
        splits={"scheme": "given", "repeats": repeats, "folds": 3},
        splits_file="splits.csv",
        **said,
    )
    text = path.read_text(encoding="utf-8").replace("splits_file", "splits")
    path.write_text(text, encoding="utf-8")
    return planned(path, with_own_data(registry, path, clinic.folder), clinic.folder)


def test_a_splits_file_is_used_as_it_is(clinic, registry):
    """Every role of every slide in every fold, counted from 0 or from 1."""
    expected = write_splits(clinic.write())

    (ground,) = given(clinic, registry).prepared.grounds

    roles = ground.splits.roles.reshape(6, -1)
    assert [[("train", "val", "test")[role] for role in row] for row in roles] == expected


def test_a_column_for_each_fold_means_the_same(clinic, registry):
    """As Patho-Bench writes its splits."""
    expected = write_splits(clinic.write())[:3]
    lines = ["slide_id,fold_0,fold_1,fold_2"]
    columns = zip(*expected, strict=True)
    lines += [f"{row[0]},{','.join(r)}" for row, r in zip(clinic.rows, columns, strict=True)]
    (clinic.folder / "splits.csv").write_text("\n".join(lines), encoding="utf-8")

    (ground,) = given(clinic, registry, repeats=1).prepared.grounds

    roles = ground.splits.roles.reshape(3, -1)
    assert [[("train", "val", "test")[role] for role in row] for row in roles] == expected


def drop_last(lines):
    del lines[-1]


def leak(lines):
    lines[-1] = lines[-1].replace("train", "test").replace("val", "test")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop_last, "repeat 2, fold 2 has no line for 1 of 24 slides, such as '023'"),
        (lambda lines: lines.append("000,1,0,train"), "two parts, such as '000' in train and test"),
        (lambda lines: lines.append("000,1,0,sometimes"), "line 146: part 'sometimes'"),
        (lambda lines: lines.append("000,1,x,train"), "fold 'x'; expected whole numbers"),
        (lambda lines: lines.append("9,1,0,train"), "has no line for 1 of 25 slides, such as '9'"),
        (leak, "PATIENT_LEAK"),
    ],
)
def test_a_splits_file_that_does_not_fit_is_refused(clinic, registry, change, fault):
    write_splits(clinic.write(), change)

    made = given(clinic, registry)

    assert fault in made.prepared.broken["clinic"]


def test_a_splits_file_with_other_folds_says_how_many(clinic, registry):
    write_splits(clinic.write())

    assert "set splits.repeats = 2" in given(clinic, registry, repeats=3).prepared.broken["clinic"]


def finished(fold, rows):
    """Return a finished run whose test bags are ``rows``: bag, patient, label, score of class 1."""
    bag, patient, label, score = zip(*rows, strict=True)
    test = {
        "bag": bag,
        "patient": patient,
        "label": label,
        "score": [[1 - p, p] for p in score],
    }
    return {
        "schema": 1, "key": f"k{fold}", "status": "done", "dataset": "one", "encoder": "e",
        "method": "m", "repeat": 0, "fold": fold, "seed": 0, "test": test,
    }  # fmt: skip


def test_late_fusion_scores_the_mean_of_a_patients_slides():
    """Slides 0.9 and 0.2 of a positive patient count as 0.55, below the negative one's 0.6.

    The other three pairs of patients are in order: AUROC 3/4 by hand. Of the nine pairs of slides
    eight are.
    """
    rows = [
        ("a1", "a", 1, 0.9),
        ("a2", "a", 1, 0.2),
        ("b1", "b", 0, 0.6),
        ("c1", "c", 1, 0.95),
        ("d1", "d", 0, 0.1),
        ("d2", "d", 0, 0.1),
    ]
    info = DatasetInfo(name="one", encoder="e", primary_metric="auroc", classes=("n", "p"))
    cell = Cell(dataset="one", encoder="e", method="m", planned=((0, 0, 0),))
    board = Board(
        suite="s", datasets=(info,), methods=(MethodInfo(label="m"),), cells=(cell,), draws=200
    )
    late = replace(board, datasets=(replace(info, patient_rule="mean"),))

    alone, fused = (build(b, [finished(0, rows)]).sections[0] for b in (board, late))

    assert alone.rows[0].primary.value == pytest.approx(8 / 9)
    assert fused.rows[0].primary.value == pytest.approx(3 / 4)
    assert sum(fused.bags) == fused.n_patients == 4
    assert any("Each patient counts once" in note for note in fused.notes)


def test_names_that_are_taken_and_unclear_tables_are_told_together(clinic, registry):
    """One reading of a suite shows the faults of all its own data sets."""
    path = written(clinic.write())
    text = path.read_text(encoding="utf-8")
    more = (
        '\n[[dataset]]\nname = "musk1"\nbags = "labels.csv"\nfeatures = "features"\n'
        '\n[[dataset]]\nname = "third"\nbags = "absent.csv"\nfeatures = "features"\n'
        '\n[[dataset]]\nname = "fourth"\nbags = "labels.csv"\nfeatures = "features"\n'
        'label = "labl"\n'
    )
    path.write_text(text + more, encoding="utf-8")

    with pytest.raises(SuiteError) as caught:
        with_own_data(registry, path, None)

    message = str(caught.value)
    assert "3 faults" in message
    assert "dataset 'musk1': the name is taken by milbench/musk1" in message
    assert "absent.csv: no such table of labels" in message
    assert "did you mean 'label'" in message


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"task": "binary", "classes": ["a", "b", "c"]}, "binary has 2 classes"),
        ({"classes": ["a", "a"]}, "appears twice"),
        ({"features": {}}, "no folder"),
        ({"fusion": "middle"}, "'none', 'early' or 'late'"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_the_file(clinic, said, fault):
    path = written(clinic.write(), **said)

    with pytest.raises(SuiteError, match=fault):
        load_suite(path)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"fusion": "early", "patient": ""}, "no column of patients"),
        ({"metric": "auc"}, "metric: .*'auc'"),
    ],
)
def test_what_the_table_cannot_give_is_a_fault(clinic, registry, said, fault):
    path = written(clinic.write(), **said)

    with pytest.raises(SuiteError, match=fault):
        with_own_data(registry, path, None)


def test_a_precision_on_the_command_line_keeps_own_data(clinic):
    path = written(clinic.write())

    suite = load_suite(path, "bfloat16")

    assert (suite.datasets, suite.train.precision) == (("clinic",), "bfloat16")
    assert suite.dataset == load_suite(path).dataset


def test_given_splits_need_a_file(clinic):
    path = written(clinic.write(), splits={"scheme": "given"})

    with pytest.raises(SuiteError, match="'clinic' has none"):
        load_suite(path)


def test_the_written_suite_says_what_was_meant(clinic):
    """Texts that TOML could misread come back as they were."""
    path = written(clinic.write(), bags='a "b" \\ c.csv', classes=["ä, b", "#c"])

    own = load_suite(path).dataset[0]

    assert own.bags == 'a "b" \\ c.csv'
    assert own.classes == ("ä, b", "#c")


def test_a_plan_that_no_data_set_gives_splits_for_is_refused():
    """The scheme ``given`` without splits says what to use instead."""
    with pytest.raises(SplitError, match="use the scheme 'kfold'"):
        given_roles(None, SplitPlan(scheme="given"), "x", None)


@pytest.mark.data
def test_musk1_as_a_folder_has_the_runs_of_the_built_in_musk1(clinic, registry, data_dir):
    """Written as files and read again, a built-in data set keeps the key of every run."""
    built_in = registry.record(Dataset, "musk1")
    bags = list(built_in.load()(data_dir))
    clinic.rows = [[bag.id, bag.patient or bag.id, built_in.classes[bag.label]] for bag in bags]
    clinic.features = {bag.id: bag.x for bag in bags}
    path = written(clinic.write(), name="musk1", classes=list(built_in.classes))
    alone = Registry(blocked=["milbench:datasets"])
    own = with_own_data(alone, path, clinic.folder / "cache")
    plain = clinic.folder / "plain.toml"
    text = path.read_text(encoding="utf-8").partition("[splits]")
    plain.write_text(f'name = "plain"\ndatasets = ["musk1"]\n[splits]{text[2]}', encoding="utf-8")
    settings = Settings(
        data=data_dir, cache=clinic.folder / "built-in", results=clinic.folder / "two"
    )

    theirs = keys(plan(load_suite(plain), registry, settings))

    assert keys(planned(path, own, clinic.folder / "one")) == theirs
    assert len(theirs) == 2 * 2 * 3


def test_late_fusion_needs_no_new_training(clinic, registry):
    """It only scores: the runs keep their keys, and the features are not built again."""
    clinic.write()
    cache = clinic.folder / "cache"
    made = []
    for fusion in ("none", "late", "early"):
        path = written(clinic, fusion=fusion)
        made.append(planned(path, with_own_data(registry, path, cache), clinic.folder))

    assert keys(made[0]) == keys(made[1])
    assert not set(keys(made[0])) & set(keys(made[2]))
    paths = [plan.prepared.grounds[0].features_path for plan in made]
    assert paths[0] == paths[1] != paths[2]


def test_a_patient_rule_beside_levels_is_refused():
    """Coarse rows would have to be joined too, which nothing does."""
    levels = Levels(name="t", coarse=("x", "y"), parents=(0, 0, 1))

    with pytest.raises(PluginError, match="patient_rule with levels"):
        Dataset(
            name="d",
            target=print,
            summary="-",
            classes=("a", "b", "c"),
            levels=levels,
            patient_rule="mean",
        )
