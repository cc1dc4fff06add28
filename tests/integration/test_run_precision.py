"""`milbench run` in named precisions and by named matrix products: keys, records, tables."""

import json

import numpy as np
import pytest

from milbench.registry import load_registry
from milbench.run import Settings, plan, tasks
from milbench.suite import load_suite
from milbench.train import matmul
from milbench.train.matmul import Matmul
from milbench.train.work import work

ALL_BFLOAT16 = "Trained in bfloat16, not in float32."


def records(folder):
    paths = sorted((folder / "results" / "tiny" / "runs").rglob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def edited(suite, old, new):
    suite.write_text(suite.read_text().replace(old, new))
    return suite


def test_float32_said_aloud_trains_nothing_again(tiny, run):
    """Results from before precisions had names stay valid: their keys are those of float32."""
    suite = tiny(["tiny-mean"])
    run(suite)

    assert "0 done, 12 done before" in run(suite, "--precision", "float32").stderr
    edited(suite, "[train]", '[train]\nprecision = "float32"')
    assert "0 done, 12 done before" in run(suite).stderr


def test_bfloat16_has_results_of_its_own(tiny, run, milbench, tmp_path):
    """Other keys, records and a table that say so, and float32's results beside them, untouched."""
    suite = tiny(["tiny-mean"])
    assert ALL_BFLOAT16 not in run(suite).stdout
    single = {r["key"]: r for r in records(tmp_path)}
    done = run(suite, "--precision", "bfloat16")
    assert "12 done, 0 done before" in done.stderr
    assert ALL_BFLOAT16 in done.stdout

    half = [r for r in records(tmp_path) if r["key"] not in single]
    assert len(half) == 12
    assert {r["precision"] for r in half} == {"bfloat16"}
    assert {r["precision"] for r in single.values()} == {"float32"}
    for name in ("config", "settings"):
        assert not {r["hashes"][name] for r in half} & {r["hashes"][name] for r in single.values()}
    by_run = {(r["repeat"], r["fold"]): r for r in single.values()}
    for record in half:
        twin = by_run[record["repeat"], record["fold"]]
        assert record["test"]["bag"] == twin["test"]["bag"]
        np.testing.assert_allclose(record["test"]["score"], twin["test"]["score"], atol=0.02)
        assert record["test"]["score"] != twin["test"]["score"]

    shown = ["leaderboard", str(suite), "--results", str(tmp_path / "results")]
    assert ALL_BFLOAT16 not in milbench(*shown).stdout
    assert ALL_BFLOAT16 in milbench(*shown, "--precision", "bfloat16").stdout
    latex = milbench(*shown, "--precision", "bfloat16", "--format", "latex").stdout
    assert f"tiny: {ALL_BFLOAT16}" in latex
    assert {r["key"]: r for r in records(tmp_path) if r["key"] in single} == single


def test_precisions_are_never_mixed_silently(tiny, run, tmp_path):
    """A row may have its own precision, an estimator keeps float32: the table names each row."""
    suite = tiny(["tiny-mean", "tiny-first", "prior"])
    edited(suite, "[train]", '[train]\nprecision = "bfloat16"')
    edited(suite, 'name = "tiny-first"', 'name = "tiny-first"\ntrain = { precision = "float32" }')
    done = run(suite)

    says = "Trained in different precisions. bfloat16: tiny-mean; float32: tiny-first, prior."
    assert says in " ".join(done.stdout.split())
    assert says in (tmp_path / "leaderboards/tiny/table.md").read_text()
    assert {(r["method"], r["precision"]) for r in records(tmp_path)} == {
        ("tiny-mean", "bfloat16"),
        ("tiny-first", "float32"),
        ("prior", "float32"),
    }
    again = run(suite, "--precision", "float32")
    assert "24 done, 12 done before" in again.stderr  # the one row was float32 before
    assert "Trained in" not in again.stdout


def test_an_unknown_precision_is_a_fault_of_the_suite(tiny, run):
    """The message names the place and what is there to choose from."""
    suite = edited(tiny(["tiny-mean"]), "[train]", '[train]\nprecision = "float16"')
    done = run(suite)

    assert done.returncode == 2
    assert "train.precision: input should be 'float32' or 'bfloat16'; found 'float16'" in (
        " ".join(done.stderr.split())
    )


def test_runs_of_one_order_are_not_stacked_in_bfloat16(tiny, run, tmp_path):
    """The record says which engine trained, and why not the other."""
    suite = edited(tiny(["tiny-mean"]), "[train]", '[protocol]\norder = "common"\n\n[train]')
    run(suite, "--precision", "bfloat16", "--engine", "stacked")

    assert {r["engine"] for r in records(tmp_path)} == {"sequential"}
    assert {r["engine_reason"] for r in records(tmp_path)} == {
        "stacks are trained in float32, this method in bfloat16"
    }


def test_tuned_runs_are_trained_in_the_precision_too(tiny, run, tmp_path):
    """Every trial is: the tuned row is compared with the published one on equal terms."""
    suite = edited(tiny(["tiny-mean"]), "[train]", "[train]\ntune = { trials = 2 }")
    done = run(suite, "--precision", "bfloat16", "--repeats", "1")

    assert "8 done" in done.stderr, done.stderr
    assert {r["precision"] for r in records(tmp_path)} == {"bfloat16"}
    assert ALL_BFLOAT16 in done.stdout


def test_small_steps_keep_the_default_product(tiny, run, tmp_path):
    """The verdict is kept in the cache folder, and steps of a few instances do not follow it."""
    run(tiny(["tiny-mean"]), "--repeats", "1")

    assert len(list((tmp_path / "cache").glob("matmul-*.json"))) == 1
    assert {r["matmul"] for r in records(tmp_path)} == {"default"}


def test_the_default_product_is_not_measured(tiny, run, tmp_path, monkeypatch):
    """Neither by the option nor by the variable."""
    suite = tiny(["tiny-mean"])
    run(suite, "--repeats", "1", "--matmul", "default")
    monkeypatch.setenv("MILBENCH_MATMUL", "default")
    run(suite, "--repeats", "1", "--fresh")

    assert not list((tmp_path / "cache").glob("matmul-*.json"))


def test_onednn_by_name_is_used_and_recorded_or_refused(tiny, run, tmp_path):
    """In worker processes too; where it is no float32, nothing is trained."""
    suite = tiny(["tiny-mean", "prior"])
    workers = ["--executor", "processes", "--workers", "2"]
    done = run(suite, "--repeats", "1", "--matmul", "onednn", *workers)
    (path,) = (tmp_path / "cache").glob("matmul-*.json")
    if json.loads(path.read_text())["error"] >= matmul.ERROR:
        assert done.returncode == 2
        assert "is no float32" in done.stderr
        return

    assert {(r["method"], r["matmul"]) for r in records(tmp_path)} == {
        ("tiny-mean", "onednn"),
        ("prior", "default"),
    }
    assert {r["precision"] for r in records(tmp_path)} == {"float32"}


def test_a_worker_never_measures(tiny, milbench, tmp_path):
    """The main process decides before workers start, and hands the answer to them in the task."""
    suite = load_suite(tiny(["tiny-mean"]))
    folders = {name: tmp_path / name for name in ("data", "cache", "results")}
    made = plan(suite, load_registry(), Settings(**folders, repeats=1))
    todo = list(tasks(made))
    (verdict,) = folders["cache"].glob("matmul-*.json")
    library = json.loads(verdict.read_text())["library"]
    assert {task.matmul for task in todo} == {Matmul(library, matmul.LARGE_STEP)}

    verdict.unlink()
    matmul._new_verdict.cache_clear()
    finished = [done for task in todo for done in work(task)]

    assert [done.status for done in finished] == ["done"] * 4
    assert matmul._new_verdict.cache_info().misses == 0
    assert not list(folders["cache"].glob("matmul-*.json"))


@pytest.mark.parametrize(("device", "expected"), [("cuda", Matmul()), ("cpu", None)])
def test_the_product_of_a_gpu_is_left_alone(tiny, milbench, tmp_path, device, expected):
    """The words that mean oneDNN on a CPU mean TF32 on a GPU: they are not said there."""
    suite = load_suite(tiny(["tiny-mean"]))
    folders = {name: tmp_path / name for name in ("data", "cache", "results")}
    made = plan(suite, load_registry(), Settings(**folders, repeats=1, device=device))
    given = {task.matmul for task in tasks(made)}

    assert given == {expected or Matmul(matmul.verdict(folders["cache"]).library, 100e6)}
