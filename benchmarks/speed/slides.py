"""Time training on slide-sized bags against a plain PyTorch loop, whole machine against machine.

60 bags of 500 to 3000 instances with 1024 features, 5 folds. The plain loop has the structure of
the published training loops: one process, a DataLoader of one bag a step, Adam, the loss read
with ``.item()`` in every step, the held-out bags evaluated after every epoch, one fold after the
other. It runs with one thread and with one a core, and the faster counts. Ours is the sequential
engine in one process a core with one thread each, which take the runs from one queue: features
scaled by each fold's own mean and deviation, the held-out bags validated after every epoch.

Each line is one round, all sides one after the other, so that the machine's load meets all; a
ratio is of wall-clock times within a round, and what others did meanwhile is told. Under their
load two threads wait for each other and wall-clock ratios mean little; the ratio of processor time
to that of the plain loop with one thread is steadier. Start-up and a first time through all runs,
in which oneDNN builds a kernel for each size of bag, are told apart: a process pays them once.

    python benchmarks/speed/slides.py [--bags 20] [--epochs 1] [--pairs 3] [--seeds 2]

``--bags 60`` is the whole set. With ``--seeds 1`` five runs are shared by two processes, three to
two, and a sixth of the machine idles.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))  # the plain loop lies beside this script

from sequential import Bags, PlainBags, plain_epoch, plain_evaluation

from milbench import Aggregator, Bag, Context, Recipe
from milbench.execute import ProcessExecutor, usable_cores
from milbench.jobs import Cell, Run
from milbench.memory import keep_freed_memory
from milbench.registry import load_registry
from milbench.train.fold import Fold
from milbench.train.machine import keep_products, peak_memory_mb, versions
from milbench.train.matmul import DEFAULT, LARGE_STEP, Matmul, verdict
from milbench.train.precision import feature_type
from milbench.train.resident import FoldBags, Resident, fit_scaler
from milbench.train.sequential import fit_sequential

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST, LARGEST, FEATURES, FOLDS = 500, 3000, 1024, 5
METHODS = {
    "gated-abmil": {"hidden": (512,), "attention": 256, "dropout": 0.0},
    "clam-sb": {},
    "mean": {},
}
# Epochs of a light method for one of the heavy one, so that a run is more than its preparation.
EPOCHS = {"mean": 20}
# Precision and library of the matrix product of each of our sides.
OURS = {
    "float32": ("float32", DEFAULT),
    "oneDNN": ("float32", Matmul("onednn", LARGE_STEP)),
    "bfloat16": ("bfloat16", DEFAULT),
}


@dataclass(frozen=True)
class Work:
    """What a process has to train: small enough to send."""

    features: Path
    method: str
    epochs: int
    folds: tuple[int, ...]
    threads: int = 1
    side: str = "float32"


class Side(NamedTuple):
    """One way to train all runs: its processes and what each of them is given."""

    name: str
    pool: ProcessExecutor
    function: Callable[[Work], float]
    works: list[Work]


class Time(NamedTuple):
    """Seconds on the clock, and of all processors together."""

    wall: float
    cpu: float


def main() -> None:
    """Print one table a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bags", type=int, default=20, help="slides; 60 are the whole set")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of each run")
    parser.add_argument("--pairs", type=int, default=3, help="rounds")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each fold")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        features = Path(folder) / "features.npy"
        write_bags(features, chosen.bags)
        found = verdict(Path(folder))
        print(f"{chosen.bags} bags of {SMALLEST}-{LARGEST} instances x {FEATURES}, {FOLDS} folds")
        print(f"{chosen.seeds} runs a fold of {chosen.epochs} epochs, {usable_cores()} cores")
        print(f"{features.stat().st_size / 2**20:.0f} MiB of features; {found.reason}")
        for method in chosen.methods:
            compare(features, method, chosen)
    print(versions())


def compare(features: Path, method: str, chosen: argparse.Namespace) -> None:
    """Print the rounds of one method, the medians, and what each side reached."""
    folds = tuple(range(FOLDS)) * chosen.seeds
    one = Work(features, method, chosen.epochs * EPOCHS.get(method, 1), folds)
    sides = [*plain_sides(one), *our_sides(one)]
    print(f"\n{method}, epochs of a run: {one.epochs}")
    print("".join(f"{side.name:>19}" for side in sides) + "  seconds (times the faster plain)")
    first = [timed(side) for side in sides]
    rounds = []
    for _ in range(chosen.pairs):
        before = busy_seconds()
        rounds.append([timed(side) for side in sides])
        plain = min(time.wall for time in rounds[-1][:2])
        print("".join(f"{t.wall:11.2f} ({plain / t.wall:5.2f})" for t in rounds[-1]), end="")
        others = busy_seconds() - before - sum(t.cpu for t in rounds[-1])
        cores = others / sum(t.wall for t in rounds[-1])
        print(f"  others kept {max(cores, 0.0):.2f} cores busy", flush=True)
    flop = total_flop(features, method) * one.epochs * chosen.seeds
    print_medians(rounds, flop)
    print("".join(f"{time.wall:19.1f}" for time in first) + "  s, start-up and first time")
    print("".join(f"{peak(side):19.0f}" for side in sides) + "  MiB, peak of a process")
    for side in sides:
        side.pool.shutdown()


def print_medians(rounds: list[list[Time]], flop: float) -> None:
    """Print the medians of the ratios, and of the arithmetic done in a second."""
    lines = {
        "median of the ratios": lambda t, row: min(p.wall for p in row[:2]) / t.wall,
        "by processor time, to one thread": lambda t, row: row[0].cpu / t.cpu,
        "GFLOP/s": lambda t, _: flop / t.wall / 1e9,
        "GFLOP/s of a busy core": lambda t, _: flop / t.cpu / 1e9,
    }
    for words, figure in lines.items():
        columns = zip(*[[figure(time, row) for time in row] for row in rounds], strict=True)
        print("".join(f"{median(column):19.2f}" for column in columns) + f"  {words}")


def busy_seconds() -> float:
    """Return the seconds that all processors have worked since the start; NaN without /proc."""
    try:
        ticks = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    except OSError:
        return float("nan")
    user, nice, system, _idle, _wait, irq, soft_irq, steal = map(int, ticks[:8])
    return (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")


def plain_sides(one: Work) -> list[Side]:
    """Return the plain loop with one thread and with one a core."""
    sides = []
    for threads in (1, usable_cores()):
        work = Work(one.features, one.method, one.epochs, one.folds, threads)
        sides.append(Side(f"plain, {threads} thr.", ProcessExecutor(1), plain_runs, [work]))
    return sides


def our_sides(one: Work) -> list[Side]:
    """Return our engine in each precision and product, one process a core."""
    return [
        Side(
            f"{name}, {usable_cores()} proc.",
            ProcessExecutor(usable_cores()),
            our_run,
            [Work(one.features, one.method, one.epochs, (fold,), side=name) for fold in one.folds],
        )
        for name in OURS
    ]


def timed(side: Side) -> Time:
    """Return the seconds in which ``side`` trains all its runs."""
    started = time.perf_counter()
    futures = [side.pool.submit(side.function, work) for work in side.works]
    wait(futures)
    wall = time.perf_counter() - started
    return Time(wall, sum(future.result() for future in futures))


def peak(side: Side) -> float:
    """Return the largest memory of a process of ``side``, mapped features included."""
    futures = [side.pool.submit(own_peak, 0.05) for _ in range(8)]
    return max(future.result() for future in futures)


def own_peak(pause: float) -> float:
    """Return the largest memory of this process, and leave the next question to another one."""
    time.sleep(pause)
    return peak_memory_mb() or float("nan")


def write_bags(path: Path, count: int) -> None:
    """Write random bags, the same on every machine; one after the other, bag sizes beside."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(SMALLEST, LARGEST + 1, count)
    x = np.lib.format.open_memmap(path, "w+", np.float32, (int(sizes.sum()), FEATURES))
    for rows in np.split(np.arange(len(x)), np.cumsum(sizes)[:-1]):
        x[rows[0] : rows[-1] + 1] = rng.standard_normal((len(rows), FEATURES), np.float32)
    x.flush()
    np.save(path.with_name("sizes.npy"), sizes)


@cache
def read_bags(path: Path) -> Bags:
    """Return the bags mapped into memory; labels in turn."""
    sizes = np.load(path.with_name("sizes.npy"))
    x = torch.from_numpy(np.load(path, mmap_mode="c"))
    labels = tuple(bag % 2 for bag in range(len(sizes)))
    return Bags(x, (0, *np.cumsum(sizes).tolist()), labels)


@cache
def resident_bags(path: Path) -> Resident:
    """Return the bags as the engine has them: one data set a process."""
    bags = read_bags(path)
    return Resident(bags.x, bags.offsets, None, bags.labels, 2)


def build(method: str) -> torch.nn.Module:
    """Return an untrained network of ``method``."""
    record = load_registry().record(Aggregator, method)
    return record.load()(FEATURES, 2, **METHODS[method])


def plain_runs(work: Work) -> float:
    """Train every run as published loops do, and return the processor time."""
    started = time.process_time()
    torch.set_num_threads(work.threads)
    bags = read_bags(work.features)
    for fold in work.folds:
        places = range(len(bags.labels))
        train = PlainBags(bags, [b for b in places if b % FOLDS != fold])
        test = PlainBags(bags, [b for b in places if b % FOLDS == fold])
        model = build(work.method)
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-4, weight_decay=1e-5)
        for _ in range(work.epochs):
            plain_epoch(model, optimizer, DataLoader(train, batch_size=1, shuffle=True))
            plain_evaluation(model, DataLoader(test, batch_size=1))
    return time.process_time() - started


def our_run(work: Work) -> float:
    """Train one run by the sequential engine, and return the processor time."""
    started = time.process_time()
    keep_freed_memory()
    keep_products()
    torch.set_num_threads(1)
    precision, matmul = OURS[work.side]
    data = resident_bags(work.features)
    positions = np.arange(len(data.labels))
    train = positions[positions % FOLDS != work.folds[0]]
    model = build(work.method)
    scaler = fit_scaler(data, train)
    prepare = getattr(model, "prepare", None)
    fold = Fold(
        run=Run(_cell(work, precision), 0, work.folds[0], 0, ""),
        bags=FoldBags(data, scaler, prepare, dtype=feature_type(precision)),
        train=train,
        valid=positions[positions % FOLDS == work.folds[0]],
        labels=dict(enumerate(data.labels)),
        n_bags=len(positions),
        context=Context(n_classes=2, epochs=work.epochs),
        matmul=matmul,
    )
    fit_sequential(model, fold)
    return time.process_time() - started


def _cell(work: Work, precision: str) -> Cell:
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    return Cell(
        **dict.fromkeys(names, "speed"),
        args={},
        recipe=Recipe(lr=2e-4, weight_decay=1e-5, epochs=work.epochs, patience=0),
        standardise=True,
        threshold="half",
        settings="",
        precision=precision,
    )


def total_flop(features: Path, method: str) -> float:
    """Return the arithmetic of one epoch of every fold: training steps, and evaluation."""
    rows, model = 100, build(method)
    with FlopCounterMode(display=False) as counter:
        model(Bag(torch.zeros(rows, FEATURES))).logits.sum().backward()
    step = counter.get_total_flops() / rows
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(Bag(torch.zeros(rows, FEATURES)))
    evaluation = counter.get_total_flops() / rows
    instances = read_bags(features).offsets[-1]
    return instances * ((FOLDS - 1) * step + evaluation)


if __name__ == "__main__":
    if not Path("pyproject.toml").exists():
        raise SystemExit("run this from the root of the repository")
    main()
