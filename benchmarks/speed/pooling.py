"""Time mean pooling with a linear layer on slide-sized bags against a plain PyTorch loop (W2).

The pooled bag has no parameter in it, so it is computed once (``prepare``) and the runs of all
folds and seeds are one stack of linear layers. The plain loop, that of ``sequential.py``, pools
the bag in every step. One process and one thread on both sides, in turns; CPU time of a training
step of one run, held-out bags evaluated after every epoch, pooling included.

    python benchmarks/speed/pooling.py [--bags 60] [--epochs 50] [--pairs 3]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent))  # the plain loop lies beside this script

from sequential import Bags, PlainBags, plain_epoch, plain_evaluation

from milbench import Aggregator, Recipe
from milbench.jobs import Cell, Run
from milbench.splits import Part
from milbench.train.engine import train_stack
from milbench.train.machine import peak_memory_mb, versions
from milbench.train.resident import Resident
from milbench_aggregators.mean import Mean

SMALLEST, LARGEST, FEATURES, FOLDS, SEEDS = 500, 3000, 1024, 5, 5
MEAN = Aggregator(name="mean", target=Mean, summary="mean pooling")


def main() -> None:
    """Print the time of a training step on both sides, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bags", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=50, help="of ours; the plain loop takes one")
    parser.add_argument("--pairs", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bags = synthetic(chosen.bags)
    ours(bags, chosen.epochs)
    print(f"{chosen.bags} bags of {SMALLEST}-{LARGEST} x {FEATURES}, {FOLDS} folds, {SEEDS} seeds")
    ratios = []
    for _ in range(chosen.pairs):
        theirs, mine = plain(bags), ours(bags, chosen.epochs)
        ratios.append(theirs / mine)
        print(f"plain {theirs:6.0f} us, stacked {mine:6.1f} us a step; ratio {theirs / mine:6.1f}")
    print(f"median {median(ratios):.0f} times the plain loop (goal: 50)")
    size = bags.x.numel() * bags.x.itemsize / 2**20
    print(f"features {size:.0f} MiB, peak memory {peak_memory_mb()} MiB; {versions()}")


def synthetic(count: int) -> Bags:
    """Return random bags of the size of slides, the same on every machine."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(SMALLEST, LARGEST + 1, count)
    x = torch.from_numpy(rng.standard_normal((int(sizes.sum()), FEATURES), dtype=np.float32))
    return Bags(x, (0, *np.cumsum(sizes).tolist()), tuple(b % 2 for b in range(count)))


def plain(bags: Bags) -> float:
    """Return microseconds of a step of the plain loop over one epoch of the first fold."""
    count = len(bags.labels)
    held_out, kept = list(range(0, count, FOLDS)), [b for b in range(count) if b % FOLDS]
    loaders = [
        DataLoader(PlainBags(bags, kept), batch_size=1, shuffle=True),
        DataLoader(PlainBags(bags, held_out), batch_size=1),
    ]
    model = Mean(FEATURES, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    started = time.process_time()
    plain_epoch(model, optimizer, loaders[0])
    plain_evaluation(model, loaders[1])
    return (time.process_time() - started) / len(kept) * 1e6


def ours(bags: Bags, epochs: int) -> float:
    """Return microseconds of a step of one run of a stack, from the features on."""
    names = ("suite", "dataset", "encoder", "method", "aggregator", "features", "split", "code")
    cell = Cell(
        **dict.fromkeys(names, "speed"),
        args={},
        recipe=Recipe(lr=1e-3, epochs=epochs, patience=0),
        standardise=False,
        threshold="half",
        settings="",
        order="common",
    )
    runs = [Run(cell, 0, fold, seed, "") for fold in range(FOLDS) for seed in range(SEEDS)]
    positions = np.arange(len(bags.labels))
    parts = [
        Part(train=positions[at != fold], val=positions[at == fold], test=positions[at == fold])
        for fold in (run.fold for run in runs)
        for at in (positions % FOLDS,)
    ]
    data = Resident(bags.x, bags.offsets, None, bags.labels, 2)
    started = time.process_time()
    train_stack(runs, MEAN, data, parts)
    steps = sum(len(part.train) for part in parts) * epochs
    return (time.process_time() - started) / steps * 1e6


if __name__ == "__main__":
    main()
