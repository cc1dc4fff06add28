"""Time the stacked engine against a plain per-bag PyTorch loop and the sequential engine.

One process, one thread, interleaved: each line times the three one after the other. The plain
loop is the one of ``sequential.py``. Bags are scaled by each fold's own mean and deviation in our
engines, not in the plain loop. The figure is process CPU time; the machine's load moves both sides
of a ratio.

    python benchmarks/speed/stacked.py [--pairs 5] [--epochs 3] [--replicas 10]

``--replicas 50`` stacks five seeds of each fold, as ``order = "common"`` does.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))  # the plain loop lies beside this script

from sequential import (
    BAGS,
    FEATURES,
    FOLDS,
    NETWORK,
    Bags,
    our_folds,
    plain_folds,
    synthetic,
    timed,
)

from milbench import Context, Recipe
from milbench.jobs import Cell, Run
from milbench.train.fold import Fold
from milbench.train.machine import peak_memory_mb, versions
from milbench.train.resident import FoldBags, Resident, fit_scaler
from milbench.train.stacked import fit_stacked
from milbench_aggregators.abmil import ABMIL


def main() -> None:
    """Print the time of a training step in each engine, and the ratios to the plain loop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5, help="timings of each side")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each fold")
    parser.add_argument("--replicas", type=int, default=10, help="runs in the stack")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bags = synthetic()
    for warm_up in (plain_folds, our_folds):
        warm_up(bags, 1)
    stacked(bags, 1, chosen.replicas)
    print(f"{BAGS} bags, {FEATURES} features, {FOLDS} folds, ABMIL, {chosen.replicas} in the stack")
    print(
        f"{'plain us':>9} {'seq. us':>9} {'stacked us':>11} {'plain/stacked':>14} {'seq./st.':>9}"
    )
    ratios = []
    for _ in range(chosen.pairs):
        plain = timed(plain_folds, bags, chosen.epochs)
        alone = timed(our_folds, bags, chosen.epochs)
        side = timed_stack(bags, chosen.epochs, chosen.replicas)
        ratios.append((plain / side, alone / side))
        print(f"{plain:9.0f} {alone:9.0f} {side:11.0f} {plain / side:14.2f} {alone / side:9.2f}")
    medians = [median(column) for column in zip(*ratios, strict=True)]
    print(f"median: {medians[0]:.2f} times the plain loop, {medians[1]:.2f} times the sequential")
    print(f"peak memory {peak_memory_mb()} MiB; {versions()}")


def timed_stack(bags: Bags, epochs: int, replicas: int) -> float:
    """Return microseconds of CPU time for each training step of each replica."""
    started = time.process_time()
    stacked(bags, epochs, replicas)
    steps = epochs * replicas * (BAGS - BAGS // FOLDS)
    return (time.process_time() - started) / steps * 1e6


def stacked(bags: Bags, epochs: int, replicas: int) -> None:
    """Train ``replicas`` runs side by side; the held-out bags are their validation bags."""
    data = Resident(bags.x, bags.offsets, None, bags.labels, 2)
    folds = [_fold(data, place, epochs) for place in range(replicas)]
    models = [ABMIL(FEATURES, 2, **NETWORK) for _ in folds]
    fit_stacked(models, folds)


def _fold(data: Resident, place: int, epochs: int) -> Fold:
    fold, positions = place % FOLDS, np.arange(BAGS)
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "speed"),
        args={},
        recipe=Recipe(lr=5e-4, weight_decay=1e-4, epochs=epochs, patience=0),
        standardise=True,
        threshold="half",
        settings="",
        order="common",
    )
    train = positions[positions % FOLDS != fold]
    context = Context(n_classes=2, epochs=epochs)
    return Fold(
        run=Run(cell, 0, fold, place // FOLDS, ""),
        bags=FoldBags(data, fit_scaler(data, train)),
        train=train,
        valid=positions[positions % FOLDS == fold],
        labels=dict(enumerate(data.labels)),
        n_bags=BAGS,
        context=context,
    )


if __name__ == "__main__":
    main()
