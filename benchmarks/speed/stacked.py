"""Time the stacked engine in worker processes against a plain per-bag PyTorch loop (W1).

The plain loop is the one of ``sequential.py``, in one process, with one thread or with all,
whichever is faster. Ours trains the same network on the same bags and folds, five seeds of each,
dealt to one process a core as ``milbench run`` does. Held-out bags are evaluated after every
epoch on both sides. Each line times both sides one after the other, in wall-clock time; where
torchmil is installed, its trainer too.

    python benchmarks/speed/stacked.py [--pairs 3] [--epochs 5] [--seeds 5] [--workers 2]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))  # the plain loop lies beside this script

from sequential import BAGS, FEATURES, FOLDS, NETWORK, our_folds, plain_folds, synthetic
from torchmil_loop import is_installed, torchmil_folds

from milbench import Context, Recipe
from milbench.features import default_cache
from milbench.jobs import Cell, Run
from milbench.memory import keep_freed_memory
from milbench.train.choice import portions
from milbench.train.fold import Fold
from milbench.train.machine import peak_memory_mb, versions
from milbench.train.matmul import Matmul, choose
from milbench.train.resident import FoldBags, Resident
from milbench.train.stacked import fit_stacked
from milbench_aggregators.abmil import ABMIL

STEPS = FOLDS * (BAGS - BAGS // FOLDS)  # of one epoch of one seed


def main() -> None:
    """Print the wall-clock time of a training step of one run, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3, help="timings of each side")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each run")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each fold")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    chosen = parser.parse_args()
    threads = _faster_threads()
    torch.set_num_threads(1)
    our_folds(synthetic(), 1)
    print(f"{BAGS} bags, {FEATURES} features, {FOLDS} folds x {chosen.seeds} seeds, ABMIL,")
    print(f"{chosen.workers} processes of ours; the plain loop with {threads} threads was faster")
    context = get_context("spawn")
    matmul = choose("auto", default_cache())
    print(f"matrix product: {matmul.library}")
    with ProcessPoolExecutor(
        chosen.workers, context, initializer=_begin, initargs=(matmul,)
    ) as pool:
        first = timed(pool, chosen.seeds, chosen.epochs)
        steady = timed(pool, chosen.seeds, chosen.epochs)
        print(f"first call {first:.1f} s, of which recording {first - steady:.1f} s")
        ratios = [_line(pool, chosen, threads) for _ in range(chosen.pairs)]
        memory = max(pool.map(_memory, range(4 * chosen.workers)))
    print(f"median {median(ratios):.1f} times the plain loop (goal: 20)")
    print(f"peak memory of a process {memory} MiB; {versions()}")


def _line(pool: ProcessPoolExecutor, chosen: argparse.Namespace, threads: int) -> float:
    torch.set_num_threads(threads)
    plain = _plain(chosen.epochs)
    torch.set_num_threads(1)
    started = time.perf_counter()
    our_folds(synthetic(), chosen.epochs)
    alone = (time.perf_counter() - started) / (chosen.epochs * STEPS) * 1e6
    seconds = timed(pool, chosen.seeds, chosen.epochs)
    ours = seconds / (chosen.epochs * STEPS * chosen.seeds) * 1e6
    print(
        f"plain {plain:5.0f} us, sequential engine {alone:4.0f} us, stacked {ours:5.1f} us a step; "
        f"plain / stacked {plain / ours:5.1f}{_torchmil(ours)}"
    )
    return plain / ours


def _torchmil(ours: float) -> str:
    if not is_installed():
        return ""
    started = time.perf_counter()
    torchmil_folds(synthetic(), 1)
    theirs = (time.perf_counter() - started) / STEPS * 1e6
    return f"; torchmil {theirs:5.0f} us, {theirs / ours:5.1f}"


def _plain(epochs: int) -> float:
    started = time.perf_counter()
    plain_folds(synthetic(), epochs)
    return (time.perf_counter() - started) / (epochs * STEPS) * 1e6


def _faster_threads() -> int:
    """Return with how many threads the plain loop is faster: one, or one a core."""
    times = {}
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        _plain(1)
        times[threads] = _plain(1)
    return min(times, key=times.__getitem__)


def timed(pool: ProcessPoolExecutor, seeds: int, epochs: int) -> float:
    """Return the seconds that all runs take in the processes of ``pool``."""
    pairs = [(fold, seed) for fold in range(FOLDS) for seed in range(seeds)]
    parts = [pairs[portion] for portion in portions(len(pairs))]
    started = time.perf_counter()
    list(pool.map(stacked, parts, [epochs] * len(parts)))
    return time.perf_counter() - started


def stacked(pairs: list[tuple[int, int]], epochs: int) -> None:
    """Train the runs ``pairs`` of (fold, seed) side by side."""
    bags = synthetic()
    data = Resident(bags.x, bags.offsets, None, bags.labels, 2)
    shared = FoldBags(data, None)
    folds = [_fold(shared, data.labels, pair, epochs) for pair in pairs]
    fit_stacked([ABMIL(FEATURES, 2, **NETWORK) for _ in folds], folds)


_MATMUL = [Matmul()]


def _begin(matmul: Matmul) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    _MATMUL[0] = matmul


def _memory(_number: int) -> float:
    return peak_memory_mb() or 0.0


def _fold(bags: FoldBags, labels: tuple[int, ...], pair: tuple[int, int], epochs: int) -> Fold:
    positions = np.arange(BAGS)
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "speed"),
        args={},
        recipe=Recipe(lr=5e-4, weight_decay=1e-4, epochs=epochs, patience=0),
        standardise=False,
        threshold="half",
        settings="",
        order="common",
    )
    return Fold(
        run=Run(cell, 0, *pair, ""),
        bags=bags,
        train=positions[positions % FOLDS != pair[0]],
        valid=positions[positions % FOLDS == pair[0]],
        labels=dict(enumerate(labels)),
        n_bags=BAGS,
        context=Context(n_classes=2, epochs=epochs),
        matmul=_MATMUL[0],
    )


if __name__ == "__main__":
    main()
