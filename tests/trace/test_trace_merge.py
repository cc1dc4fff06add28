"""``milbench merge``: results of several machines become one, or it is said why not."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milbench.cli import main
from milbench.errors import MergeError
from milbench.store import Store, read_record
from milbench.trace import merge

HEADER = "bag_id,group_id,repeat,fold,role\n"


def record(key, **more):
    """Return a finished run of a suite ``s``; ``more`` changes or adds fields."""
    hashes = {"features": "f", "split": "x", "settings": "t"} | more.pop("hashes", {})
    return {
        "schema": 1, "key": key, "status": "done", "suite": "s", "suite_hash": "h",
        "dataset": "one", "encoder": "e", "method": "m", "repeat": 0, "fold": 0, "seed": 0,
        "protocol": {"order": "per-seed"}, "hashes": hashes,
        "finished": "2026-01-01", "test": {"bag": ["b"], "score": [[0.25, 0.75]]},
    } | more  # fmt: skip


def machine(folder, *records, splits=None, states=None):
    """Write the results of one machine and return its folder."""
    store = Store(folder / "s")
    for each in records:
        store.add(each)
    for name, text in (splits or {}).items():
        (store.root / "splits").mkdir(exist_ok=True)
        (store.root / "splits" / name).write_text(HEADER + text)
    if states:
        store.note_datasets(states)
    return folder


def content(folder):
    """Return every file below a folder by its relative path."""
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_runs_of_two_machines_lie_together(tmp_path):
    """Byte for byte as they were, with the splits and what is known of the data sets."""
    ready, absent = (
        {"status": s, "reason": r, "notes": []} for s, r in (("ready", ""), ("skipped", "no"))
    )
    a = machine(
        tmp_path / "a", record("k1"), splits={"one-x.csv": "b,p,0,0,test\n"}, states={"one": absent}
    )
    b = machine(tmp_path / "b", record("k2"), states={"one": ready})

    (made,) = merge([a, b], tmp_path / "c")

    assert (made.added, made.known, made.twice) == (2, 0, [])
    for source, key in ((a, "k1"), (b, "k2")):
        name = f"s/runs/one/m/{key}.json"
        assert (tmp_path / "c" / name).read_bytes() == (source / name).read_bytes()
    assert (tmp_path / "c/s/splits/one-x.csv").read_text() == HEADER + "b,p,0,0,test\n"
    assert Store(tmp_path / "c/s").datasets() == {"one": ready}


def test_a_folder_of_one_suite_will_do(tmp_path):
    """As a source, and the folder of results as the other."""
    a, b = machine(tmp_path / "a", record("k1")), machine(tmp_path / "b", record("k2"))

    merge([a / "s", b], tmp_path / "c")

    assert len(Store(tmp_path / "c/s").paths()) == 2


KEYS = st.lists(st.sampled_from("abcde"), unique=True, max_size=4)


@settings(max_examples=15)
@given(parts=st.lists(KEYS, min_size=1, max_size=3), order=st.randoms(use_true_random=False))
def test_order_and_repetition_mean_nothing(tmp_path_factory, parts, order):
    """Any order gives the same files, and so does merging twice, or one part after the other."""
    folder = tmp_path_factory.mktemp("merge")
    machines = [
        machine(folder / str(n), record("first"), *(record(key) for key in keys))
        for n, keys in enumerate(parts)
    ]
    merge(machines, folder / "whole")
    shuffled = order.sample(machines, len(machines))
    for one in shuffled:
        merge([one], folder / "pieces")
    merge([*shuffled, *machines], folder / "pieces")
    merge([folder / "pieces"], folder / "whole")

    assert content(folder / "pieces") == content(folder / "whole")
    keys = {"first"}.union(*parts)
    assert {read_record(p)["key"] for p in Store(folder / "whole/s").paths()} == keys


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"hashes": {"split": "y"}}, "one: other splits in"),
        ({"hashes": {"features": "g"}}, r"one \(e\): other features in"),
        ({"protocol": {"order": "common"}}, "one: other protocol of training in"),
        ({"suite_hash": "i"}, "different versions of the suite file"),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, other, says):
    """The message names a file of either machine, and nothing is written."""
    a, b = machine(tmp_path / "a", record("k1")), machine(tmp_path / "b", record("k2", **other))

    with pytest.raises(MergeError, match=says) as raised:
        merge([a, b], tmp_path / "c")

    assert "k1.json" in str(raised.value)
    assert "k2.json" in str(raised.value)
    assert not (tmp_path / "c").exists()


def test_a_changed_suite_is_taken_when_asked(tmp_path):
    """A suite to which a method was added between two machines."""
    a, b = (
        machine(tmp_path / "a", record("k1")),
        machine(tmp_path / "b", record("k2", suite_hash="i")),
    )

    merge([a, b], tmp_path / "c", mixed_suites=True)

    assert len(Store(tmp_path / "c/s").paths()) == 2


def test_results_that_are_out_of_date_anyway_refuse_nothing(tmp_path):
    """A machine that ran on older features first: its newer runs count."""
    old = record("k0", hashes={"features": "old"}, finished="2025-01-01")
    a, b = machine(tmp_path / "a", record("k1"), old), machine(tmp_path / "b", record("k2"))

    merge([a, b], tmp_path / "c")

    assert len(Store(tmp_path / "c/s").paths()) == 3


def test_the_same_run_with_other_predictions_is_a_conflict(tmp_path):
    """Refused with both files; the newer one is taken when asked, whatever the order."""
    newer = record("k", finished="2026-02-02", test={"bag": ["b"], "score": [[0.5, 0.5]]})
    a, b = machine(tmp_path / "a", record("k")), machine(tmp_path / "b", newer)

    with pytest.raises(MergeError, match="the same run with different predictions"):
        merge([a, b], tmp_path / "c")
    for name, sources in (("c", [a, b]), ("d", [b, a])):
        (made,) = merge(sources, tmp_path / name, keep_newest=True)
        assert made.conflicts[0].kept.is_relative_to(b)
        (path,) = Store(tmp_path / name / "s").paths()
        assert read_record(path)["test"]["score"] == [[0.5, 0.5]]


def test_the_same_predictions_made_twice_are_reported(tmp_path):
    """Another machine took longer for the same run: the newer file is kept, and it is said."""
    again = record("k", finished="2026-02-02", fit_seconds=9.0)
    a, b = machine(tmp_path / "a", record("k")), machine(tmp_path / "b", again)

    (made,) = merge([a, b], tmp_path / "c")

    assert [(t.kept.parts[-6], t.same_predictions) for t in made.twice] == [("b", True)]
    assert made.conflicts == []


def test_a_finished_run_takes_the_place_of_a_failure(tmp_path):
    """However much later the failure was recorded."""
    failed = record("k", status="failed", finished="2027-01-01", reason="memory")
    a, b = machine(tmp_path / "a", failed), machine(tmp_path / "b", record("k"))

    merge([a, b], tmp_path / "c")

    (path,) = Store(tmp_path / "c/s").paths()
    assert read_record(path)["status"] == "done"


def test_more_repeats_of_the_same_splits_are_the_same_splits(tmp_path):
    """The longer file is kept; one that goes on otherwise is refused."""
    short, long, other = "b,p,0,0,test\n", "b,p,0,0,test\nb,p,1,0,val\n", "b,p,0,0,val\n"
    a = machine(tmp_path / "a", record("k1"), splits={"one-x.csv": short})
    b = machine(tmp_path / "b", record("k2"), splits={"one-x.csv": long})
    merge([b, a], tmp_path / "c")
    assert (tmp_path / "c/s/splits/one-x.csv").read_text() == HEADER + long

    d = machine(tmp_path / "d", record("k3"), splits={"one-x.csv": other})
    with pytest.raises(MergeError, match="other splits under one name"):
        merge([a, d], tmp_path / "e")


def test_a_run_of_another_suite_is_a_stranger(tmp_path):
    """Copied into the wrong folder by hand."""
    a = machine(tmp_path / "a", record("k1"), record("k2", suite="z"))

    with pytest.raises(MergeError, match="a run of suite 'z' among those of 's'"):
        merge([a], tmp_path / "c")


def test_folders_without_results_are_refused(tmp_path, capsys):
    """On the command line: one message, status 2."""
    assert main(["merge", str(tmp_path), "--into", str(tmp_path / "c")]) == 2
    assert "no results; expected the folder of" in capsys.readouterr().err


def test_the_leaderboard_of_the_parts_is_that_of_the_whole(made, tmp_path, capsys):
    """A real suite, its runs dealt out to two machines and merged: the same tables, to the byte."""
    root = made / "results" / "traced"
    for number, path in enumerate(sorted(root.rglob("*.json"))):
        for part in {number % 2, number % 3 % 2}:
            target = tmp_path / f"part{part}" / path.relative_to(made / "results")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    parts = [str(tmp_path / name) for name in ("part1", "part0")]
    assert main(["merge", *parts, "--into", str(tmp_path / "all")]) == 0
    asked = ["leaderboard", f"{made}/traced.toml", "--results", str(tmp_path / "all")]
    assert main([*asked, "--out", f"{tmp_path}/tables"]) == 0
    capsys.readouterr()

    assert content(Path(f"{tmp_path}/tables/traced")) == content(made / "tables" / "traced")
    stored = json.loads((tmp_path / "all/traced/datasets.json").read_text())
    assert stored == json.loads((root / "datasets.json").read_text())
