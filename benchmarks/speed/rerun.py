"""Time ``milbench run`` on a suite in which every run is done: what is left is reading and ranking.

The suite ``digits`` is planned in a temporary folder, and each run gets a record with random scores
instead of a training. Then the command runs in fresh processes, one after the other.

    python benchmarks/speed/rerun.py [--times 5] [--repeats 3] [--folds 5] [--seeds 1]

``--repeats 10 --folds 10 --seeds 5`` makes 5500 records.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.registry import load_registry
from milbench.run import Settings, plan
from milbench.suite import load_suite
from milbench.train.machine import versions
from milbench.train.work import failure

if TYPE_CHECKING:
    from milbench.jobs import Ground, Run
    from milbench.run import Plan

    Times = dict[str, tuple[float, float]]

HERE = Path(__file__).parent


def main() -> None:
    """Print how long each part of a rerun takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="processes")
    parser.add_argument("--repeats", type=int, default=3, help="of the splits")
    parser.add_argument("--folds", type=int, default=5, help="of each repeat")
    parser.add_argument("--seeds", type=int, default=1, help="of each fold")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        arguments = written_suite(Path(name), chosen)
        count = fill(Path(name))
        measured = [rerun(arguments, count) for _ in range(chosen.times)]
    print(f"{count} finished runs; seconds, medians of {chosen.times} fresh processes")
    print(f"{'':>20} {'wall':>7} {'CPU':>7}")
    for part in measured[0]:
        wall, cpu = (median(times[part][clock] for times in measured) for clock in (0, 1))
        print(f"{part:>20} {wall:7.2f} {cpu:7.2f}")
    print(versions())


def written_suite(folder: Path, chosen: argparse.Namespace) -> list[str]:
    """Write the suite file and return the arguments of ``milbench`` that run it."""
    text = (HERE.parent / "digits.toml").read_text()
    for key in ("repeats", "folds"):
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {getattr(chosen, key)}", text)
    suite = folder / "digits.toml"
    suite.write_text(f"{text}\n[protocol]\nseeds = {chosen.seeds}\n")
    places = {name: folder / name for name in ("data", "cache", "results", "leaderboards")}
    options = [text for name, place in places.items() for text in (f"--{name}", str(place))]
    return ["run", "--suite", str(suite), *options]


def fill(folder: Path) -> int:
    """Store one record with random scores for each planned run, and return their count."""
    settings = Settings(data=folder / "data", cache=folder / "cache", results=folder / "results")
    planned = plan(load_suite(folder / "digits.toml"), load_registry(), settings)
    for run in planned.todo:
        planned.store.add(record(planned, run))
    return len(planned.todo)


def record(planned: Plan, run: Run) -> dict[str, Any]:
    """Return what a training of ``run`` would have stored; later methods have better scores."""
    (ground,) = planned.prepared.grounds
    part = ground.splits.part(run.repeat, run.fold)
    rows = [method.row for method in planned.suite.methods]
    place = rows.index(run.cell.method)
    noise = np.random.default_rng([place, run.repeat, run.fold, run.seed])
    return failure(run, planned.suite.digest, ValueError("not trained")) | {
        "status": "done",
        "reason": "",
        "traceback": "",
        "threshold": 0.5,
        "test": scored(ground, part.test, 3.0 * place / len(rows), noise),
        "validation": scored(ground, part.val, 3.0 * place / len(rows), noise),
    }


def scored(
    ground: Ground, bags: np.ndarray, strength: float, noise: np.random.Generator
) -> dict[str, Any]:
    """Return the rows of ``bags``, of which every second one is positive."""
    label = bags % 2
    logit = strength * (label - 0.5) + noise.normal(size=len(bags))
    positive = 1.0 / (1.0 + np.exp(-logit))
    return {
        "bag": [ground.splits.bag_ids[bag] for bag in bags],
        "patient": [ground.splits.groups[bag] for bag in bags],
        "label": label.tolist(),
        "score": np.column_stack([1.0 - positive, positive]).tolist(),
    }


def rerun(arguments: list[str], count: int) -> Times:
    """Return wall and CPU seconds of each part of the command in a fresh process, and of all."""
    command = [sys.executable, str(HERE / "timed_command.py"), repr(time.time()), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ours
    if f" 0 done, {count} done before" not in done.stderr:
        raise RuntimeError(f"this was no rerun: {done.stderr}")
    times: Times = json.loads(done.stderr.splitlines()[-1])
    wall, cpu = (sum(seconds[clock] for seconds in times.values()) for clock in (0, 1))
    return times | {"all": (wall, cpu)}


if __name__ == "__main__":
    if not Path("pyproject.toml").exists():
        raise SystemExit("run this from the root of the repository")
    main()
