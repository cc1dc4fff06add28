"""Nothing is lost: a run that is killed twenty times ends like one that never was.

The runs that are killed are forked from a process that has imported torch, as workers are: the
command line is the same from its first line on, and no test waits for imports twenty times.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from milbench.cli import main
from milbench.execute import process_context
from milbench.leaderboard import build
from milbench.leaderboard.table import Cost
from milbench.registry import Registry
from milbench.run import board_of
from milbench.store import Store
from milbench.suite import load_suite

KILLS = 20
TIMES = ("fit_seconds", "predict_seconds", "peak_memory_mb", "finished", "content")


def arguments(suite, folder, name, *more):
    """Return what follows the name of the program."""
    given = ["run", "--suite", str(suite), "--device", "cpu", *more]
    for option in ("results", "cache", "leaderboards"):
        given += [f"--{option}", str(folder / name / option)]
    return given


def start(suite, folder, site, name, *more):
    """Start the command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "milbench", *arguments(suite, folder, name, *more)],
        env={**os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture
def fork(site, monkeypatch):
    """Return a function that runs the command line in a process that need not import torch."""
    monkeypatch.syspath_prepend(str(site))  # children take the path over

    def begin(*given):
        child = process_context().Process(target=main, args=(arguments(*given),))
        child.start()
        return child

    return begin


def stored(folder, name):
    return len(list((folder / name / "results" / "tiny" / "runs").rglob("*.json")))


def content(folder, name):
    """Return every record of a store by its key, without times."""
    records = Store(folder / name / "results" / "tiny").records()
    return {r["key"]: {k: v for k, v in r.items() if k not in TIMES} for r in records}


def without_cost(leaderboard):
    nothing = Cost(fit_seconds=0, predict_seconds=0, peak_memory=0, parameters=0)
    sections = tuple(
        replace(section, rows=tuple(replace(row, cost=nothing) for row in section.rows))
        for section in leaderboard.sections
    )
    return replace(leaderboard, sections=sections)


@pytest.mark.slow
def test_twenty_kills_change_nothing(tiny, tmp_path, fork, milbench):
    """After SIGKILL at twenty random moments the leaderboard equals an uninterrupted one."""
    suite = tiny(["tiny-mean", "tiny-first", "pooled-logistic"])
    suite.write_text(suite.read_text().replace("repeats = 3", "repeats = 10"))
    inline = ("--executor", "inline")
    assert milbench(*arguments(suite, tmp_path, "whole", *inline)).returncode == 0

    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        child = fork(suite, tmp_path, "killed", *inline)
        goal = stored(tmp_path, "killed") + int(rng.integers(0, 4))
        while stored(tmp_path, "killed") < goal and child.is_alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        assert child.is_alive(), "all runs were done before the last kill"
        child.kill()
        child.join()
        for path in (tmp_path / "killed").rglob("runs/**/*.json"):
            json.loads(path.read_text())
    assert milbench(*arguments(suite, tmp_path, "killed", *inline)).returncode == 0

    assert content(tmp_path, "killed") == content(tmp_path, "whole")
    made = [
        without_cost(build(board_of(load_suite(suite), Registry(), store), store.records()))
        for store in (Store(tmp_path / name / "results" / "tiny") for name in ("whole", "killed"))
    ]
    assert made[0] == made[1]
    assert made[0].sections[0].rows[0].runs.done == 40


@pytest.mark.slow
def test_kills_in_the_middle_of_stacks_change_nothing(tiny, tmp_path, fork, milbench):
    """A stack stores its runs one by one at its end; killed anywhere, the rest is trained again."""
    suite = tiny(["tiny-mean", "tiny-first"])
    text = suite.read_text().replace("repeats = 3", "repeats = 10")
    suite.write_text(text.replace("[train]", '[protocol]\norder = "common"\n\n[train]'))
    stacked = ("--engine", "stacked", "--executor", "inline")
    assert milbench(*arguments(suite, tmp_path, "whole", *stacked)).returncode == 0

    rng = np.random.default_rng(0)
    for kill in range(4):
        child = fork(suite, tmp_path, "killed", *stacked)
        goal = stored(tmp_path, "killed") + 7 * (kill % 2)  # at once, or between two of its files
        while stored(tmp_path, "killed") < goal and child.is_alive():
            time.sleep(0.0005)
        time.sleep(0 if kill % 2 else rng.uniform(0.2, 1.5))
        assert child.is_alive(), "all runs were done before the last kill"
        child.kill()
        child.join()
    assert milbench(*arguments(suite, tmp_path, "killed", *stacked)).returncode == 0

    whole, killed = content(tmp_path, "whole"), content(tmp_path, "killed")
    assert {record["engine"] for record in killed.values()} == {"stacked"}
    assert whole.keys() == killed.keys()
    for key, record in whole.items():
        for part in ("test", "validation"):  # equal to rounding, whoever else is in the stack
            found, expected = killed[key].pop(part), record.pop(part)
            np.testing.assert_allclose(found["score"], expected["score"], atol=1e-6)
            assert found["bag"] == expected["bag"]
        assert killed[key] == record


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_an_interrupt_keeps_what_is_finished(tiny, site, tmp_path, executor):
    """Ctrl-C ends with status 130, keeps whole files only, and the next run goes on."""
    suite = tiny(["tiny-mean", "tiny-first", "pooled-logistic"])
    suite.write_text(suite.read_text().replace("repeats = 3", "repeats = 40"))
    child = start(suite, tmp_path, site, "stopped", "--executor", executor)
    while stored(tmp_path, "stopped") < 3:
        assert child.poll() is None
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGINT)

    assert child.wait() == 130
    kept = content(tmp_path, "stopped")
    assert 3 <= len(kept) < 480
    assert [r.get("traceback") for r in kept.values() if r["status"] != "done"] == []
    assert not list((tmp_path / "stopped").rglob("*.tmp"))
